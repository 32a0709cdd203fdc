import * as tf from '@tensorflow/tfjs-core';
import type { NetworkOutput } from './network.ts';

/** What the loss of a step is made of. */
export interface LossOptions {
  /** Weights of the early classifiers' losses, first stage first. Default 0.3, 0.2, 0.1. */
  readonly auxiliaryWeights?: readonly number[];
  /** Share of the target that is spread evenly over all classes. Default 0. */
  readonly labelSmoothing?: number;
}

const AUXILIARY_WEIGHTS: readonly number[] = [0.3, 0.2, 0.1];

/** Cross-entropy of each sample: logits [batch, classes] against class indices, to [batch]. */
export function crossEntropy(logits: tf.Tensor2D, labels: Int32Array, smoothing = 0): tf.Tensor1D {
  const [batch, classes] = logits.shape;
  const targets = new Float32Array(batch * classes).fill(smoothing / classes);
  for (let sample = 0; sample < batch; sample++)
    targets[sample * classes + labels[sample]!]! += 1 - smoothing;
  const logProbabilities = tf.logSoftmax(logits);
  return tf.neg(tf.sum(tf.mul(logProbabilities, tf.tensor2d(targets, [batch, classes])), 1));
}

/** Mean over the batch of the final loss and the weighted losses of the early classifiers. */
export function classificationLoss(
  logits: tf.Tensor2D,
  auxiliary: NetworkOutput['auxiliary'],
  labels: Int32Array,
  { auxiliaryWeights = AUXILIARY_WEIGHTS, labelSmoothing = 0 }: LossOptions = {},
): tf.Scalar {
  let loss = crossEntropy(logits, labels, labelSmoothing);
  auxiliary.forEach((early, index) => {
    const weight = auxiliaryWeights[index] ?? 0;
    if (weight !== 0) loss = tf.add(loss, tf.mul(crossEntropy(early, labels, labelSmoothing), weight));
  });
  return tf.mean(loss);
}
