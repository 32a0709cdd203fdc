import { map, type OperatorFunction } from 'rxjs';
import type { LabelledImage, Sample } from '../events.ts';
import { RandomStream } from '../random.ts';
import { numberWithin } from './number-within.ts';
import { wholeNumber } from './whole-number.ts';

export interface EncodePoissonOptions {
  /** Steps of the sample. */
  readonly steps: number;
  /** Default 1. */
  readonly gain?: number;
  /** Default 0. */
  readonly offset?: number;
  /** Most spikes a step, from 0 to 1; default 1. */
  readonly maximumRate?: number;
  /** The run's seed, a whole number of at least 0. */
  readonly seed: number;
  /** Each epoch draws its own spikes; default 0. */
  readonly epoch?: number;
}

/**
 * The image as spikes, 0 or 1: at every step and place a Bernoulli draw with p = clamp(gain * value / 255 + offset, 0,
 * maximumRate). The draw is a function of (seed, epoch, image, index), so neither order nor threads change it.
 */
export function encodePoisson(image: LabelledImage, options: EncodePoissonOptions): Sample {
  const { id, label, width, height, channels, pixels } = image;
  const { gain = 1, offset = 0, maximumRate = 1, seed, epoch = 0 } = options;
  const steps = wholeNumber('steps', options.steps, 1);
  const random = new RandomStream(wholeNumber('seed', seed, 0), `encode/${epoch}/${id}`);
  const size = height * width * channels;
  const limit = numberWithin('maximumRate', maximumRate, 0, 1);
  const probabilities = Float64Array.from(pixels, (value) => Math.min((gain * value) / 255 + offset, limit));
  const frames = new Float32Array(steps * size);
  for (let index = 0, step = 0; step < steps; step++) {
    for (let i = 0; i < size; i++, index++) {
      const probability = probabilities[i]!;
      // A draw is at least 0 and below 1, so p needs no clamp; and where p <= 0, as on most of a digit, no draw.
      if (probability > 0 && random.uniform(index) < probability) frames[index] = 1;
    }
  }
  return { id, label, frames, shape: [steps, height, width, channels], length: steps };
}

/** Encodes images as random spikes whose rate follows the value. */
export function encodeImagesPoisson(options: EncodePoissonOptions): OperatorFunction<LabelledImage, Sample> {
  wholeNumber('steps', options.steps, 1);
  return map((image) => encodePoisson(image, options));
}
