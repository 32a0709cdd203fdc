import type { Compression } from './io-header.ts';
import { Lz4Frames } from './lz4.ts';
import { decodeZstd } from './zstd.ts';

/** Packed or unpacked, a packet is at most this large: 4 million events. */
export const LARGEST_PACKET_BYTES: number = 1 << 26;

/** Unpacks packets one after the other, each into the memory of the one before. */
export class Unpacker {
  readonly #lz4 = new Lz4Frames(LARGEST_PACKET_BYTES);

  /** The content of a packet, valid until the next call; throws a RangeError where it is not valid. */
  unpack(packet: Uint8Array, compression: Compression): Uint8Array {
    switch (compression) {
      case 'none':
        return packet;
      case 'lz4':
        return this.#lz4.decode(packet);
      case 'zstd':
        return decodeZstd(packet, LARGEST_PACKET_BYTES);
    }
  }
}
