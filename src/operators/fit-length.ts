import { type MonoTypeOperatorFunction, map } from 'rxjs';
import type { Sample } from '../events.ts';
import { wholeNumber } from './whole-number.ts';

/** The sample with exactly `steps` steps: padded with empty frames, or cut, its true length kept up to `steps`. */
export function fitSample(sample: Sample, steps: number): Sample {
  const [own, height, width, channels] = sample.shape;
  if (own === steps) return sample;
  const size = steps * height * width * channels;
  let frames = sample.frames.subarray(0, size);
  if (own < steps) {
    frames = new Float32Array(size);
    frames.set(sample.frames);
  }
  return {
    ...sample,
    frames,
    shape: [steps, height, width, channels],
    length: Math.min(sample.length, steps),
  };
}

/** Brings samples to one length of `steps` steps. */
export function fitLength(steps: number): MonoTypeOperatorFunction<Sample> {
  wholeNumber('steps', steps, 1);
  return map((sample) => fitSample(sample, steps));
}
