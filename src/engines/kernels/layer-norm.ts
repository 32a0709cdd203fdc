/** Layer normalisation over the last axis (Ba, Kiros and Hinton 2016), forward and backward in one operation each. */
import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../../errors.ts';
import { defineKernel, type Kernel } from './kernel.ts';

/** Constants of a call. */
export interface LayerNormAttributes {
  /** Added to the variance. */
  readonly epsilon: number;
}

/** gamma (x - mean) / sqrt(variance + epsilon) + beta, of every row of [..., width]; gamma and beta [width]. */
export function layerNorm(input: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon = 1e-5): tf.Tensor {
  const width = input.shape.at(-1);
  if (input.rank < 2 || gamma.shape.join() !== `${width}` || beta.shape.join() !== `${width}`) {
    throw new ShapeError(
      `layerNorm: expected [..., width] with gamma and beta [width], found [${input.shape}] ` +
        `with [${gamma.shape}] and [${beta.shape}]`,
    );
  }
  return layerNormKernel.run({ input, gamma, beta }, { epsilon })[0]!;
}

type Input = 'input' | 'gamma' | 'beta';

export const layerNormKernel: Kernel<Input, LayerNormAttributes> = defineKernel<Input, LayerNormAttributes>({
  name: 'LayerNormalisation',
  reference: ({ input, gamma, beta }, { epsilon }) => [
    tf.add(tf.mul(normalised(input, epsilon).normal, gamma), beta),
  ],
  gradient: {
    saveInputs: ['input', 'gamma'],
    backward: ([outputGradient], { input, gamma }, _, attributes) => {
      const [dInput, dGamma, dBeta] = layerNormGradientKernel.run(
        { input, gamma, outputGradient: outputGradient! },
        attributes,
      );
      return { input: () => dInput!, gamma: () => dGamma!, beta: () => dBeta! };
    },
  },
});

type GradientInput = 'input' | 'gamma' | 'outputGradient';

/** Gradients of input, gamma and beta. */
export const layerNormGradientKernel: Kernel<GradientInput, LayerNormAttributes> = defineKernel<
  GradientInput,
  LayerNormAttributes
>({
  name: 'LayerNormalisationGradient',
  reference: ({ input, gamma, outputGradient }, { epsilon }) => {
    const { normal, inverse } = normalised(input, epsilon);
    const scaled = tf.mul(outputGradient, gamma);
    const along = tf.mul(normal, tf.mean(tf.mul(scaled, normal), -1, true));
    const rows = (value: tf.Tensor): tf.Tensor => tf.sum(tf.reshape(value, [-1, gamma.shape[0]!]), 0);
    return [
      tf.mul(inverse, tf.sub(tf.sub(scaled, tf.mean(scaled, -1, true)), along)),
      rows(tf.mul(outputGradient, normal)),
      rows(outputGradient),
    ];
  },
});

function normalised(input: tf.Tensor, epsilon: number): { normal: tf.Tensor; inverse: tf.Tensor } {
  const centred = tf.sub(input, tf.mean(input, -1, true));
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
  return { normal: tf.mul(centred, inverse), inverse };
}
