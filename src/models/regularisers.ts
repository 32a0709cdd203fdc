import * as tf from '@tensorflow/tfjs-core';
import type { NetworkOutput } from './network.ts';

/** Losses of how much neurons fire, whatever the classes. */
export interface RegulariserOptions {
  /** Weight of the mean of all spiking outputs, every output counting once: fewer spikes. Default 0. */
  readonly sparsityWeight?: number;
  /** Weight of the squares by which layers' rates leave the range from `leastRate` to `mostRate`. Default 0. */
  readonly activityWeight?: number;
  /** Spikes a step, mean over a layer. Default 0 and 1. */
  readonly leastRate?: number;
  readonly mostRate?: number;
}

/**
 * What rates add to the loss; undefined for nothing. The sparsity is snnTorch's l1_rate_sparsity divided by the number
 * of outputs; the activity has the lower and upper bounds of Zenke and Vogels 2021, of layers' means.
 */
export function regularisation(
  { rates, elements }: Pick<NetworkOutput, 'rates' | 'elements'>,
  { sparsityWeight = 0, activityWeight = 0, leastRate = 0, mostRate = 1 }: RegulariserOptions,
): tf.Scalar | undefined {
  const terms: tf.Scalar[] = [];
  const layers = Object.entries(rates);
  if (sparsityWeight !== 0) {
    const total = layers.reduce((sum, [name]) => sum + elements[name]!, 0);
    for (const [name, rate] of layers) {
      terms.push(tf.mul(rate, (sparsityWeight * elements[name]!) / Math.max(1, total)));
    }
  }
  if (activityWeight !== 0) {
    for (const [, rate] of layers) {
      const outside = tf.add(tf.relu(tf.sub(leastRate, rate)), tf.relu(tf.sub(rate, mostRate)));
      terms.push(tf.mul(tf.square(outside), activityWeight));
    }
  }
  return terms.length === 0 ? undefined : (tf.addN(terms) as tf.Scalar);
}
