import * as tf from '@tensorflow/tfjs-core';

/** [batch, steps, …] as [batch * steps, …]: what has no memory treats steps as samples. */
export function foldTime(sequence: tf.Tensor): tf.Tensor {
  const [batch, steps, ...features] = sequence.shape as [number, number, ...number[]];
  return tf.reshape(sequence, [batch * steps, ...features]);
}

/** [batch * steps, …] as [batch, steps, …]. */
export function unfoldTime(folded: tf.Tensor, batch: number): tf.Tensor {
  const [rows, ...features] = folded.shape as [number, ...number[]];
  return tf.reshape(folded, [batch, rows / batch, ...features]);
}
