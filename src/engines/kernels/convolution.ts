/**
 * Convolution of maps with gradients that are fast where the engine only has a fast forward convolution: for stride 1
 * both gradients are forward convolutions themselves, of the output's gradient with the turned filter, and of the
 * input with the output's gradient as the filter, batch and channels swapped.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../../errors.ts';
import { defineKernel, type Kernel } from './kernel.ts';

/** Options of a convolution. */
export interface ConvolutionOptions {
  /** Pixels between two outputs. Default 1. */
  readonly stride?: number;
  /**
   * Zeros around the input: a number of pixels on each side, 'valid' for none, or 'same' (the default) for
   * ceil(side / stride) outputs, the odd pixel of zeros at the lower and right edge.
   */
  readonly padding?: number | 'same' | 'valid';
}

/** Zeros around the input, in pixels. */
export interface Padding {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** Constants of a convolution. */
export interface ConvolutionAttributes {
  readonly stride: number;
  readonly padding: Padding;
}

/**
 * Maps [maps, height, width, inputs] convolved with a filter [rows, columns, inputs, outputs]: [maps, height',
 * width', outputs]. The gradients of input and filter are each computed only where they are asked for.
 */
export function convolution(
  input: tf.Tensor,
  filter: tf.Tensor,
  { stride = 1, padding = 'same' }: ConvolutionOptions = {},
): tf.Tensor4D {
  if (input.rank !== 4 || filter.rank !== 4 || input.shape[3] !== filter.shape[2]) {
    throw new ShapeError(
      'convolution: expected [maps, height, width, inputs] and [rows, columns, inputs, outputs], ' +
        `found [${input.shape}] and [${filter.shape}]`,
    );
  }
  const attributes = { stride, padding: paddingOf(input.shape, filter.shape, stride, padding) };
  return convolutionKernel.run({ input, filter }, attributes)[0] as tf.Tensor4D;
}

/** The zeros that a padding means. */
export function paddingOf(
  input: readonly number[],
  filter: readonly number[],
  stride: number,
  padding: number | 'same' | 'valid',
): Padding {
  if (padding === 'valid') return { top: 0, bottom: 0, left: 0, right: 0 };
  if (padding !== 'same') return { top: padding, bottom: padding, left: padding, right: padding };
  const zeros = (side: number, kernel: number): [number, number] => {
    const total = Math.max(0, (Math.ceil(side / stride) - 1) * stride + kernel - side);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  };
  const [top, bottom] = zeros(input[1]!, filter[0]!);
  const [left, right] = zeros(input[2]!, filter[1]!);
  return { top, bottom, left, right };
}

/** The name of a padding, where it has one: engines' own gradient kernels know no other. */
export function paddingName(
  input: readonly number[],
  filter: readonly number[],
  { stride, padding }: ConvolutionAttributes,
): 'same' | 'valid' | undefined {
  const equals = (name: 'same' | 'valid'): boolean => {
    const { top, bottom, left, right } = paddingOf(input, filter, stride, name);
    return (
      top === padding.top && bottom === padding.bottom && left === padding.left && right === padding.right
    );
  };
  return (['valid', 'same'] as const).find(equals);
}

function explicit({ top, bottom, left, right }: Padding): tf.backend_util.ExplicitPadding {
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
}

function convolve(input: tf.Tensor, filter: tf.Tensor, stride: number, padding: Padding): tf.Tensor {
  return tf.conv2d(input as tf.Tensor4D, filter as tf.Tensor4D, stride, explicit(padding));
}

export const convolutionKernel: Kernel<'input' | 'filter', ConvolutionAttributes> = defineKernel<
  'input' | 'filter',
  ConvolutionAttributes
>({
  name: 'Convolution',
  reference: ({ input, filter }, { stride, padding }) => [convolve(input, filter, stride, padding)],
  gradient: {
    saveInputs: ['input', 'filter'],
    backward: ([outputGradient], { input, filter }, _, attributes) => ({
      input: () =>
        inputGradientKernel.run(
          { outputGradient: outputGradient!, filter },
          { ...attributes, inputShape: input.shape },
        )[0]!,
      filter: () =>
        filterGradientKernel.run(
          { outputGradient: outputGradient!, input },
          { ...attributes, filterShape: filter.shape },
        )[0]!,
    }),
  },
});

/** Constants of the input's gradient. */
export interface InputGradientAttributes extends ConvolutionAttributes {
  readonly inputShape: readonly number[];
}

export const inputGradientKernel: Kernel<'outputGradient' | 'filter', InputGradientAttributes> = defineKernel<
  'outputGradient' | 'filter',
  InputGradientAttributes
>({
  name: 'ConvolutionInputGradient',
  reference: ({ outputGradient, filter }, { stride, padding, inputShape }) => {
    const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
    const spread = stride === 1 ? outputGradient : spreadOut(outputGradient, stride);
    const [rows, columns] = filter.shape as [number, number];
    const [, height, width] = inputShape as [number, number, number];
    // The spread gradient meets every place of the filter that touched a pixel: full padding, less the zeros around.
    const top = rows - 1 - padding.top;
    const left = columns - 1 - padding.left;
    const bottom = height + rows - 1 - top - spread.shape[1]!;
    const right = width + columns - 1 - left - spread.shape[2]!;
    return [convolvePadded(spread, turned, { top, bottom, left, right })];
  },
});

/** A convolution of stride 1 whose padding may be negative, which cuts pixels off. */
function convolvePadded(input: tf.Tensor, filter: tf.Tensor, padding: Padding): tf.Tensor {
  const { top, bottom, left, right } = padding;
  const [maps, height, width, channels] = input.shape as [number, number, number, number];
  const cut = (zeros: number): number => Math.max(0, -zeros);
  const kept =
    Math.min(top, bottom, left, right) >= 0
      ? input
      : tf.slice(
          input,
          [0, cut(top), cut(left), 0],
          [maps, height - cut(top) - cut(bottom), width - cut(left) - cut(right), channels],
        );
  return convolve(kept, filter, 1, {
    top: Math.max(0, top),
    bottom: Math.max(0, bottom),
    left: Math.max(0, left),
    right: Math.max(0, right),
  });
}

/** Puts stride - 1 zeros between pixels. */
function spreadOut(maps: tf.Tensor, stride: number): tf.Tensor {
  const [count, height, width, channels] = maps.shape as [number, number, number, number];
  const split = tf.reshape(maps, [count, height, 1, width, 1, channels]);
  const padded = tf.pad(split, [
    [0, 0],
    [0, 0],
    [0, stride - 1],
    [0, 0],
    [0, stride - 1],
    [0, 0],
  ]);
  const spread = tf.reshape(padded, [count, height * stride, width * stride, channels]);
  return tf.slice(
    spread,
    [0, 0, 0, 0],
    [count, (height - 1) * stride + 1, (width - 1) * stride + 1, channels],
  );
}

/** Constants of the filter's gradient. */
export interface FilterGradientAttributes extends ConvolutionAttributes {
  readonly filterShape: readonly number[];
}

export const filterGradientKernel: Kernel<'outputGradient' | 'input', FilterGradientAttributes> =
  defineKernel<'outputGradient' | 'input', FilterGradientAttributes>({
    name: 'ConvolutionFilterGradient',
    reference: ({ outputGradient, input }, { stride, padding, filterShape }) => {
      const [rows, columns] = filterShape as [number, number];
      const [, height, width] = input.shape as [number, number, number];
      const spread = stride === 1 ? outputGradient : spreadOut(outputGradient, stride);
      // Pixels that no output reached are cut off, so that the result has the filter's size.
      const bottom = spread.shape[1]! + rows - 1 - padding.top - height;
      const right = spread.shape[2]! + columns - 1 - padding.left - width;
      const swapped = tf.transpose(input, [3, 1, 2, 0]);
      const asFilter = tf.transpose(spread, [1, 2, 0, 3]);
      const product = convolvePadded(swapped, asFilter, { ...padding, bottom, right });
      return [tf.transpose(product, [1, 2, 0, 3])];
    },
  });
