/**
 * Text: a line an event, its numbers separated by spaces, commas, tabs or semicolons. Written so by RPG's data sets
 * (`t[s] x y p`), faery (`t,x,y,on`), Metavision (`x,y,p,t`), spreadsheets and scripts. Which column is which is told
 * by an option, by names in the first line, or by what the first rows look like; times with a point are seconds.
 */
import type { EventChunk, SensorSize } from '../../events.ts';
import type { ByteSource } from '../byte-source.ts';
import type { TimeRange } from '../time-range.ts';
import { ChunkBuilder } from './chunk-builder.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventDecoder, EventFormat, Seek } from './format.ts';
import { TextEncoder } from './text/encoder.ts';
import { findLayout, LAYOUT_BYTES, type TextLayout } from './text/layout.ts';
import { RowFault, type RowProgress, RowReader } from './text/rows.ts';

const NEWLINE = 10;
const LONGEST_LINE_BYTES = 1 << 14;
const ANY_SIZE: SensorSize = { width: 65536, height: 65536 };
/** A stretch this long is decoded rather than searched. */
const SEARCH_BYTES = 1 << 16;

class TextEventDecoder implements EventDecoder {
  readonly counters: DecodeCounters = zeroCounters();
  readonly #options: DecodeOptions;
  readonly #chunks = new ChunkBuilder();
  readonly #progress: RowProgress = { length: 0, last: 0, overflow: undefined, fault: undefined };
  #layout: TextLayout | undefined;
  #reader: RowReader | undefined;
  #started = false;
  /** What came before the layout was told, then the part of a line at the end of a block. */
  #held: Uint8Array = new Uint8Array(0);
  /** Position in the file of the first byte that is held. */
  #offset = 0;

  constructor(options: DecodeOptions) {
    this.#options = options;
  }

  get sensor(): SensorSize | undefined {
    return this.#options.sensor ?? this.#layout?.sensor;
  }

  push(block: Uint8Array, emit: (chunk: EventChunk) => void): void {
    if (this.#layout === undefined) {
      this.#held = joined(this.#held, block);
      if (this.#held.length < LAYOUT_BYTES) return;
      const first = this.#settle(this.#held, false);
      this.#held = new Uint8Array(0);
      this.#lines(first, emit);
    } else this.#lines(block, emit);
  }

  handOn(emit: (chunk: EventChunk) => void): void {
    this.#chunks.handOn(emit);
  }

  end(emit: (chunk: EventChunk) => void): void {
    if (this.#layout === undefined) {
      const first = this.#settle(this.#held, true);
      this.#held = new Uint8Array(0);
      this.#lines(first, emit);
    }
    if (this.#held.length > 0) this.#lines(Uint8Array.of(NEWLINE), emit); // the last line needs no end
    this.#chunks.flush(emit);
  }

  /** Tells the layout by the first lines; gives how rows are read from there on, and where they begin. */
  settle(head: Uint8Array): { start: number; reader: RowReader } {
    this.#settle(head, true);
    return { start: this.#layout!.start, reader: this.#reader! };
  }

  /** Goes on with the row at `byteOffset`; the layout is told. */
  jump(byteOffset: number): void {
    this.#offset = byteOffset;
  }

  /** Tells the layout; gives the bytes of the rows. */
  #settle(head: Uint8Array, whole: boolean): Uint8Array {
    const layout = findLayout(head, whole, this.#options);
    if (layout === undefined) {
      const line = Buffer.from(head.subarray(0, 60)).toString('latin1').split(/\r?\n/)[0]!;
      this.#fail(
        `rows of time, x, y and polarity expected (an option tells the order of the columns), found ${JSON.stringify(line)}`,
        0,
      );
    }
    this.#layout = layout;
    this.#reader = new RowReader(layout.columns, layout.timeUnit);
    this.#offset = layout.start;
    return head.subarray(layout.start);
  }

  #lines(block: Uint8Array, emit: (chunk: EventChunk) => void): void {
    let start = 0;
    if (this.#held.length > 0) {
      const newline = block.indexOf(NEWLINE);
      const part = newline < 0 ? block : block.subarray(0, newline + 1);
      if (this.#held.length + part.length > LONGEST_LINE_BYTES) {
        this.#chunks.flush(emit);
        this.#fail(`a line of at most ${LONGEST_LINE_BYTES} bytes expected`, this.#offset);
      }
      this.#held = joined(this.#held, part);
      if (newline < 0) return;
      const line = this.#held;
      this.#held = new Uint8Array(0);
      this.#rows(line, 0, line.length, emit);
      start = newline + 1;
    }
    const stop = block.lastIndexOf(NEWLINE) + 1;
    if (stop > start) this.#rows(block, start, stop, emit);
    this.#held = new Uint8Array(block.subarray(Math.max(start, stop))); // a copy: the block is used again
    if (this.#held.length > LONGEST_LINE_BYTES) {
      this.#chunks.flush(emit);
      this.#fail(`a line of at most ${LONGEST_LINE_BYTES} bytes expected`, this.#offset);
    }
  }

  /** Decodes whole lines. */
  #rows(bytes: Uint8Array, start: number, stop: number, emit: (chunk: EventChunk) => void): void {
    const progress = this.#progress;
    const reader = this.#reader!;
    const sensor = this.sensor ?? ANY_SIZE;
    try {
      if (!this.#started) this.#begin(bytes, start, stop, emit);
      for (let position = start; position < stop; ) {
        const chunk = this.#chunks.open();
        progress.length = this.#chunks.length;
        position = reader.read(bytes, position, stop, chunk, sensor, progress, this.counters);
        this.#chunks.advance(progress.length, emit);
        if (progress.fault !== undefined) throw progress.fault;
        if (progress.overflow !== undefined) this.#moveOrigin(progress.overflow, emit);
      }
    } catch (fault) {
      if (!(fault instanceof RowFault)) throw fault;
      this.#chunks.flush(emit);
      const line = Buffer.from(bytes.subarray(fault.position, fault.position + 80)).toString('latin1');
      const found = JSON.stringify(line.split(/\r?\n/)[0]!.slice(0, 60));
      this.#fail(`row of ${fault.expected} expected, found ${found}`, this.#offset + fault.position - start);
    }
    this.#offset += stop - start;
  }

  /** Times count from the first event. */
  #begin(bytes: Uint8Array, start: number, stop: number, emit: (chunk: EventChunk) => void): void {
    for (let at = start; at < stop; at = bytes.indexOf(NEWLINE, at) + 1) {
      const micros = this.#reader!.timeAt(bytes, at);
      if (micros === undefined) continue;
      this.#started = true;
      this.#moveOrigin(micros, emit);
      return;
    }
  }

