/** A linear map with bias, and with the rectifier that may follow it, forward and backward in one kernel each. */
import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../../errors.ts';
import { defineKernel, type Kernel } from './kernel.ts';

/** Constants of a call. */
export interface LinearAttributes {
  /** Whether negative outputs become zero. */
  readonly rectify: boolean;
}

/** input [..., inputs] times weight [inputs, outputs], plus bias [outputs]; max(0, ...) of it with `rectify`. */
export function linearMap(
  input: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  { rectify = false }: Partial<LinearAttributes> = {},
): tf.Tensor {
  const [inputs, outputs] = weight.shape;
  if (input.rank < 2 || input.shape.at(-1) !== inputs || bias.shape.join() !== `${outputs}`) {
    throw new ShapeError(
      `linearMap: expected [..., inputs] with weight [inputs, outputs] and bias [outputs], found ` +
        `[${input.shape}] with [${weight.shape}] and [${bias.shape}]`,
    );
  }
  return linearKernel.run({ input, weight, bias }, { rectify })[0]!;
}

type Input = 'input' | 'weight' | 'bias';

export const linearKernel: Kernel<Input, LinearAttributes> = defineKernel<Input, LinearAttributes>({
  name: 'Linear',
  reference: ({ input, weight, bias }, { rectify }) => {
    const sums = tf.add(tf.matMul(rowsOf(input), weight as tf.Tensor2D), bias);
    const output = rectify ? tf.relu(sums) : sums;
    return [tf.reshape(output, [...input.shape.slice(0, -1), weight.shape[1]!])];
  },
  gradient: {
    saveInputs: ['input', 'weight'],
    saveOutputs: [true],
    backward: ([outputGradient], { input, weight }, [output], attributes) => {
      const [dInput, dWeight, dBias] = linearGradientKernel.run(
        { input, weight, output: output!, outputGradient: outputGradient! },
        attributes,
      );
      return { input: () => dInput!, weight: () => dWeight!, bias: () => dBias! };
    },
  },
});

type GradientInput = 'input' | 'weight' | 'output' | 'outputGradient';

/** Gradients of input, weight and bias. */
export const linearGradientKernel: Kernel<GradientInput, LinearAttributes> = defineKernel<
  GradientInput,
  LinearAttributes
>({
  name: 'LinearGradient',
  reference: ({ input, weight, output, outputGradient }, { rectify }) => {
    const active = rectify ? tf.mul(outputGradient, tf.step(output)) : outputGradient;
    const rows = rowsOf(active);
    return [
      tf.reshape(tf.matMul(rows, weight as tf.Tensor2D, false, true), input.shape),
      tf.matMul(rowsOf(input), rows, true),
      tf.sum(rows, 0),
    ];
  },
});

function rowsOf(values: tf.Tensor): tf.Tensor2D {
  return tf.reshape(values, [-1, values.shape.at(-1)!]);
}
