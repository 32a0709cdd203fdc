import * as tf from '@tensorflow/tfjs-core';
import { linearMap } from '../../engines/kernels/index.ts';
import { type Layer, type Parameter, statelessLayer } from './layer.ts';
import { createParameter, defaultValues } from './parameter.ts';

/** Sizes of a linear layer. */
export interface LinearOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Default true. */
  readonly bias?: boolean;
}

/** A linear map of the last axis: weight [inputs, outputs], bias [outputs], PyTorch's default initial values. */
export function createLinear(
  name: string,
  { inputs, outputs, bias = true }: LinearOptions,
  seed: number,
): Layer {
  const values = (part: string, shape: number[]): Parameter =>
    createParameter(`${name}.${part}`, shape, defaultValues(shape, inputs, seed, `${name}.${part}`));
  const weight = values('weight', [inputs, outputs]);
  const offset = bias ? values('bias', [outputs]) : undefined;
  const layer = statelessLayer(
    name,
    offset === undefined ? [weight] : [weight, offset],
    (input) => linear(input, weight.variable, offset?.variable),
    { weight: () => weight.variable, apply: linear },
  );
  return { ...layer, tangent: () => (changes) => linear(changes, weight.variable) };
}

/** input [..., inputs] times weight [inputs, outputs], plus bias [outputs]. */
export function linear(input: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const [inputs, outputs] = weight.shape as [number, number];
  if (bias !== undefined) return linearMap(input, weight, bias);
  const product = tf.matMul(tf.reshape(input, [-1, inputs]), weight as tf.Tensor2D);
  return tf.reshape(product, [...input.shape.slice(0, -1), outputs]);
}
