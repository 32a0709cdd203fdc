import { Builder } from 'flatbuffers';
import { type EventChunk, type SensorSize, sliceChunk } from '../../../events.ts';
import { viewOf } from '../byte-window.ts';
import { FlatTable } from '../flat-table.ts';
import type { EncodeOptions, EventEncoder, Patch } from '../format.ts';
import { type PacketEntry, writeDataTable } from './data-table.ts';
import { EVENT_BYTES } from './event-packet.ts';
import { encodeLz4 } from './lz4-encoder.ts';
import { packZstd } from './zstd-encoder.ts';

/** What an AEDAT 4 file starts with. */
export const MAGIC: Uint8Array = Buffer.from('#!AER-DAT4.0\r\n', 'latin1');

/** A stream as the header describes it. */
export interface StreamDescription {
  readonly id: number;
  readonly type: 'EVTS' | 'FRME' | 'IMUS' | 'TRIG';
  /** Size of the sensor, for events and frames. */
  readonly sensor?: SensorSize;
}

/** Names of the compressions by their number in the header. */
const COMPRESSIONS = ['NONE', 'LZ4', 'LZ4_HIGH', 'ZSTD', 'ZSTD_HIGH'] as const;

/** Numbers of the compressions in the header. */
const COMPRESSION_NUMBERS = { none: 0, lz4: 1, zstd: 3 } as const;

/** A packet is at most this long: readers unpack packets whole. */
const MOST_PACKET_EVENTS = 1 << 16;

/** Packs the content of a packet. */
export type Pack = (content: Uint8Array) => Uint8Array;

/** Writes AEDAT 4: one packet a chunk, all in stream 0, then the data table, to which the header is patched to point. */
export class Aedat4Encoder implements EventEncoder {
  readonly #sensor: SensorSize;
  readonly #compression: number;
  readonly #pack: Pack;
  readonly #packets: PacketEntry[] = [];
  #offset = 0;
  #patches: Patch[] = [];

  /** For zstd, `loadZstdEncoder` has been awaited before. */
  constructor(options: EncodeOptions) {
    const { sensor, compression = 'lz4' } = options;
    this.#sensor = sensor;
    this.#compression = COMPRESSION_NUMBERS[compression];
    this.#pack = packer(compression);
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    for (let start = 0; start < chunk.t.length; start += MOST_PACKET_EVENTS) {
      const end = start + MOST_PACKET_EVENTS;
      this.#packet(chunk.t.length <= MOST_PACKET_EVENTS ? chunk : sliceChunk(chunk, start, end), emit);
    }
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    const position = new Uint8Array(8);
    viewOf(position).setBigInt64(0, BigInt(this.#offset), true);
    this.#patches.push({ byteOffset: this.#tablePositionAt, bytes: position });
    emit(this.#pack(writeDataTable(this.#packets)));
  }

  patches(): readonly Patch[] {
    return this.#patches;
  }

  /** Where the header says where the data table is. */
  #tablePositionAt = 0;

  #head(emit: (bytes: Uint8Array) => void): void {
    if (this.#offset > 0) return;
    const header = writeHeader([{ id: 0, type: 'EVTS', sensor: this.#sensor }], this.#compression);
    const start = MAGIC.length + 4;
    this.#tablePositionAt = start + FlatTable.root(viewOf(header.subarray(start))).struct(1)!;
    this.#put(header, emit);
  }

  #packet(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    const content = this.#pack(writeEvents(chunk));
    const { origin, t } = chunk;
    this.#packets.push({
      stream: 0,
      byteOffset: this.#offset + 8,
      size: content.length,
      elements: t.length,
      firstMicros: origin + t[0]!,
      lastMicros: origin + t[t.length - 1]!,
    });
    this.#put(writePacket(0, content), emit);
  }

  #put(bytes: Uint8Array, emit: (bytes: Uint8Array) => void): void {
    this.#offset += bytes.length;
    emit(bytes);
  }
}

function packer(compression: NonNullable<EncodeOptions['compression']>): Pack {
  if (compression === 'none') return (content) => content;
  return compression === 'lz4' ? encodeLz4 : packZstd();
}

/** Magic, length and header table; `compression` is 0 none, 1 LZ4, 2 LZ4 high, 3 zstd, 4 zstd high. */
export function writeHeader(streams: readonly StreamDescription[], compression = 0): Uint8Array {
  const builder = new Builder(1024);
  const description = builder.createString(describe(streams, compression));
  builder.startObject(3);
  builder.addFieldInt32(0, compression, 0);
  builder.addFieldInt64(1, -1n, 0n); // no data table
  builder.addFieldOffset(2, description, 0);
  builder.finish(builder.endObject(), 'IOHE');
  const table = builder.asUint8Array();
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, table.length, true);
  return Buffer.concat([MAGIC, length, table]);
}

/** A packet: stream number, length, content. */
export function writePacket(stream: number, content: Uint8Array): Uint8Array {
  const packet = new Uint8Array(8 + content.length);
  const view = new DataView(packet.buffer);
  view.setInt32(0, stream, true);
  view.setInt32(4, content.length, true);
  packet.set(content, 8);
  return packet;
}

/** The content of an event packet: its size, then a table with identifier EVTS that holds a vector of structs. */
export function writeEvents({ origin, t, x, y, on }: EventChunk): Uint8Array {
  // Size, root, identifier, vtable, padding, table, vector length: laid out by hand, so that events are written once.
  const start = 40;
  const bytes = new Uint8Array(start + t.length * EVENT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length - 4, true);
  view.setUint32(4, 24, true); // root: the table stands at 28
  bytes.set(Buffer.from('EVTS', 'latin1'), 8);
  view.setUint16(20, 6, true); // vtable of 6 bytes
  view.setUint16(22, 8, true); // table of 8 bytes
  view.setUint16(24, 4, true); // the vector's offset is its field at 4
  view.setInt32(28, 8, true); // the vtable stands 8 bytes before the table
  view.setUint32(32, 4, true); // the vector stands at 36
  view.setUint32(36, t.length, true);
  const high = Math.floor(origin / 2 ** 32);
  const first = origin - high * 2 ** 32;
  for (let i = 0, at = start; i < t.length; i++, at += EVENT_BYTES) {
    const low = (first + t[i]!) >>> 0;
    view.setUint32(at, low, true);
    view.setInt32(at + 4, low < first ? high + 1 : high, true);
    view.setInt32(at + 8, x[i]! | (y[i]! << 16), true);
    view.setInt32(at + 12, on[i]!, true);
  }
  return bytes;
}

/** The XML that DV writes to describe streams. */
function describe(streams: readonly StreamDescription[], compression: number): string {
  const nodes = streams.map(({ id, type, sensor }) => {
    const size =
      sensor === undefined
        ? ''
        : `<attr key="sizeX" type="int">${sensor.width}</attr><attr key="sizeY" type="int">${sensor.height}</attr>`;
    return (
      `<node name="${id}"><attr key="compression" type="string">${COMPRESSIONS[compression]}</attr>` +
      `<attr key="typeIdentifier" type="string">${type}</attr>` +
      `<node name="info">${size}<attr key="source" type="string">rxspike</attr></node></node>`
    );
  });
  return `<dv version="2.0"><node name="outInfo">${nodes.join('')}</node></dv>`;
}
