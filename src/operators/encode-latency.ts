import { map, type OperatorFunction } from 'rxjs';
import { OptionError } from '../errors.ts';
import type { LabelledImage, Sample } from '../events.ts';
import { numberWithin } from './number-within.ts';
import { wholeNumber } from './whole-number.ts';

/** How the time of the one spike follows from a value x in [0, 1], T being the number of steps. */
export type LatencyCode =
  /** tau (1 - x), at most tau (1 - threshold): SpikingJelly's linear encoder, and snnTorch's with `linear`. */
  | 'linear'
  /** T - 1 - ln(a x + 1) with a = e^(T - 1) - 1: SpikingJelly's logarithmic encoder. */
  | 'logarithmic'
  /** tau ln(x / (x - threshold)), when a membrane that x charges reaches the threshold: snnTorch's default. */
  | 'membrane';

export interface EncodeLatencyOptions {
  /** Steps of the sample. */
  readonly steps: number;
  /** Default linear. */
  readonly code?: LatencyCode;
  /** In steps; default steps - 1 for `linear`, 1 for `membrane`. */
  readonly tau?: number;
  /** From 0 to 1: values below it fire with it, or not at all; default 0.01 for `membrane`, else 0. */
  readonly threshold?: number;
  /** True: values below the threshold never fire. Default false. */
  readonly clip?: boolean;
  /** With `membrane`, whether times are stretched so that an image's last spike is in the last step. Default true. */
  readonly normalize?: boolean;
}

/** Keeps x from the threshold, where the membrane's time has no end; snnTorch's number. */
const EPSILON = 1e-7;

/**
 * The step in which each value fires, -1 for none: of a value that never does, or not within `steps`. Times are computed
 * in float32 and rounded half to even, as PyTorch does.
 */
export function latencies(values: ArrayLike<number>, options: EncodeLatencyOptions): Int32Array {
  const { code = 'linear', clip = false, normalize = true } = options;
  const steps = wholeNumber('steps', options.steps, 1);
  const threshold = numberWithin('threshold', options.threshold ?? (code === 'membrane' ? 0.01 : 0), 0, 1);
  if (code === 'membrane' && threshold === 0) {
    throw new OptionError(
      'threshold: a membrane without one fires at once, expected a number above 0, got 0',
    );
  }
  const tau = numberWithin('tau', options.tau ?? (code === 'linear' ? steps - 1 : 1), 0);
  const times = Float32Array.from(values, timeOf[code]({ steps, tau, threshold }));
  const last = times.reduce((most, time) => Math.max(most, time), 0);
  const stretch = code === 'membrane' && normalize && last > 0 ? (steps - 1) / last : 1;
  return Int32Array.from(times, (time, index) => {
    if (clip && values[index]! < threshold) return -1;
    const step = roundHalfToEven(Math.fround(time * stretch));
    return step < steps ? Math.max(0, step) : -1;
  });
}

interface Times {
  readonly steps: number;
  readonly tau: number;
  readonly threshold: number;
}

const timeOf: Readonly<Record<LatencyCode, (times: Times) => (x: number) => number>> = {
  linear:
    ({ tau, threshold }) =>
    (x) =>
      Math.min(tau * Math.fround(1 - x), tau * (1 - threshold)),
  logarithmic: ({ steps }) => {
    const factor = Math.expm1(steps - 1);
    return (x) => steps - 1 - Math.log1p(factor * x);
  },
  membrane: ({ tau, threshold }) => {
    const least = Math.fround(threshold + EPSILON);
    return (x) => tau * Math.log(Math.max(x, least) / (Math.max(x, least) - threshold));
  },
};

function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** The image as one spike a value at most, 1 where it fires: the brighter, the earlier. */
export function encodeLatency(image: LabelledImage, options: EncodeLatencyOptions): Sample {
  const { id, label, width, height, channels, pixels } = image;
  const size = height * width * channels;
  const when = latencies(
    Float32Array.from(pixels, (value) => value / 255),
    options,
  );
  const frames = new Float32Array(options.steps * size);
  when.forEach((step, place) => {
    if (step >= 0) frames[step * size + place] = 1;
  });
  return { id, label, frames, shape: [options.steps, height, width, channels], length: options.steps };
}

/** Encodes images by when their values fire. */
export function encodeImagesLatency(options: EncodeLatencyOptions): OperatorFunction<LabelledImage, Sample> {
  return map((image) => encodeLatency(image, options));
}
