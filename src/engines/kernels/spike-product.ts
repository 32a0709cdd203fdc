import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../../errors.ts';
import { defineKernel, type Kernel } from './kernel.ts';

/**
 * Rows of spikes times weights: input [rows, inputs] x weight [inputs, outputs] + bias [outputs]. The same as a matrix
 * product; engines that have a form of their own add up the weights of active inputs where few are active, forward and
 * for the weights' gradient.
 */
export function spikeProduct(input: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor2D {
  const [, inputs] = input.shape;
  const [rows, outputs] = weight.shape;
  if (input.rank !== 2 || weight.rank !== 2 || inputs !== rows || bias.shape.join() !== `${outputs}`) {
    throw new ShapeError(
      'spikeProduct: expected [rows, inputs], [inputs, outputs] and [outputs], ' +
        `found [${input.shape}], [${weight.shape}] and [${bias.shape}]`,
    );
  }
  return spikeProductKernel.run({ input, weight, bias }, {})[0] as tf.Tensor2D;
}

/** Gradient of the weights: input [rows, inputs], transposed, x outputGradient [rows, outputs]. */
export function spikeProductWeightGradient(input: tf.Tensor, outputGradient: tf.Tensor): tf.Tensor2D {
  return spikeProductWeightGradientKernel.run({ input, outputGradient }, {})[0] as tf.Tensor2D;
}

type Input = 'input' | 'weight' | 'bias';

export const spikeProductKernel: Kernel<Input, object> = defineKernel<Input, object>({
  name: 'SpikeProduct',
  reference: ({ input, weight, bias }) => [
    tf.add(tf.matMul(input as tf.Tensor2D, weight as tf.Tensor2D), bias),
  ],
  gradient: {
    saveInputs: ['input', 'weight'],
    backward: ([outputGradient], { input, weight }) => ({
      input: () => tf.matMul(outputGradient as tf.Tensor2D, weight as tf.Tensor2D, false, true),
      weight: () => spikeProductWeightGradient(input, outputGradient!),
      bias: () => tf.sum(outputGradient!, 0),
    }),
  },
});

export const spikeProductWeightGradientKernel: Kernel<'input' | 'outputGradient', object> = defineKernel<
  'input' | 'outputGradient',
  object
>({
  name: 'SpikeProductWeightGradient',
  reference: ({ input, outputGradient }) => [
    tf.matMul(input as tf.Tensor2D, outputGradient as tf.Tensor2D, true, false),
  ],
});
