import { OptionError } from '../../../errors.ts';
import type { EventChunk, SensorSize } from '../../../events.ts';
import type { EncodeOptions, EventEncoder } from '../format.ts';
import { KernelBytes } from '../kernels/kernel-bytes.ts';
import { loops } from '../kernels/loops.ts';
import { LAST, NOW, Y_TOP } from '../kernels/state.ts';
import { DVS_MOST_BYTES, DVS_OVERFLOW_MICROS, KINDS } from './events.ts';

/** What a file starts with. */
export const MAGIC: Uint8Array = Buffer.from('Event Stream', 'latin1');
/** The version that is written. */
const VERSION = [2, 0, 0] as const;
/** A longer silence would be written as 16 MiB of bytes and more. */
const LONGEST_SILENCE_MICROS = 2 ** 24 * DVS_OVERFLOW_MICROS;

/** Writes Event Stream of a DVS; times count from 0. */
export class EventStreamEncoder implements EventEncoder {
  readonly #sensor: SensorSize;
  readonly #bytes: KernelBytes;
  #headed = false;
  #micros = 0;

  constructor({ sensor }: EncodeOptions) {
    const { width, height } = sensor;
    if (width > 65535 || height > 65535) {
      throw new OptionError(`Event Stream holds sensors up to 65535x65535, not ${width}x${height}`);
    }
    this.#sensor = sensor;
    const format = { title: 'Event Stream', kernel: loops().encode.es, mostBytes: DVS_MOST_BYTES };
    this.#bytes = new KernelBytes(format, sensor);
    this.#bytes.state[Y_TOP] = height - 1;
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    const { origin, t } = chunk;
    if (t.length === 0) return;
    emit(
      this.#bytes.encode(chunk, (event) => {
        const before = event === 0 ? this.#micros : origin + t[event - 1]!;
        this.#place(t[event]!, origin + t[event]! - before);
      }),
    );
    this.#micros = origin + t[t.length - 1]!;
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
  }

  /** Writes the overflows that lead to an event at `time` of the chunk, `step` after the one before. */
  #place(time: number, step: number): void {
    if (!(step >= 0 && step < LONGEST_SILENCE_MICROS)) {
      throw new OptionError(
        `Event Stream counts time in steps from 0, of at most ${LONGEST_SILENCE_MICROS} us, not ${step}; shift the times first`,
      );
    }
    const overflows = Math.floor(step / DVS_OVERFLOW_MICROS);
    const { view, at } = this.#bytes.insert(overflows);
    for (let i = 0; i < overflows; i++) view.setUint8(at + i, 0xff);
    this.#bytes.state[LAST] = time;
    this.#bytes.state[NOW] = step - overflows * DVS_OVERFLOW_MICROS;
  }

  #head(emit: (bytes: Uint8Array) => void): void {
    if (this.#headed) return;
    this.#headed = true;
    const { width, height } = this.#sensor;
    const rest = [...VERSION, KINDS.indexOf('DVS'), width & 255, width >> 8, height & 255, height >> 8];
    emit(Buffer.concat([MAGIC, Buffer.from(rest)]));
  }
}
