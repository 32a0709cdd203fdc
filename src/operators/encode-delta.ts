import { map, type OperatorFunction } from 'rxjs';
import type { Frame, Sample, Stage } from '../events.ts';
import { numberWithin } from './number-within.ts';
import { stage } from './stage.ts';

export interface EncodeDeltaOptions {
  /** A value fires where it has grown by at least this since the step before; default 0.1. */
  readonly threshold?: number;
  /** True: -1 where it has shrunk by at least the threshold. Default false. */
  readonly off?: boolean;
  /** What the first step is compared with: `zero` (default), or `itself`, so that nothing fires. */
  readonly first?: 'zero' | 'itself';
}

/** Delta encoding: 1 where a value has grown from one frame to the next, -1 where it has shrunk; snnTorch's `delta`. */
export class EncodeDelta implements Stage<Frame, Frame> {
  readonly #options: EncodeDeltaOptions;
  #before: Float32Array | undefined;

  constructor(options: EncodeDeltaOptions = {}) {
    numberWithin('threshold', options.threshold ?? 0.1, 0);
    this.#options = options;
  }

  push(frame: Frame, emit: (frame: Frame) => void): void {
    const { data } = frame;
    const before = this.#before ?? (this.#options.first === 'itself' ? data : new Float32Array(data.length));
    const spikes = new Float32Array(data.length);
    changes(data, before, spikes, this.#options);
    this.#before = data;
    emit({ ...frame, data: spikes });
  }

  end(): void {}
}

/** Encodes what has changed from frame to frame. */
export function encodeDelta(options: EncodeDeltaOptions = {}): OperatorFunction<Frame, Frame> {
  return stage(() => new EncodeDelta(options));
}

/** A sample's frames as what has changed from one to the next. */
export function encodeSampleDelta(sample: Sample, options: EncodeDeltaOptions = {}): Sample {
  numberWithin('threshold', options.threshold ?? 0.1, 0);
  const { frames, shape } = sample;
  const size = shape[1] * shape[2] * shape[3];
  const spikes = new Float32Array(frames.length);
  const first = options.first === 'itself' ? frames.subarray(0, size) : new Float32Array(size);
  for (let step = 0; step < sample.length; step++) {
    const at = (of: Float32Array, when: number): Float32Array => of.subarray(when * size, (when + 1) * size);
    changes(at(frames, step), step === 0 ? first : at(frames, step - 1), at(spikes, step), options);
  }
  return { ...sample, frames: spikes };
}

/** Encodes what has changed from frame to frame of each sample; padding stays empty. */
export function encodeSamplesDelta(options: EncodeDeltaOptions = {}): OperatorFunction<Sample, Sample> {
  return map((sample) => encodeSampleDelta(sample, options));
}

function changes(
  values: Float32Array,
  before: Float32Array,
  spikes: Float32Array,
  { threshold = 0.1, off = false }: EncodeDeltaOptions,
): void {
  for (let i = 0; i < values.length; i++) {
    const change = Math.fround(values[i]! - before[i]!);
    if (change >= threshold) spikes[i] = 1;
    else if (off && change <= -threshold) spikes[i] = -1;
  }
}