  #moveOrigin(micros: number, emit: (chunk: EventChunk) => void): void {
    this.#chunks.moveOrigin(micros, emit);
    this.#progress.last = 0;
    this.#progress.overflow = undefined;
  }

  #fail(message: string, byteOffset: number): never {
    throw formatFault(`text: ${message}`, this.#options.path, byteOffset);
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** Finds a line before the range by halving the file: times rise from line to line. */
async function seek(
  source: ByteSource,
  { fromMicros }: TimeRange,
  options: DecodeOptions,
): Promise<Seek | undefined> {
  const end = source.size;
  if (fromMicros === undefined || end <= SEARCH_BYTES) return undefined;
  const decoder = new TextEventDecoder(options);
  const lastLine = (bytes: Uint8Array): number => bytes.lastIndexOf(NEWLINE) + 1;
  const head = await source.read(0, LAYOUT_BYTES);
  const { start, reader } = decoder.settle(head.subarray(0, lastLine(head)));
  let low = start;
  let high = end;
  while (high - low > SEARCH_BYTES) {
    const middle = Math.floor((low + high) / 2);
    const part = await source.read(middle, middle + LONGEST_LINE_BYTES);
    const line = part.indexOf(NEWLINE) + 1;
    const micros = line > 0 && line < lastLine(part) ? timeOf(reader, part, line) : undefined;
    if (micros !== undefined && micros < fromMicros) low = middle + line;
    else high = middle;
  }
  decoder.jump(low);
  return { decoder, start: low, end };
}

/** The time of a row, where there is one. */
function timeOf(reader: RowReader, bytes: Uint8Array, row: number): number | undefined {
  try {
    return reader.timeAt(bytes, row);
  } catch (fault) {
    if (fault instanceof RowFault) return undefined; // the decoder will say what is wrong, should it come here
    throw fault;
  }
}

/** True for text that the options make a recording of, though nothing in it says so. */
export function isTextWith(head: Uint8Array, whole: boolean, options: DecodeOptions): boolean {
  return (
    options.columns !== undefined && findLayout(head.subarray(0, LAYOUT_BYTES), whole, options) !== undefined
  );
}

/** Text of all kinds: RPG, faery, Metavision, and tables with named columns. */
export const text: EventFormat = {
  name: 'csv',
  title: 'text',
  extensions: ['.csv', '.txt'],
  sniff: (head, size = head.length) => {
    const layout = findLayout(head.subarray(0, LAYOUT_BYTES), size <= LAYOUT_BYTES, {});
    return layout === undefined ? 0 : layout.rows > 0 ? 0.9 : 0.6;
  },
  createDecoder: (options = {}) => new TextEventDecoder(options),
  seek,
  createEncoder: (options) => new TextEncoder(options),
};
