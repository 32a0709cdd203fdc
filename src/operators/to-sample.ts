import type { OperatorFunction } from 'rxjs';
import { InputError, ShapeError } from '../errors.ts';
import type { Frame, Sample, Stage } from '../events.ts';
import { stage } from './stage.ts';
import { wholeNumber } from './whole-number.ts';

export interface SampleOptions {
  readonly id: string;
  /** Class index. */
  readonly label: number;
  /** Steps of the sample: shorter ones are padded with empty frames, longer ones cut. Default as many as come. */
  readonly steps?: number;
}

/**
 * Joins the frames of one recording into a sample, at its end. Where the number of steps is known, frames that were
 * counted straight into `allocate(ordinal)` are joined without a copy.
 */
export class SampleBuilder implements Stage<Frame, Sample> {
  readonly #id: string;
  readonly #label: number;
  readonly #steps: number | undefined;
  #shape: readonly [height: number, width: number, channels: number] | undefined;
  /** All frames, where the number of steps is known. */
  #joined: Float32Array | undefined;
  /** The frames one by one, where it is not. */
  #loose: Float32Array[] = [];
  #lengths: number[] = [];

  constructor({ id, label, steps }: SampleOptions) {
    this.#id = id;
    this.#label = label;
    this.#steps = steps === undefined ? undefined : wholeNumber('steps', steps, 1);
  }

  /** Zeros for the frame with this ordinal, in the sample's own array where it has one and the frame is not cut. */
  allocate(ordinal: number, height: number, width: number, channels: number): Float32Array {
    const size = height * width * channels;
    if (this.#steps === undefined || ordinal >= this.#steps) return new Float32Array(size);
    this.#joined ??= new Float32Array(this.#steps * size);
    return this.#joined.subarray(ordinal * size, (ordinal + 1) * size);
  }

  push(frame: Frame): void {
    const ordinal = this.#lengths.length;
    if (ordinal === this.#steps) return;
    const { height, width, channels, data } = frame;
    this.#shape ??= [height, width, channels];
    this.#checkShape(frame, ordinal);
    this.#lengths.push(frame.endMicros - frame.startMicros);
    if (this.#steps === undefined) {
      this.#loose.push(data);
      return;
    }
    const place = this.allocate(ordinal, height, width, channels);
    if (place.buffer !== data.buffer || place.byteOffset !== data.byteOffset) place.set(data);
  }

  end(emit: (sample: Sample) => void): void {
    const length = this.#lengths.length;
    if (this.#shape === undefined) throw new InputError('expected at least one event, found none', this.#id);
    const [height, width, channels] = this.#shape;
    // A bin that was begun and then dropped as the tail may have been counted into the padding.
    this.#joined?.fill(0, length * height * width * channels);
    const sample = {
      id: this.#id,
      label: this.#label,
      frames: this.#joined ?? join(this.#loose),
      shape: [this.#steps ?? length, ...this.#shape] as const,
      length,
      binMicros: median(this.#lengths),
    };
    this.#joined = undefined;
    this.#loose = [];
    emit(sample);
  }

  #checkShape({ height, width, channels }: Frame, ordinal: number): void {
    const [h, w, c] = this.#shape!;
    if (height === h && width === w && channels === c) return;
    throw new ShapeError(
      `${this.#id}: expected frames [${h}, ${w}, ${c}] as the first, found [${height}, ${width}, ${channels}] at step ${ordinal}`,
    );
  }
}

function join(frames: readonly Float32Array[]): Float32Array {
  const size = frames[0]!.length;
  const joined = new Float32Array(frames.length * size);
  frames.forEach((frame, step) => {
    joined.set(frame, step * size);
  });
  return joined;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Joins all frames of the source, those of one recording, into one sample; a source without frames is an error. */
export function toSample(options: SampleOptions): OperatorFunction<Frame, Sample> {
  return stage(() => new SampleBuilder(options));
}
