import type { EventChunk } from '../../../events.ts';
import type { EncodeOptions, EventEncoder } from '../format.ts';
import { GrowingBytes } from '../growing-bytes.ts';
import { checkWithinSensor } from '../within-sensor.ts';
import { EVT2_BYTES, EVT2_HIGH_BITS, EVT2_LOW_BITS } from './evt2-words.ts';
import { writeRawHeader } from './raw-header.ts';
import { checkRawSensor } from './raw-writer.ts';
import { TimeHighWords } from './time-high-words.ts';

const TIME_HIGH = 8 << 28;

/** Writes EVT2: a word an event, and one before it wherever the upper bits of its time are new. */
export class Evt2Encoder implements EventEncoder {
  readonly #options: EncodeOptions;
  readonly #high = new TimeHighWords(EVT2_HIGH_BITS, EVT2_LOW_BITS);
  #headed = false;

  constructor(options: EncodeOptions) {
    checkRawSensor('EVT2', options.sensor);
    this.#options = options;
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    checkWithinSensor('EVT2', chunk, this.#options.sensor);
    const { origin, t, x, y, on } = chunk;
    const bytes = new GrowingBytes(EVT2_BYTES * 2 * t.length);
    const writeHigh = (value: number): void => {
      bytes.reserve(EVT2_BYTES);
      bytes.uint32((TIME_HIGH | value) >>> 0);
    };
    let last = -1;
    let low = 0;
    for (let i = 0; i < t.length; i++) {
      if (t[i] !== last) {
        last = t[i]!;
        const micros = origin + last;
        this.#high.advance(micros, writeHigh);
        low = (micros % (1 << EVT2_LOW_BITS)) << 22;
      }
      bytes.reserve(EVT2_BYTES);
      bytes.uint32((on[i]! << 28) | low | (x[i]! << 11) | y[i]!);
    }
    if (t.length > 0) emit(bytes.written);
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
  }

  #head(emit: (bytes: Uint8Array) => void): void {
    if (this.#headed) return;
    this.#headed = true;
    emit(writeRawHeader('EVT2', this.#options.sensor, this.#options.simulated === true));
  }
}
