/**
 * Prophesee DAT: header lines `% …`, a byte for the kind of events and one for their size, then records of a time in
 * microseconds and an address. Version 2 addresses have 14 bits a coordinate, version 1 (ATIS) 9 and 8. The clock has
 * 32 bits: a step of up to 2^31 µs forward, modulo 2^32, is forward; any other goes back.
 * https://docs.prophesee.ai/stable/data/file_formats/dat.html
 */
import type { EventChunk, SensorSize } from '../../events.ts';
import type { ByteSource } from '../byte-source.ts';
import type { TimeRange } from '../time-range.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventDecoder, EventFormat, Seek } from './format.ts';
import { KernelChunks } from './kernels/kernel-chunks.ts';
import { loops } from './kernels/loops.ts';
import { CLOCK, HEIGHT, LAST, WIDTH } from './kernels/state.ts';
import { DatEncoder } from './prophesee/dat-encoder.ts';
import { DAT_BYTES, setDatLayout } from './prophesee/dat-records.ts';
import { PercentHeader, sniffHeader } from './prophesee/percent-header.ts';
import { isRawHeader } from './prophesee/raw-header.ts';
import { RecordCarry } from './record-carry.ts';
import { findRecord } from './wrapping-records.ts';

const LARGEST_HEADER_BYTES = 1 << 20;
/** Kinds of events that are changes of a pixel: `Event2d` and `EventCD`. */
const PIXEL_KINDS: readonly number[] = [0x00, 0x0c];
/** Coordinates of version 2 where the header does not say how large the sensor is; version 1 has fewer bits. */
const ANY_SIZE: SensorSize = { width: 1 << 14, height: 1 << 14 };

/** The version that a header says; where it says none, the kind of the events tells. */
function versionOf(fields: ReadonlyMap<string, string>, kind: number | undefined): number {
  const said = fields.get('version');
  return said === undefined ? (kind === 0x0c ? 2 : 1) : Number(said);
}

class DatDecoder implements EventDecoder {
  readonly counters: DecodeCounters = zeroCounters();
  readonly #options: DecodeOptions;
  readonly #header: PercentHeader;
  readonly #carry = new RecordCarry(DAT_BYTES);
  readonly #chunks = new KernelChunks(this.counters);
  readonly #kernel = loops().decode.dat;
  #sensor: SensorSize | undefined;
  /** The byte of the events' kind, once it has come before that of their size. */
  #kind: number | undefined;
  #settled = false;
  #started = false;
  /** Where the next byte to come stands in the file. */
  #offset = 0;

  constructor(options: DecodeOptions) {
    this.#options = options;
    this.#header = new PercentHeader('DAT', options.path);
  }

  get sensor(): SensorSize | undefined {
    return this.#options.sensor ?? this.#sensor;
  }

  get simulated(): boolean {
    return this.#header.fields.get('simulated') === 'true';
  }

  push(block: Uint8Array, emit: (chunk: EventChunk) => void): void {
    if (this.#header.done) {
      this.#body(block, emit);
      return;
    }
    const parts = this.#header.read(block);
    this.#offset = this.#header.bytes;
    for (const part of parts) this.#body(part, emit);
  }

  handOn(emit: (chunk: EventChunk) => void): void {
    this.#chunks.handOn(emit);
  }

