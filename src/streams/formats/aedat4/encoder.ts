import { Builder } from 'flatbuffers';
import { OptionError } from '../../../errors.ts';
import { type EventChunk, type SensorSize, sliceChunk } from '../../../events.ts';
import { viewOf } from '../byte-window.ts';
import { FlatTable } from '../flat-table.ts';
import type { EncodeOptions, EventEncoder, Patch } from '../format.ts';
import { giveBack } from '../growing-bytes.ts';
import { KernelBytes } from '../kernels/kernel-bytes.ts';
import { loops } from '../kernels/loops.ts';
import { CLOCK, HIGH } from '../kernels/state.ts';
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
/** Columns and rows that 15 bits can say. */
const MOST_PIXELS = 32768;

/** Packs the content of a packet; gives the content itself where it is not packed. */
export type Pack = (content: Uint8Array) => Uint8Array;

/** Writes AEDAT 4: one packet a chunk, all in stream 0, then the data table, to which the header is patched to point. */
export class Aedat4Encoder implements EventEncoder {
  readonly #sensor: SensorSize;
  readonly #compression: number;
  readonly #pack: Pack;
  readonly #events: EventPackets;
  readonly #packets: PacketEntry[] = [];
  #offset = 0;
  #patches: Patch[] = [];

  /** For zstd, `loadZstdEncoder` has been awaited before. */
  constructor(options: EncodeOptions) {
    const { sensor, compression = 'lz4' } = options;
    this.#sensor = sensor;
    this.#compression = COMPRESSION_NUMBERS[compression];
    this.#pack = packer(compression);
    this.#events = new EventPackets(sensor);
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
    const events = this.#events.write(chunk);
    const content = this.#pack(events);
    const { origin, t } = chunk;
    this.#packets.push({
      stream: 0,
      byteOffset: this.#offset + 8,
      size: content.length,
      elements: t.length,
      firstMicros: origin + t[0]!,
      lastMicros: origin + t[t.length - 1]!,
    });
    this.#put(packetHead(0, content.length), emit);
    this.#put(content, emit);
    if (content !== events) giveBack(events);
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
  return Buffer.concat([packetHead(stream, content.length), content]);
}

function packetHead(stream: number, length: number): Uint8Array {
  const head = new Uint8Array(8);
  const view = viewOf(head);
  view.setInt32(0, stream, true);
  view.setInt32(4, length, true);
  return head;
}

/**
 * Writes contents of event packets: their size, then a table with identifier EVTS that holds a vector of structs, laid out
 * by hand, so that events are written once.
 */
export class EventPackets {
  readonly #bytes: KernelBytes;

  constructor(sensor: SensorSize) {
    if (sensor.width > MOST_PIXELS || sensor.height > MOST_PIXELS) {
      throw new OptionError(
        `AEDAT 4 holds sensors up to ${MOST_PIXELS}x${MOST_PIXELS}, not ${sensor.width}x${sensor.height}`,
      );
    }
    const format = { title: 'AEDAT 4', kernel: loops().encode.aedat4, mostBytes: EVENT_BYTES };
    this.#bytes = new KernelBytes(format, sensor);
  }

  /** The content for a chunk, which is not empty. */
  write(chunk: EventChunk): Uint8Array {
    // Size, root, identifier, vtable, padding, table, vector length.
    const start = 40;
    const { state } = this.#bytes;
    // The state takes it modulo 2^32.
    state[CLOCK] = chunk.origin;
    state[HIGH] = Math.floor(chunk.origin / 2 ** 32);
    const bytes = this.#bytes.encode(chunk, undefined, start);
    const view = viewOf(bytes);
    bytes.fill(0, 0, start);
    view.setUint32(0, bytes.length - 4, true);
    view.setUint32(4, 24, true); // root: the table stands at 28
    bytes.set(Buffer.from('EVTS', 'latin1'), 8);
    view.setUint16(20, 6, true); // vtable of 6 bytes
    view.setUint16(22, 8, true); // table of 8 bytes
    view.setUint16(24, 4, true); // the vector's offset is its field at 4
    view.setInt32(28, 8, true); // the vtable stands 8 bytes before the table
    view.setUint32(32, 4, true); // the vector stands at 36
    view.setUint32(36, chunk.t.length, true);
    return bytes;
  }
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
