import type { EventChunk } from '../../../events.ts';
import type { EncodeOptions, EventEncoder } from '../format.ts';
import { GrowingBytes } from '../growing-bytes.ts';
import { checkWithinSensor } from '../within-sensor.ts';
import {
  ADDRESS_X,
  ADDRESS_Y,
  EVT3_BYTES,
  EVT3_HIGH_BITS,
  EVT3_LOW_BITS,
  TIME_HIGH,
  TIME_LOW,
  VECTOR_8,
  VECTOR_12,
  VECTOR_BASE,
} from './evt3-words.ts';
import { writeRawHeader } from './raw-header.ts';
import { checkRawSensor } from './raw-writer.ts';
import { TimeHighWords } from './time-high-words.ts';

/** Columns of a vector as cameras write it: words of 12, 12 and 8 bits, which some readers take as one. */
const VECTOR_COLUMNS = 32;
/** A vector has 4 words. */
const FEWEST_VECTOR_EVENTS = 5;
/** A time, a row, and a vector. */
const MOST_EVENT_WORDS = 6;

/** Writes EVT3: a word for each change of row, time and column; events of one row, time and polarity as vectors. */
export class Evt3Encoder implements EventEncoder {
  readonly #options: EncodeOptions;
  readonly #high = new TimeHighWords(EVT3_HIGH_BITS, EVT3_LOW_BITS);
  #headed = false;
  #row = -1;
  #micros = -1;

  constructor(options: EncodeOptions) {
    checkRawSensor('EVT3', options.sensor);
    this.#options = options;
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    checkWithinSensor('EVT3', chunk, this.#options.sensor);
    const { origin, t, x, y, on } = chunk;
    const bytes = new GrowingBytes(EVT3_BYTES * MOST_EVENT_WORDS * t.length);
    let length = 0;
    let row = this.#row;
    for (let i = 0; i < t.length; ) {
      const micros = origin + t[i]!;
      const highs = this.#high.advance(micros);
      const view = bytes.reserve(length, EVT3_BYTES * (highs.length + MOST_EVENT_WORDS * (t.length - i)));
      for (const high of highs) {
        view.setUint16(length, (TIME_HIGH << 12) | high, true);
        length += EVT3_BYTES;
      }
      // The time that the lower bits of these events count from.
      const base = (t[i]! - (micros % (1 << EVT3_LOW_BITS))) | 0;
      let last = micros === this.#micros ? (t[i]! - base) | 0 : -1;
      while (i < t.length) {
        const low = (t[i]! - base) | 0;
        if (low >>> EVT3_LOW_BITS !== 0) break;
        // Written in any case, but kept only where they are new: a branch that nobody can foretell would cost more.
        view.setUint16(length, (TIME_LOW << 12) | low, true);
        length += EVT3_BYTES * differ(low, last);
        last = low;
        view.setUint16(length, (ADDRESS_Y << 12) | y[i]!, true);
        length += EVT3_BYTES * differ(y[i]!, row);
        row = y[i]!;
        const fifth = i + FEWEST_VECTOR_EVENTS - 1;
        // In one test: two would both be hard to foretell.
        const may = fifth < t.length && ((t[fifth]! ^ t[i]!) | (y[fifth]! ^ row)) === 0;
        const end = may ? vectorEnd(chunk, i) : i;
        if (end - i < FEWEST_VECTOR_EVENTS) {
          view.setUint16(length, (ADDRESS_X << 12) | (on[i]! << 11) | x[i]!, true);
          length += EVT3_BYTES;
          i++;
          continue;
        }
        const bits = bitsOf(x, i, end);
        view.setUint16(length, (VECTOR_BASE << 12) | (on[i]! << 11) | x[i]!, true);
        view.setUint16(length + EVT3_BYTES, (VECTOR_12 << 12) | (bits & 4095), true);
        view.setUint16(length + 2 * EVT3_BYTES, (VECTOR_12 << 12) | ((bits >>> 12) & 4095), true);
        view.setUint16(length + 3 * EVT3_BYTES, (VECTOR_8 << 12) | (bits >>> 24), true);
        length += 4 * EVT3_BYTES;
        i = end;
      }
      this.#micros = origin + t[i - 1]!;
    }
    this.#row = row;
    if (length > 0) emit(bytes.written(length));
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
  }

  #head(emit: (bytes: Uint8Array) => void): void {
    if (this.#headed) return;
    this.#headed = true;
    emit(writeRawHeader('EVT3', this.#options.sensor, this.#options.simulated === true));
  }
}

/** 1 where two numbers of 32 bits differ, else 0, without a branch. */
function differ(a: number, b: number): number {
  const bits = a ^ b;
  return (bits | -bits) >>> 31;
}

/** End of the events from `start` on that one vector holds: of one time, row and polarity, from left to right. */
function vectorEnd({ t, x, y, on }: EventChunk, start: number): number {
  const beyond = x[start]! + VECTOR_COLUMNS;
  let end = start + 1;
  while (
    end < t.length &&
    t[end] === t[start] &&
    y[end] === y[start] &&
    on[end] === on[start] &&
    x[end]! > x[end - 1]! &&
    x[end]! < beyond
  ) {
    end++;
  }
  return end;
}

/** A bit for each column from that of the first event on. */
function bitsOf(x: Uint16Array, start: number, end: number): number {
  let bits = 0;
  for (let i = start; i < end; i++) bits |= 1 << (x[i]! - x[start]!);
  return bits;
}
