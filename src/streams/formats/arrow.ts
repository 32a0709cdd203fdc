/**
 * Events as Arrow IPC, the project's own form on disk: columns t timestamp[us], x uint16, y uint16, on bool; sensor
 * size and whether the events are simulated stand in the schema's metadata. Files are written, files and streams are
 * read, batch by batch, as they come; the footer is for readers that jump.
 */
import type { EventChunk, SensorSize } from '../../events.ts';
import type { ByteSource } from '../byte-source.ts';
import type { TimeRange } from '../time-range.ts';
import { batchPlaces, firstTime } from './arrow/batches.ts';
import { ArrowEncoder } from './arrow/encoder.ts';
import { MAGIC, padded } from './arrow/layout.ts';
import { type BatchLayout, type EventSchema, readBatch, readMessage, readSchema } from './arrow/reader.ts';
import { ByteWindow, viewOf } from './byte-window.ts';
import type { Progress } from './chunk-builder.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventDecoder, EventFormat, Seek } from './format.ts';
import { type DecodeWide, WideChunks } from './wide-chunks.ts';

const LARGEST_METADATA_BYTES = 1 << 20;
/** 22 million events. */
const LARGEST_BODY_BYTES = 1 << 28;
const ANY_SIZE: SensorSize = { width: 65536, height: 65536 };

/** What the decoder waits for: the magic of a file, a message's length, its table, the body of a batch, no more. */
type Awaited = 'magic' | 'length' | 'message' | 'body' | 'end';

class ArrowDecoder implements EventDecoder {
  readonly counters: DecodeCounters = zeroCounters();
  readonly #options: DecodeOptions;
  readonly #window = new ByteWindow();
  readonly #chunks = new WideChunks();
  #schema: EventSchema | undefined;
  #batch: BatchLayout | undefined;
  #isFile = false;
  #awaited: Awaited = 'magic';
  /** Bytes of the awaited part. */
  #size = 0;
  /** Where the message starts in the file. */
  #start = 0;

  constructor(options: DecodeOptions) {
    this.#options = options;
  }

  get sensor(): SensorSize | undefined {
    return this.#options.sensor ?? this.#schema?.sensor;
  }

  get simulated(): boolean {
    return this.#schema?.simulated ?? false;
  }

  push(block: Uint8Array, emit: (chunk: EventChunk) => void): void {
    this.#window.push(block);
    try {
      while (this.#advance(emit));
    } catch (error) {
      this.#chunks.flush(emit);
      throw error;
    }
  }

  /** True where what was taken ends with the schema. */
  get ready(): boolean {
    return this.#schema !== undefined && this.#awaited === 'length' && this.#window.available === 0;
  }

  /** Goes on with the message at `byteOffset`; the schema has been taken, and nothing else. */
  jump(byteOffset: number): void {
    this.#window.offset = byteOffset;
  }

  handOn(emit: (chunk: EventChunk) => void): void {
    this.#chunks.handOn(emit);
  }

  end(emit: (chunk: EventChunk) => void): void {
    this.#chunks.flush(emit);
    // A stream may end without a mark, behind any of its messages; a file may not.
    const between = this.#awaited === 'length' && this.#window.available === 0 && this.#schema !== undefined;
    if (this.#awaited === 'end' || (between && !this.#isFile)) return;
    const part = { magic: 'start', length: 'message', message: 'message', body: 'record batch' }[
      this.#awaited
    ];
    this.#fail(`${part} expected, the data end before it is whole`);
  }

  /** Takes the awaited part; gives false where its bytes have not come. */
  #advance(emit: (chunk: EventChunk) => void): boolean {
    switch (this.#awaited) {
      case 'magic':
        return this.#takeMagic();
      case 'length':
        return this.#takeLength();
      case 'message':
        return this.#takeMessage();
      case 'body':
        return this.#takeBody(emit);
      case 'end':
        this.#window.skip(this.#window.available);
        return false;
    }
  }

  #takeMagic(): boolean {
    const bytes = this.#window.peek(padded(MAGIC.length));
    if (bytes === undefined) return false;
    this.#isFile = isMagic(bytes);
    if (this.#isFile) this.#window.skip(padded(MAGIC.length));
    this.#await('length', 8);
    return true;
  }

  #takeLength(): boolean {
    this.#start = this.#window.offset;
    const bytes = this.#window.take(this.#size);
    if (bytes === undefined) return false;
    const view = viewOf(bytes);
    const size = view.getInt32(4, true);
    if (view.getInt32(0, true) !== -1) this.#fail('message expected, found no continuation mark');
    if (size < 0 || size > LARGEST_METADATA_BYTES) {
      this.#fail(`message of at most ${LARGEST_METADATA_BYTES} bytes expected, found ${size}`);
    }
    if (size === 0 && this.#schema === undefined) this.#fail('schema expected, found the end of the stream');
    this.#await(size === 0 ? 'end' : 'message', size);
    return true;
  }

  #takeMessage(): boolean {
    const bytes = this.#window.take(this.#size);
    if (bytes === undefined) return false;
    const { kind, table, bodyBytes } = this.#checked(() => readMessage(bytes));
    if ((kind === 'schema') !== (this.#schema === undefined)) {
      this.#fail(`${this.#schema === undefined ? 'schema' : 'record batch'} expected, found a ${kind}`);
    }
    if (kind === 'schema') this.#schema = this.#checked(() => readSchema(table));
    else this.#batch = this.#checked(() => readBatch(table, bodyBytes, this.#schema!.order));
    const largest = kind === 'schema' ? 0 : LARGEST_BODY_BYTES;
    if (bodyBytes < 0 || bodyBytes > largest) {
      this.#fail(`body of at most ${largest} bytes expected, found ${bodyBytes}`);
    }
    if (kind === 'schema') this.#await('length', 8);
    else this.#await('body', bodyBytes);
    return true;
  }

  #takeBody(emit: (chunk: EventChunk) => void): boolean {
    const bytes = this.#window.take(this.#size);
    if (bytes === undefined) return false;
    const body = viewOf(bytes);
    const batch = this.#batch!;
    const sensor = this.sensor ?? ANY_SIZE;
    const timeHigh = (row: number): number => body.getInt32(batch.columns[0]! + 8 * row + 4, true);
    const decode: DecodeWide = (from, to, chunk, originHigh, progress) =>
      decodeRows(body, batch, from, to, chunk, originHigh, sensor, progress, this.counters);
    const fail = (message: string): never => this.#fail(`record batch with ${message}`);
    this.#chunks.add(batch.rows, timeHigh, decode, fail, emit);
    this.#await('length', 8);
    return true;
  }

