import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, type Kernel } from './kernel.ts';

/** Constants of a call. */
export interface CrossEntropyAttributes {
  /** Share of the target that is spread evenly over all classes, from 0 to 1. */
  readonly smoothing: number;
}

/**
 * Cross-entropy of each row: logits [rows, classes] against class indices, to [rows]. The gradient is computed with the
 * value, in the same pass.
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, labels: Int32Array, smoothing = 0): tf.Tensor1D {
  const inputs = { logits, labels: tf.tensor1d(labels, 'int32') };
  return crossEntropyKernel.run(inputs, { smoothing })[0] as tf.Tensor1D;
}

/** Outputs: losses, and their slopes by the logits, [rows, classes]: softmax less target. */
export const crossEntropyKernel: Kernel<'logits' | 'labels', CrossEntropyAttributes> = defineKernel<
  'logits' | 'labels',
  CrossEntropyAttributes
>({
  name: 'CrossEntropy',
  reference: ({ logits, labels }, { smoothing }) => {
    const classes = logits.shape[1]!;
    const chosen = tf.cast(tf.equal(tf.expandDims(labels, 1), tf.range(0, classes, 1, 'int32')), 'float32');
    const targets = tf.add(tf.mul(chosen, 1 - smoothing), smoothing / classes);
    const logProbabilities = tf.logSoftmax(logits);
    const losses = tf.neg(tf.sum(tf.mul(logProbabilities, targets), 1));
    return [losses, tf.sub(tf.exp(logProbabilities), targets)];
  },
  gradient: {
    saveInputs: ['labels'],
    saveOutputs: [false, true],
    backward: ([lossesGradient], { labels }, [slopes]) => ({
      logits: () => tf.mul(slopes!, tf.expandDims(lossesGradient!, 1)),
      labels: () => tf.zerosLike(labels),
    }),
  },
});
