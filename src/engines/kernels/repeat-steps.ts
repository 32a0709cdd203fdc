import * as tf from '@tensorflow/tfjs-core';

/** Every frame of [batch, frames, …features] for `repeat` steps: [batch, frames * repeat, …features]. */
export function repeatSteps(sequence: tf.Tensor, repeat: number): tf.Tensor {
  if (repeat === 1) return sequence;
  const [batch, frames, ...features] = sequence.shape as [number, number, ...number[]];
  const shown = tf.mul(tf.reshape(sequence, [batch, frames, 1, -1]), tf.ones([1, 1, repeat, 1]));
  return tf.reshape(shown, [batch, frames * repeat, ...features]);
}

/** The sum over the steps that each frame was shown for: the gradient of `repeatSteps`. */
export function sumRepeats(sequence: tf.Tensor, repeat: number): tf.Tensor {
  if (repeat === 1) return sequence;
  const [batch, steps, ...features] = sequence.shape as [number, number, ...number[]];
  const frames = steps / repeat;
  const sums = tf.sum(tf.reshape(sequence, [batch, frames, repeat, -1]), 2);
  return tf.reshape(sums, [batch, frames, ...features]);
}

/** The unbiased variance of `count` values that each occur `repeat` times, against that of the values once. */
export function repeatedVariance(count: number, repeat: number): number {
  return (Math.max(1, count - 1) * repeat) / Math.max(1, count * repeat - 1);
}
