import { OptionError } from '../../../errors.ts';
import type { EventChunk } from '../../../events.ts';
import type { EncodeOptions, EventEncoder } from '../format.ts';
import type { EncodeKernel } from '../kernels/kernel.ts';
import { KernelBytes } from '../kernels/kernel-bytes.ts';
import { BASE, HIGH, LAST, NOW, ROW } from '../kernels/state.ts';
import type { RawWords } from './raw-decoder.ts';
import { writeRawHeader } from './raw-header.ts';
import { TimeHighWords } from './time-high-words.ts';

/** Columns and rows that 11 bits can say. */
const MOST_PIXELS = 2048;

/** All times after it are exact. */
const LATEST_ORIGIN = Number.MAX_SAFE_INTEGER - 2 ** 32;

/** How an encoding of events in RAW files is written. */
export interface WrittenWords {
  readonly kernel: () => EncodeKernel;
  /** The most bytes that the kernel writes for an event. */
  readonly mostBytes: number;
  /** Writes a TIME_HIGH word. */
  readonly putTimeHigh: (view: DataView, at: number, value: number) => void;
}

/** Writes RAW. */
export class RawEncoder implements EventEncoder {
  readonly #words: RawWords;
  readonly #written: WrittenWords;
  readonly #options: EncodeOptions;
  readonly #bytes: KernelBytes;
  readonly #high: TimeHighWords;
  #headed = false;

  constructor(words: RawWords, written: WrittenWords, options: EncodeOptions) {
    const { title } = words;
    const { width, height } = options.sensor;
    if (width > MOST_PIXELS || height > MOST_PIXELS) {
      throw new OptionError(
        `${title} holds sensors up to ${MOST_PIXELS}x${MOST_PIXELS}, not ${width}x${height}`,
      );
    }
    this.#words = words;
    this.#written = written;
    this.#options = options;
    this.#high = new TimeHighWords(words.highBits, words.lowBits);
    const { kernel, mostBytes } = written;
    this.#bytes = new KernelBytes({ title, kernel: kernel(), mostBytes }, options.sensor);
    this.#bytes.state[HIGH] = -1;
    this.#bytes.state[ROW] = -1;
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    if (!(chunk.origin <= LATEST_ORIGIN)) {
      throw new OptionError(
        `RAW holds times within 2^53 us, not those from ${chunk.origin} on; shift the times first`,
      );
    }
    if (chunk.t.length > 0) emit(this.#bytes.encode(chunk, (event) => this.#place(chunk, event)));
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
  }

  /** Writes the TIME_HIGH words that lead to an event. */
  #place({ origin, t }: EventChunk, event: number): void {
    const { state } = this.#bytes;
    const { lowBits, wordBytes } = this.#words;
    const micros = origin + t[event]!;
    const highs = this.#high.advance(state[HIGH]!, micros);
    const { view, at } = this.#bytes.insert(wordBytes * highs.length);
    for (const [i, high] of highs.entries()) this.#written.putTimeHigh(view, at + wordBytes * i, high);
    if (highs.length > 0) {
      state[HIGH] = highs.at(-1)!;
      state[NOW] = -1;
    }
    state[BASE] = t[event]! - (micros % 2 ** lowBits);
    state[LAST] = t[event]!;
  }

  #head(emit: (bytes: Uint8Array) => void): void {
    if (this.#headed) return;
    this.#headed = true;
    const { sensor, simulated } = this.#options;
    emit(writeRawHeader(this.#words.encoding, sensor, simulated === true));
  }
}
