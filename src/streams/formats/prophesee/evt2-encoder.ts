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
    const bytes = new GrowingBytes(EVT2_BYTES * (t.length + (t.length >> 1)));
    let length = 0;
    for (let i = 0; i < t.length; ) {
      const micros = origin + t[i]!;
      const highs = this.#high.advance(micros);
      const view = bytes.reserve(length, EVT2_BYTES * (highs.length + t.length - i));
      for (const high of highs) {
        view.setInt32(length, TIME_HIGH | high, true);
        length += EVT2_BYTES;
      }
      // The time that the lower bits of these events count from.
      const base = (t[i]! - (micros % (1 << EVT2_LOW_BITS))) | 0;
      for (; i < t.length; i++) {
        const low = (t[i]! - base) | 0;
        if (low >>> EVT2_LOW_BITS !== 0) break;
        view.setInt32(length, (on[i]! << 28) | (low << 22) | (x[i]! << 11) | y[i]!, true);
        length += EVT2_BYTES;
      }
    }
    if (length > 0) emit(bytes.written(length));
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
