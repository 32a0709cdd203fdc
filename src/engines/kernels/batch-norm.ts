/**
 * Batch normalisation over the last axis. Training normalises with the statistics of what is at hand: of everything
 * but the channels together, or, `perStep`, of each step of a sequence on its own (Ioffe and Szegedy 2015; later
 * spiking networks take time and batch together).
 */
import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../../errors.ts';
import { defineKernel, type Kernel } from './kernel.ts';

/** Options of batch normalisation in training. */
export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
  /** True: statistics of each step (axis 1) on its own; the input is then a sequence [batch, time, …, channels]. */
  readonly perStep?: boolean;
}

/** What batch normalisation gives in training. */
export interface BatchNormResult {
  /** gamma (x - mean) / sqrt(variance + epsilon) + beta. */
  readonly output: tf.Tensor;
  /** Mean of the batch, [channels], or [time, channels] per step; without gradient. */
  readonly mean: tf.Tensor;
  /** Unbiased variance of the batch, for running averages as PyTorch keeps them; shaped as the mean. */
  readonly variance: tf.Tensor;
}

/** Constants of a call. */
export interface BatchNormAttributes {
  readonly epsilon: number;
  readonly perStep: boolean;
}

/** Batch normalisation with the statistics of the batch; input [..., channels], gamma and beta [channels]. */
export function batchNorm(
  input: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  { epsilon = 1e-5, perStep = false }: BatchNormOptions = {},
): BatchNormResult {
  requireChannels(input, gamma, beta);
  if (perStep && input.rank < 3) {
    throw new ShapeError(`batchNorm: expected a sequence [batch, time, …, channels], found [${input.shape}]`);
  }
  const [output, mean, variance] = batchNormKernel.run({ input, gamma, beta }, { epsilon, perStep });
  return { output: output!, mean: mean!, variance: variance! };
}

/** Batch normalisation with given statistics [channels], as in evaluation. */
export function batchNormInference(
  input: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  mean: tf.Tensor,
  variance: tf.Tensor,
  epsilon = 1e-5,
): tf.Tensor {
  requireChannels(input, gamma, beta);
  const scale = tf.mul(gamma, tf.rsqrt(tf.add(variance, epsilon)));
  const shift = tf.sub(beta, tf.mul(mean, scale));
  return tf.add(tf.mul(input, scale), shift);
}

function requireChannels(input: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor): void {
  const channels = input.shape.at(-1);
  if (input.rank < 2 || gamma.shape.join() !== `${channels}` || beta.shape.join() !== `${channels}`) {
    throw new ShapeError(
      `batchNorm: expected [..., channels] with gamma and beta [channels], found [${input.shape}] ` +
        `with [${gamma.shape}] and [${beta.shape}]`,
    );
  }
}

/** How a tensor falls into groups that have statistics of their own: [outer, groups, inner, channels]. */
export interface Grouping {
  readonly outer: number;
  readonly groups: number;
  readonly inner: number;
  readonly channels: number;
  /** Values of a group and channel. */
  readonly count: number;
}

/** The groups of a tensor. */
export function groupingOf(shape: readonly number[], perStep: boolean): Grouping {
  const channels = shape.at(-1)!;
  const rows = tf.util.sizeFromShape([...shape]) / channels;
  if (!perStep) return { outer: 1, groups: 1, inner: rows, channels, count: rows };
  const [outer, groups] = shape as [number, number];
  return { outer, groups, inner: rows / (outer * groups), channels, count: rows / groups };
}

/** The shape of the statistics of all groups. */
export function statisticsShape({ groups, channels }: Grouping, perStep: boolean): number[] {
  return perStep ? [groups, channels] : [channels];
}

export const batchNormKernel: Kernel<'input' | 'gamma' | 'beta', BatchNormAttributes> = defineKernel<
  'input' | 'gamma' | 'beta',
  BatchNormAttributes
>({
  name: 'BatchNormalisation',
  reference: ({ input, gamma, beta }, { epsilon, perStep }) => {
    const grouping = groupingOf(input.shape, perStep);
    const { outer, groups, inner, channels, count } = grouping;
    const grouped = tf.reshape(input, [outer, groups, inner, channels]);
    const mean = tf.mean(grouped, [0, 2], true);
    const centred = tf.sub(grouped, mean);
    const variance = tf.mean(tf.square(centred), [0, 2], true);
    const scale = tf.mul(tf.rsqrt(tf.add(variance, epsilon)), gamma);
    const output = tf.add(tf.mul(centred, scale), beta);
    const shape = statisticsShape(grouping, perStep);
    const unbiased = tf.mul(variance, count / Math.max(1, count - 1));
    return [tf.reshape(output, input.shape), tf.reshape(mean, shape), tf.reshape(unbiased, shape)];
  },
  gradient: {
    saveInputs: ['input', 'gamma'],
    saveOutputs: [false, true, true],
    backward: ([outputGradient], { input, gamma }, [mean, variance], attributes) => {
      const [inputGradient, gammaGradient, betaGradient] = batchNormGradientKernel.run(
        { input, gamma, mean: mean!, variance: variance!, outputGradient: outputGradient! },
        attributes,
      );
      return { input: () => inputGradient!, gamma: () => gammaGradient!, beta: () => betaGradient! };
    },
  },
});

/** Inputs of the backward pass. */
export type BatchNormGradientInput = 'input' | 'gamma' | 'mean' | 'variance' | 'outputGradient';

export const batchNormGradientKernel: Kernel<BatchNormGradientInput, BatchNormAttributes> = defineKernel<
  BatchNormGradientInput,
  BatchNormAttributes
>({
  name: 'BatchNormalisationGradient',
  reference: ({ input, gamma, mean, variance, outputGradient }, { epsilon, perStep }) => {
    const { outer, groups, inner, channels, count } = groupingOf(input.shape, perStep);
    const statistic = (values: tf.Tensor): tf.Tensor => tf.reshape(values, [1, groups, 1, channels]);
    const biased = tf.mul(statistic(variance), Math.max(1, count - 1) / count);
    const inverse = tf.rsqrt(tf.add(biased, epsilon));
    const grouped = tf.reshape(input, [outer, groups, inner, channels]);
    const normal = tf.mul(tf.sub(grouped, statistic(mean)), inverse);
    const dy = tf.reshape(outputGradient, [outer, groups, inner, channels]);
    const sum = tf.sum(dy, [0, 2], true);
    const product = tf.sum(tf.mul(dy, normal), [0, 2], true);
    const centred = tf.sub(tf.sub(dy, tf.div(sum, count)), tf.mul(normal, tf.div(product, count)));
    const inputGradient = tf.mul(centred, tf.mul(gamma, inverse));
    const total = (values: tf.Tensor): tf.Tensor => tf.reshape(tf.sum(values, 1), [channels]);
    return [tf.reshape(inputGradient, input.shape), total(product), total(sum)];
  },
});