  #await(part: Awaited, size: number): void {
    this.#awaited = part;
    this.#size = size;
  }

  /** Runs what reads bytes that may lie: a RangeError becomes a FormatError at the message's start. */
  #checked<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.#fail(`message is not valid: ${error.message}`, error);
    }
  }

  #fail(message: string, cause?: unknown): never {
    throw formatFault(`Arrow ${message}`, this.#options.path, this.#start, cause);
  }
}

/** Decodes rows of a batch, as `DecodeWide` says. */
function decodeRows(
  body: DataView,
  { columns }: BatchLayout,
  start: number,
  stop: number,
  { t, x, y, on }: EventChunk,
  originHigh: number,
  { width, height }: SensorSize,
  progress: Progress,
  counters: DecodeCounters,
): number {
  // Whole numbers to the compiler: they come from 64-bit fields as floating-point ones.
  const times = columns[0]! | 0;
  const xs = columns[1]! | 0;
  const ys = columns[2]! | 0;
  const ons = columns[3]! | 0;
  let n = progress.length;
  let last = progress.last;
  let row = start;
  for (; row < stop; row++) {
    const column = body.getUint16(xs + 2 * row, true);
    const line = body.getUint16(ys + 2 * row, true);
    if (column >= width || line >= height) {
      counters.outOfRange++;
      continue;
    }
    const high = body.getInt32(times + 8 * row + 4, true);
    let time = body.getUint32(times + 8 * row, true);
    if (high !== originHigh || time < last) {
      if (high > originHigh) {
        progress.overflow = true;
        break;
      }
      counters.backward++;
      time = last;
    }
    t[n] = time;
    x[n] = column;
    y[n] = line;
    on[n] = (body.getUint8(ons + (row >> 3)) >> (row & 7)) & 1;
    n++;
    last = time;
  }
  counters.events += n - progress.length;
  progress.length = n;
  progress.last = last;
  return row;
}

function isMagic(head: Uint8Array): boolean {
  return MAGIC.every((byte, i) => head[i] === byte);
}

/** A stream has no magic: it starts with a mark and a schema. */
function startsWithSchema(head: Uint8Array): boolean {
  if (head.length < 8 || head.subarray(0, 4).some((byte) => byte !== 255)) return false;
  const size = viewOf(head).getInt32(4, true);
  try {
    return readMessage(head.subarray(8, 8 + size)).kind === 'schema';
  } catch {
    return false;
  }
}

/** Finds the batch of a time by the table at the end of a file; undefined for streams, which have none. */
async function seek(
  source: ByteSource,
  { fromMicros }: TimeRange,
  options: DecodeOptions,
): Promise<Seek | undefined> {
  if (fromMicros === undefined) return undefined;
  const found = await batchPlaces(source);
  if (found === undefined) return undefined;
  const { places, order } = found;
  const decoder = new ArrowDecoder(options);
  decoder.push(await source.read(0, places[0]!), () => undefined);
  if (!decoder.ready) return undefined;
  let low = 0;
  let high = places.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    const micros = await firstTime(source, places[middle]!, order);
    if (micros === undefined) return undefined;
    if (micros < fromMicros) low = middle;
    else high = middle;
  }
  decoder.jump(places[low]!);
  return { decoder, start: places[low]!, end: source.size };
}

/** Events as Arrow IPC files and streams. */
export const arrowEvents: EventFormat = {
  name: 'arrow',
  title: 'Arrow',
  extensions: ['.arrow', '.feather'],
  sniff: (head) => (isMagic(head) || startsWithSchema(head) ? 1 : 0),
  createDecoder: (options = {}) => new ArrowDecoder(options),
  seek,
  createEncoder: (options) => new ArrowEncoder(options),
};
