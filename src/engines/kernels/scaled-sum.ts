/** The sum of a tensor's values times a constant, such as their mean, in one operation. */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, type Kernel } from './kernel.ts';

/** Constants of a call. */
export interface ScaledSumAttributes {
  readonly scale: number;
}

/** The sum of all values, times `scale`. */
export function scaledSum(input: tf.Tensor, scale: number): tf.Scalar {
  return scaledSumKernel.run({ input }, { scale })[0] as tf.Scalar;
}

export const scaledSumKernel: Kernel<'input', ScaledSumAttributes> = defineKernel<
  'input',
  ScaledSumAttributes
>({
  name: 'ScaledSum',
  reference: ({ input }, { scale }) => [tf.mul(tf.sum(input), scale)],
  gradient: {
    saveInputs: ['input'],
    backward: ([outputGradient], { input }, _, { scale }) => ({
      input: () => tf.broadcastTo(tf.mul(outputGradient!, scale), input.shape),
    }),
  },
});
