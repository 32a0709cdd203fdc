import type { ByteSource } from '../../byte-source.ts';
import type { TimeRange } from '../../time-range.ts';
import { viewOf } from '../byte-window.ts';
import { PACKET_HEADER_BYTES, PACKET_TYPE, readPacketHeader } from './packets.ts';

/** Bytes that are read at a time to go from packet to packet. */
const WALK_BYTES = 1 << 16;
/** Bytes that are looked at of a packet: its header and its first event. */
const LOOK_BYTES = PACKET_HEADER_BYTES + 8;

/**
 * The stretch of packets that holds a time range: from the last packet of events that begins before it to the first
 * that begins after it, both of the first camera. Packets overlap in time only where their events go back.
 */
export async function findPackets(
  source: ByteSource,
  headerBytes: number,
  { fromMicros = Number.NEGATIVE_INFINITY, toMicros = Number.POSITIVE_INFINITY }: TimeRange,
): Promise<{ start: number; end: number; camera: number | undefined }> {
  let camera: number | undefined;
  let first = headerBytes;
  let block: Uint8Array = new Uint8Array(0);
  let blockStart = 0;
  for (let start = headerBytes; start + LOOK_BYTES <= source.size; ) {
    if (start < blockStart || start + LOOK_BYTES > blockStart + block.length) {
      block = await source.read(start, start + WALK_BYTES);
      blockStart = start;
      if (block.length < LOOK_BYTES) break;
    }
    const view = viewOf(block.subarray(start - blockStart));
    let bodyBytes: number;
    try {
      const packet = readPacketHeader(view);
      bodyBytes = packet.bodyBytes;
      if (packet.type === PACKET_TYPE.polarity && packet.events > 0) {
        camera ??= packet.source;
        const low = (view.getInt32(PACKET_HEADER_BYTES + 4, true) | packet.timeBit31) >>> 0;
        const micros = packet.timeHigh * 2 ** 32 + low;
        const ours = packet.source === camera;
        if (ours && micros >= toMicros) return { start: first, end: start, camera };
        if (ours && micros < fromMicros) first = start;
      }
    } catch (error) {
      if (error instanceof RangeError) break; // the decoder will say what is wrong, should it come here
      throw error;
    }
    start += PACKET_HEADER_BYTES + bodyBytes;
  }
  return { start: first, end: Number.POSITIVE_INFINITY, camera };
}
