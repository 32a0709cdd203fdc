import * as tf from '@tensorflow/tfjs-core';
import { scaledSum } from '../../engines/kernels/index.ts';
import type { LayerActivity } from './layer.ts';
import { sizeOf } from './parameter.ts';
import { realSteps, stepMask } from './step-mask.ts';

/** Mean of a layer's outputs over real steps. */
export function activityOf(outputs: tf.Tensor, lengths: ArrayLike<number> | undefined): LayerActivity {
  const [batch, steps, ...features] = outputs.shape as [number, number, ...number[]];
  const size = sizeOf(features);
  // By step first: float32 counts spikes exactly up to 2^24, which a step of a sample stays below.
  const bySteps = tf.sum(tf.reshape(outputs, [batch, steps, size]), 2);
  return activityOfCounts(bySteps, size, lengths);
}

/** Mean over real steps from the sums [batch, steps] of `size` outputs each. */
export function activityOfCounts(
  bySteps: tf.Tensor,
  size: number,
  lengths: ArrayLike<number> | undefined,
): LayerActivity {
  const [batch, steps] = bySteps.shape as [number, number];
  const elements = realSteps(lengths, batch, steps) * size;
  const mask = stepMask(lengths, batch, steps);
  const counted = mask === undefined ? bySteps : tf.mul(bySteps, mask);
  return { rate: scaledSum(counted, 1 / Math.max(elements, 1)), elements };
}
