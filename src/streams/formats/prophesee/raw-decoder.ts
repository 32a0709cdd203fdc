import type { EventChunk, SensorSize } from '../../../events.ts';
import { formatFault, zeroCounters } from '../fault.ts';
import type { DecodeCounters, DecodeOptions, EventDecoder } from '../format.ts';
import type { Kernel } from '../kernels/kernel.ts';
import { KernelChunks } from '../kernels/kernel-chunks.ts';
import { HEIGHT, WIDTH } from '../kernels/state.ts';
import { RecordCarry } from '../record-carry.ts';
import { EvtClock } from './evt-clock.ts';
import { PercentHeader } from './percent-header.ts';
import { type RawEncoding, type RawHeader, readRawHeader } from './raw-header.ts';

/** Coordinates have 11 bits, where the header does not say how large the sensor is. */
const ANY_SIZE: SensorSize = { width: 2048, height: 2048 };

/** How one encoding is decoded. */
export interface RawWords {
  readonly encoding: RawEncoding;
  /** For people: `EVT3`. */
  readonly title: string;
  readonly wordBytes: number;
  /** Bits of a TIME_HIGH word's value, and of the time that other words give. */
  readonly highBits: number;
  readonly lowBits: number;
  /** Decodes words, but for those that are left to `read`. */
  kernel(header: RawHeader): Kernel;
  /** Reads a word that the kernel left, or that stands before the first TIME_HIGH. */
  read(words: DataView, position: number, state: Int32Array, header: RawHeader): LoneWord;
}

/** What a word that is read by itself is. */
export type LoneWord =
  | { readonly kind: 'time-high'; readonly value: number }
  | { readonly kind: 'trigger'; readonly offset: number; readonly channel: number; readonly value: number }
  /** Part of another word, or a setting that `read` has put into the state. */
  | { readonly kind: 'other' }
  /** An event before there is a time, or a word of an unknown kind. */
  | { readonly kind: 'skipped' };

/** Decodes RAW files: a header, then words of one encoding. What stands before the first TIME_HIGH has no time. */
export class RawDecoder implements EventDecoder {
  readonly counters: DecodeCounters = zeroCounters();
  readonly #words: RawWords;
  readonly #options: DecodeOptions;
  readonly #percent: PercentHeader;
  readonly #carry: RecordCarry;
  readonly #chunks = new KernelChunks(this.counters);
  readonly #clock: EvtClock;
  #header: RawHeader | undefined;
  #kernel: Kernel | undefined;
  /** Where the next word starts in the file. */
  #offset = 0;

  constructor(words: RawWords, options: DecodeOptions) {
    this.#words = words;
    this.#options = options;
    this.#percent = new PercentHeader('RAW', options.path);
    this.#carry = new RecordCarry(words.wordBytes);
    this.#clock = new EvtClock(this.#chunks, words.highBits, words.lowBits, options.shiftTime === true);
  }

  get sensor(): SensorSize | undefined {
    return this.#options.sensor ?? this.#header?.sensor;
  }

  get simulated(): boolean {
    return this.#header?.simulated === true;
  }

  push(block: Uint8Array, emit: (chunk: EventChunk) => void): void {
    if (this.#percent.done) {
      this.#body(block, emit);
      return;
    }
    const parts = this.#percent.read(block);
    if (!this.#percent.done) return;
    this.#settle();
    this.#offset = this.#percent.bytes;
    for (const part of parts) this.#body(part, emit);
  }

  handOn(emit: (chunk: EventChunk) => void): void {
    this.#chunks.handOn(emit);
  }

  end(emit: (chunk: EventChunk) => void): void {
    if (!this.#percent.done) {
      this.#percent.end();
      this.#settle();
    }
    this.#chunks.flush(emit);
    const held = this.#carry.held;
    if (held > 0) {
      const { title, wordBytes } = this.#words;
      const message = `${title} word of ${wordBytes} bytes expected, the data end after ${held}`;
      throw formatFault(message, this.#options.path, this.#offset);
    }
  }

  /** Goes on at a TIME_HIGH word behind so many wraps of the clock; only the header has been pushed. */
  jump(byteOffset: number, loops: number): void {
    if (!this.#percent.done) {
      this.#percent.end();
      this.#settle();
    }
    this.#offset = byteOffset;
    this.#clock.begin(loops);
  }

  #settle(): void {
    const { encoding, title } = this.#words;
    try {
      this.#header = readRawHeader(this.#percent.fields);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw formatFault(`RAW header is not valid: ${error.message}`, this.#options.path, 0, error);
    }
    const found = this.#header.encoding;
    if (found !== encoding) {
      const named = found === undefined ? 'none' : JSON.stringify(found.slice(0, 80));
      const message = `RAW header with encoding ${title} expected (EVT2, EVT2.1 and EVT3 are known), found ${named}`;
      throw formatFault(message, this.#options.path, 0);
    }
    const { width, height } = this.sensor ?? ANY_SIZE;
    this.#chunks.state[WIDTH] = width;
    this.#chunks.state[HEIGHT] = height;
    this.#kernel = this.#words.kernel(this.#header);
  }

  #body(bytes: Uint8Array, emit: (chunk: EventChunk) => void): void {
    this.#carry.feed(bytes, (words) => this.#decode(words, emit));
  }

  #decode(words: DataView, emit: (chunk: EventChunk) => void): void {
    let start = 0;
    while (!this.#clock.started && start < words.byteLength) start = this.#take(words, start, emit);
    const resume = (position: number): number => this.#take(words, position, emit);
    this.#chunks.decode(words, start, this.#kernel!, resume, emit);
    this.#offset += words.byteLength;
  }

  /** Takes one word by itself; gives where the next one starts. */
  #take(words: DataView, position: number, emit: (chunk: EventChunk) => void): number {
    const word = this.#words.read(words, position, this.#chunks.state, this.#header!);
    if (word.kind === 'time-high') this.#setTime(word.value, this.#offset + position, emit);
    if (word.kind === 'trigger' || word.kind === 'skipped') this.counters.skipped++;
    if (word.kind === 'trigger' && this.#clock.started) {
      this.#options.others?.({
        kind: 'trigger',
        micros: this.#chunks.origin + word.offset,
        type: word.value,
        name: word.value === 1 ? 'rising' : 'falling',
        channel: word.channel,
      });
    }
    return position + this.#words.wordBytes;
  }

  #setTime(value: number, byteOffset: number, emit: (chunk: EventChunk) => void): void {
    try {
      this.#clock.set(value, emit);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#chunks.flush(emit);
      throw formatFault(`${this.#words.title} ${error.message}`, this.#options.path, byteOffset, error);
    }
  }
}
