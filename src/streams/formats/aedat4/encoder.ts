import { Builder } from 'flatbuffers';
import type { EventChunk, SensorSize } from '../../../events.ts';
import type { EncodeOptions, EventEncoder } from '../format.ts';
import { EVENT_BYTES } from './event-packet.ts';

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

/** Writes AEDAT 4 without compression and without data table: one packet a chunk, all in stream 0. */
export class Aedat4Encoder implements EventEncoder {
  readonly #options: EncodeOptions;
  #headed = false;

  constructor(options: EncodeOptions) {
    this.#options = options;
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    if (chunk.t.length > 0) emit(writePacket(0, writeEvents(chunk)));
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
  }

  #head(emit: (bytes: Uint8Array) => void): void {
    if (this.#headed) return;
    this.#headed = true;
    emit(writeHeader([{ id: 0, type: 'EVTS', sensor: this.#options.sensor }]));
  }
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
  for (let i = 0; i < t.length; i++) {
    const micros = origin + t[i]!;
    const at = start + i * EVENT_BYTES;
    view.setUint32(at, micros % 4294967296, true);
    view.setInt32(at + 4, Math.floor(micros / 4294967296), true);
    view.setInt16(at + 8, x[i]!, true);
    view.setInt16(at + 10, y[i]!, true);
    view.setUint8(at + 12, on[i]!);
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