  end(emit: (chunk: EventChunk) => void): void {
    if (!this.#header.done) this.#header.end();
    if (!this.#settled) this.#fail('kind and size of events expected, the data end before them');
    this.#chunks.flush(emit);
    const held = this.#carry.held;
    if (held > 0) {
      this.#offset -= held;
      this.#fail(`record of ${DAT_BYTES} bytes expected, the data end after ${held}`);
    }
  }

  /** Goes on with the record at `byteOffset`, to whose clock `epochMicros` are to be added; only the header was taken. */
  jump(byteOffset: number, epochMicros: number): void {
    this.#offset = byteOffset;
    this.#chunks.moveOrigin(epochMicros, () => undefined);
  }

  #body(bytes: Uint8Array, emit: (chunk: EventChunk) => void): void {
    let start = 0;
    for (; start < bytes.length && !this.#settled; start++) {
      if (this.#kind === undefined) this.#kind = this.#checkedKind(bytes[start]!);
      else this.#settle(this.#kind, bytes[start]!);
      this.#offset++;
    }
    if (start === bytes.length) return;
    this.#carry.feed(bytes.subarray(start), (records) => this.#decode(records, emit));
    this.#offset += bytes.length - start;
  }

  #checkedKind(kind: number): number {
    if (PIXEL_KINDS.includes(kind)) return kind;
    this.#fail(`with events of kind 0x00 or 0x0c expected, found 0x${kind.toString(16).padStart(2, '0')}`);
  }

  #settle(kind: number, size: number): void {
    const { fields } = this.#header;
    if (size !== DAT_BYTES) this.#fail(`with events of ${DAT_BYTES} bytes expected, found ${size}`);
    const version = versionOf(fields, kind);
    if (version !== 1 && version !== 2) {
      this.#fail(`of version 1 or 2 expected, found ${JSON.stringify(fields.get('version')!.slice(0, 20))}`);
    }
    const [width, height] = [Number(fields.get('width')), Number(fields.get('height'))];
    if (width > 0 && height > 0 && Number.isInteger(width) && Number.isInteger(height)) {
      this.#sensor = { width, height };
    }
    const { state } = this.#chunks;
    const sensor = this.sensor ?? ANY_SIZE;
    setDatLayout(state, version);
    state[WIDTH] = Math.min(sensor.width, ANY_SIZE.width);
    state[HEIGHT] = Math.min(sensor.height, ANY_SIZE.height);
    this.#settled = true;
  }

  #decode(records: DataView, emit: (chunk: EventChunk) => void): void {
    const { state } = this.#chunks;
    const moveTo = (clock: number): void => {
      const moved = this.#started ? (clock - state[CLOCK]!) >>> 0 : clock >>> 0;
      this.#chunks.moveOrigin(this.#chunks.origin + moved, emit);
      state[CLOCK] = clock;
      state[LAST] = 0;
      this.#started = true;
    };
    if (!this.#started) moveTo(records.getInt32(0, true));
    const resume = (position: number): number => {
      moveTo(records.getInt32(position, true));
      return position;
    };
    this.#chunks.decode(records, 0, this.#kernel, resume, emit);
  }

  #fail(message: string): never {
    throw formatFault(`DAT ${message}`, this.#options.path, this.#offset);
  }
}

/** Finds records before a time range by looking into the file. */
async function seek(
  source: ByteSource,
  { fromMicros }: TimeRange,
  options: DecodeOptions,
): Promise<Seek | undefined> {
  if (fromMicros === undefined) return undefined;
  const head = await source.read(0, LARGEST_HEADER_BYTES);
  const header = new PercentHeader('DAT', options.path);
  const body = header.read(head).reduce((sum, part) => sum + part.length, 0);
  const start = head.length - body + 2; // kind and size of events stand before them
  if (!header.done || body < 2) return undefined;
  const decoder = new DatDecoder(options);
  decoder.push(head.subarray(0, start), () => undefined);
  const clockAt = (records: DataView, position: number): number => records.getInt32(position, true);
  const records = { start, recordBytes: DAT_BYTES, clockAt };
  const { byteOffset, epochMicros } = await findRecord(source, records, fromMicros);
  decoder.jump(byteOffset, epochMicros);
  return { decoder, start: byteOffset, end: source.size };
}

/** How sure it is that a head is that of a DAT file of a version. */
function sniffDat(head: Uint8Array, version: 1 | 2): number {
  const { fields, body } = sniffHeader(head) ?? {};
  if (fields === undefined || body === undefined || isRawHeader(fields)) return 0;
  const [kind, size] = body;
  if (!(PIXEL_KINDS.includes(kind!) && size === DAT_BYTES)) {
    // Of another kind or version: version 2 says so.
    return version === 2 && fields.has('version') ? 0.1 : 0;
  }
  const found = versionOf(fields, kind);
  return found === version ? 1 : version === 2 && found !== 1 ? 0.1 : 0;
}

function datFormat(version: 1 | 2): EventFormat {
  return {
    name: version === 2 ? 'dat' : 'dat1',
    title: `DAT ${version}`,
    extensions: ['.dat'],
    sniff: (head) => sniffDat(head, version),
    createDecoder: (options = {}) => new DatDecoder(options),
    seek,
    createEncoder: (options) => new DatEncoder(version, options),
  };
}

/** Prophesee DAT, version 2. */
export const dat: EventFormat = datFormat(2);
/** Prophesee DAT, version 1: sensors up to 512x256. */
export const dat1: EventFormat = datFormat(1);
