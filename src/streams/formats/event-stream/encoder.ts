import { OptionError } from '../../../errors.ts';
import type { EventChunk } from '../../../events.ts';
import type { EncodeOptions, EventEncoder } from '../format.ts';
import { GrowingBytes } from '../growing-bytes.ts';
import { checkWithinSensor } from '../within-sensor.ts';
import { DVS_OVERFLOW_MICROS, KINDS } from './events.ts';

/** What a file starts with. */
export const MAGIC: Uint8Array = Buffer.from('Event Stream', 'latin1');
/** The version that is written. */
const VERSION = [2, 0, 0] as const;
const EVENT_BYTES = 5;
/** A longer silence would be written as 16 MiB of bytes and more. */
const LONGEST_SILENCE_MICROS = 2 ** 24 * DVS_OVERFLOW_MICROS;

/** Writes Event Stream of a DVS; times count from 0. */
export class EventStreamEncoder implements EventEncoder {
  readonly #options: EncodeOptions;
  #headed = false;
  #micros = 0;

  constructor(options: EncodeOptions) {
    const { width, height } = options.sensor;
    if (width > 65535 || height > 65535) {
      throw new OptionError(`Event Stream holds sensors up to 65535x65535, not ${width}x${height}`);
    }
    this.#options = options;
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    const { sensor } = this.#options;
    checkWithinSensor('Event Stream', chunk, sensor);
    const { origin, t, x, y, on } = chunk;
    const top = sensor.height - 1;
    const bytes = new GrowingBytes(t.length * (EVENT_BYTES + 1));
    let { view } = bytes;
    let length = 0;
    // The last event's time after the origin.
    let last = this.#micros - origin;
    for (let i = 0; i < t.length; i++) {
      let step = t[i]! - last;
      last = t[i]!;
      if (length + EVENT_BYTES > view.byteLength) view = bytes.reserve(length, EVENT_BYTES);
      if (!(step >= 0 && step < DVS_OVERFLOW_MICROS)) {
        if (!(step >= 0 && step < LONGEST_SILENCE_MICROS)) this.#refuse(step);
        const overflows = Math.floor(step / DVS_OVERFLOW_MICROS);
        view = bytes.reserve(length, overflows + EVENT_BYTES);
        for (const end = length + overflows; length < end; length++) view.setUint8(length, 0xff);
        step -= overflows * DVS_OVERFLOW_MICROS;
      }
      view.setUint8(length, (step << 1) | on[i]!);
      view.setUint16(length + 1, x[i]!, true);
      view.setUint16(length + 3, top - y[i]!, true);
      length += EVENT_BYTES;
    }
    this.#micros = origin + last;
    if (length > 0) emit(bytes.written(length));
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
  }

  #refuse(step: number): never {
    throw new OptionError(
      `Event Stream counts time in steps from 0, of at most ${LONGEST_SILENCE_MICROS} us, not ${step}; shift the times first`,
    );
  }

  #head(emit: (bytes: Uint8Array) => void): void {
    if (this.#headed) return;
    this.#headed = true;
    const { width, height } = this.#options.sensor;
    const rest = [...VERSION, KINDS.indexOf('DVS'), width & 255, width >> 8, height & 255, height >> 8];
    emit(Buffer.concat([MAGIC, Buffer.from(rest)]));
  }
}
