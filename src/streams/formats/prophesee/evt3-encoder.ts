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
const MOST_WORDS_BEFORE_AN_EVENT = 8;

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
    const bytes = new GrowingBytes(3 * EVT3_BYTES * t.length);
    const writeHigh = (value: number): void => {
      bytes.reserve(EVT3_BYTES);
      bytes.uint16((TIME_HIGH << 12) | value);
    };
    for (let i = 0; i < t.length; ) {
      const micros = origin + t[i]!;
      if (micros !== this.#micros) {
        this.#high.advance(micros, writeHigh);
        bytes.reserve(EVT3_BYTES * MOST_WORDS_BEFORE_AN_EVENT);
        bytes.uint16((TIME_LOW << 12) | (micros % (1 << EVT3_LOW_BITS)));
        this.#micros = micros;
      } else bytes.reserve(EVT3_BYTES * MOST_WORDS_BEFORE_AN_EVENT);
      if (y[i] !== this.#row) {
        this.#row = y[i]!;
        bytes.uint16((ADDRESS_Y << 12) | this.#row);
      }
      const end = vectorEnd(chunk, i);
      if (end - i >= FEWEST_VECTOR_EVENTS) writeVector(x, i, end, on[i]!, bytes);
      else bytes.uint16((ADDRESS_X << 12) | (on[i]! << 11) | x[i]!);
      i = end - i >= FEWEST_VECTOR_EVENTS ? end : i + 1;
    }
    if (t.length > 0) emit(bytes.written);
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

function writeVector(x: Uint16Array, start: number, end: number, on: number, bytes: GrowingBytes): void {
  let bits = 0;
  for (let i = start; i < end; i++) bits |= 1 << (x[i]! - x[start]!);
  bytes.uint16((VECTOR_BASE << 12) | (on << 11) | x[start]!);
  bytes.uint16((VECTOR_12 << 12) | (bits & 4095));
  bytes.uint16((VECTOR_12 << 12) | ((bits >>> 12) & 4095));
  bytes.uint16((VECTOR_8 << 12) | (bits >>> 24));
}
