import * as tf from '@tensorflow/tfjs-core';
import { backpropagation } from './backpropagation.ts';
import type { LearningCall } from './learning-rule.ts';

/**
 * Degrees between each weight matrix's gradient and the one that backpropagation through time gives for the same batch,
 * by parameter.
 */
export function gradientAngles(
  call: LearningCall,
  gradients: ReadonlyMap<string, tf.Tensor>,
): Record<string, tf.Scalar> {
  const truth = backpropagation(call);
  const angles: Record<string, tf.Scalar> = {};
  for (const [name, gradient] of gradients) {
    const other = truth.gradients.get(name);
    if (gradient.rank >= 2 && other !== undefined) angles[name] = tf.tidy(() => angle(gradient, other));
  }
  const { loss, logits, result, others } = truth;
  tf.dispose([loss, logits, ...others, ...truth.gradients.values(), ...Object.values(result.rates)]);
  tf.dispose(result.updates.map(({ value }) => value));
  return angles;
}

/** In degrees; a right angle where a gradient is zero. */
function angle(a: tf.Tensor, b: tf.Tensor): tf.Scalar {
  const norms = tf.sqrt(tf.mul(tf.sum(tf.square(a)), tf.sum(tf.square(b))));
  const cosine = tf.div(tf.sum(tf.mul(a, b)), tf.maximum(norms, 1e-30));
  return tf.mul(tf.acos(tf.clipByValue(cosine, -1, 1)), 180 / Math.PI) as tf.Scalar;
}
