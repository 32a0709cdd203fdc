import * as tf from '@tensorflow/tfjs-core';
import { RandomStream } from '../../random.ts';
import { defineKernel, type Kernel } from './kernel.ts';

/** What is drawn, in memory of JavaScript: images are small, the spikes made of them are many. */
export interface BernoulliAttributes {
  readonly seed: number;
  /** Name of each sample's stream of random numbers. */
  readonly streams: readonly string[];
  /** Probability of a spike at each place, [samples, places], in units of 2^-24 and rounded up. */
  readonly limits: Float32Array;
  /** First step and number of steps: a draw does not depend on how steps are cut into calls. */
  readonly from: number;
  readonly steps: number;
}

/** Uniform numbers are multiples of 2^-24: below p as often as their multiple is below p 2^24, rounded up. */
const UNIT = 2 ** 24;

/** A probability as a limit; of 0 or less 0, of 1 or more one that every draw is below. */
export function bernoulliLimit(probability: number): number {
  return Math.min(UNIT, Math.max(0, Math.ceil(probability * UNIT)));
}

/**
 * Random spikes [samples, steps, places], 0 or 1: the draw of a step and place is number `step * places + place` of the
 * sample's stream, so they are the same numbers on every engine.
 */
export function bernoulli(attributes: BernoulliAttributes): tf.Tensor3D {
  return bernoulliKernel.run({}, attributes)[0] as tf.Tensor3D;
}

export const bernoulliKernel: Kernel<never, BernoulliAttributes> = defineKernel<never, BernoulliAttributes>({
  name: 'Bernoulli',
  reference: (_, { seed, streams, limits, from, steps }) => {
    const places = limits.length / Math.max(1, streams.length);
    const spikes = new Float32Array(steps * limits.length);
    let at = 0;
    streams.forEach((name, sample) => {
      const random = new RandomStream(seed, name);
      const own = limits.subarray(sample * places, (sample + 1) * places);
      for (let index = from * places; index < (from + steps) * places; ) {
        for (let place = 0; place < places; place++, index++, at++) {
          const limit = own[place]!;
          // Most of a digit is black: no draw where none can fall below the limit.
          if (limit > 0 && random.uniform(index) * UNIT < limit) spikes[at] = 1;
        }
      }
    });
    return [tf.tensor3d(spikes, [streams.length, steps, places])];
  },
});
