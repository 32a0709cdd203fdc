import { map, type OperatorFunction } from 'rxjs';
import type { LabelledImage, Sample } from '../events.ts';
import { RandomStream } from '../random.ts';
import { numberWithin } from './number-within.ts';
import { wholeNumber } from './whole-number.ts';

export interface EncodePopulationOptions {
  /** Steps of the sample. */
  readonly steps: number;
  /** Neurons that each value has, at least 3. */
  readonly neurons: number;
  /** Most spikes a step, from 0 to 1; default 1. */
  readonly maximumRate?: number;
  /** The run's seed, a whole number of at least 0. */
  readonly seed: number;
  /** Each epoch draws its own spikes; default 0. */
  readonly epoch?: number;
}

/**
 * How strongly each of m neurons answers a value in [0, 1]: exp(-(x - mu)^2 / (2 sigma^2)) with centres
 * mu = (2 i - 3) / (2 (m - 2)) for i = 1 to m and sigma = 1 / (1.5 (m - 2)) (Bohte, Kok and La Poutré 2002).
 */
export function tuning(value: number, neurons: number): Float64Array {
  const spacing = 1 / (neurons - 2);
  const sigma = spacing / 1.5;
  return Float64Array.from({ length: neurons }, (_, index) => {
    const distance = value - (index - 0.5) * spacing;
    return Math.exp(-(distance * distance) / (2 * sigma * sigma));
  });
}

/**
 * The image as spikes of several neurons a value, each with a value that it answers most: channel c becomes channels
 * c m to c m + m - 1. At every step a Bernoulli draw, a function of (seed, epoch, image, index).
 */
export function encodePopulation(image: LabelledImage, options: EncodePopulationOptions): Sample {
  const { id, label, width, height, channels, pixels } = image;
  const { seed, epoch = 0 } = options;
  const steps = wholeNumber('steps', options.steps, 1);
  const neurons = wholeNumber('neurons', options.neurons, 3);
  const maximumRate = numberWithin('maximumRate', options.maximumRate ?? 1, 0, 1);
  const random = new RandomStream(wholeNumber('seed', seed, 0), `encode/${epoch}/${id}`);
  const answers = Array.from({ length: 256 }, (_, value) => tuning(value / 255, neurons));
  const size = height * width * channels * neurons;
  const frames = new Float32Array(steps * size);
  for (let index = 0; index < frames.length; ) {
    for (const pixel of pixels) {
      for (const answer of answers[pixel]!) {
        if (random.uniform(index) < maximumRate * answer) frames[index] = 1;
        index++;
      }
    }
  }
  return { id, label, frames, shape: [steps, height, width, channels * neurons], length: steps };
}

/** Encodes each value of images by a population of neurons. */
export function encodeImagesPopulation(
  options: EncodePopulationOptions,
): OperatorFunction<LabelledImage, Sample> {
  return map((image) => encodePopulation(image, options));
}
