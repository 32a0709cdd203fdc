import * as tf from '@tensorflow/tfjs-core';
import { convolution } from '../../engines/kernels/index.ts';
import { foldTime, unfoldTime } from './fold-time.ts';
import { type Layer, statelessLayer } from './layer.ts';
import { createParameter, defaultValues } from './parameter.ts';

/** Sizes of a convolution. */
export interface ConvolutionOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Side of the square kernel, odd. Default 3. */
  readonly size?: number;
  /** Default true. */
  readonly bias?: boolean;
}

/**
 * A convolution of every frame, stride 1, padded to the same size: weight [rows, columns, inputs, outputs], bias
 * [outputs], PyTorch's default initial values.
 */
export function createConvolution(
  name: string,
  { inputs, outputs, size = 3, bias = true }: ConvolutionOptions,
  seed: number,
): Layer {
  const fanIn = size * size * inputs;
  const create = (part: string, shape: number[]) =>
    createParameter(`${name}.${part}`, shape, defaultValues(shape, fanIn, seed, `${name}.${part}`));
  const weight = create('weight', [size, size, inputs, outputs]);
  const offset = bias ? create('bias', [outputs]) : undefined;
  return statelessLayer(name, offset === undefined ? [weight] : [weight, offset], (input) => {
    const maps = convolution(foldTime(input), weight.variable);
    return unfoldTime(offset === undefined ? maps : tf.add(maps, offset.variable), input.shape[0]!);
  });
}
