import * as tf from '@tensorflow/tfjs-core';
import { backpropagation } from './backpropagation.ts';
import type { LearningCall } from './learning-rule.ts';

/**
 * Cosine of the angle between each weight matrix's gradient and the one that backpropagation through time gives for the
 * same batch, by parameter.
 */
export function gradientCosines(
  call: LearningCall,
  gradients: ReadonlyMap<string, tf.Tensor>,
): Record<string, tf.Scalar> {
  const truth = backpropagation(call);
  const cosines: Record<string, tf.Scalar> = {};
  for (const [name, gradient] of gradients) {
    const other = truth.gradients.get(name);
    if (gradient.rank >= 2 && other !== undefined) cosines[name] = tf.tidy(() => cosine(gradient, other));
  }
  const { loss, logits, result, others } = truth;
  tf.dispose([loss, logits, ...others, ...truth.gradients.values(), ...Object.values(result.rates)]);
  tf.dispose(result.updates.map(({ value }) => value));
  return cosines;
}

/** 0 where a gradient is zero. */
function cosine(a: tf.Tensor, b: tf.Tensor): tf.Scalar {
  const norms = tf.sqrt(tf.mul(tf.sum(tf.square(a)), tf.sum(tf.square(b))));
  return tf.div(tf.sum(tf.mul(a, b)), tf.maximum(norms, 1e-30)) as tf.Scalar;
}

/** An angle in degrees from its cosine. */
export function degreesOf(cosine: number): number {
  return (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
}
