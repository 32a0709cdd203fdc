/**
 * Batch normalisation, LIF neurons and an average pool in one kernel, for engines that have it: between them lies
 * only what is in the cache. Elsewhere the three kernels run one after the other; so do they here wherever something
 * between them is asked for.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LifConstants, LifParameters } from './lif.ts';

/** Names of the kernel and of its gradient. */
export const NORMALISED_LIF = 'NormalisedLif';
export const NORMALISED_LIF_GRADIENT = 'NormalisedLifGradient';

/** Constants of a call. */
export interface NormalisedLifAttributes {
  readonly epsilon: number;
  /** True: the statistics of the batch; false: those given. */
  readonly batchStatistics: boolean;
  /** Side of the average pool, 1 for none. */
  readonly pool: number;
  readonly constants: LifConstants;
}

/** Scale and shift of a normalisation, and its statistics, [channels] each. */
export interface Normalisation {
  readonly gamma: tf.Tensor;
  readonly beta: tf.Tensor;
  readonly mean: tf.Tensor;
  /** Biased or not, as batchNormInference takes it. */
  readonly variance: tf.Tensor;
  readonly epsilon: number;
}

/** What normalisation, neurons and pool give together. */
export interface NormalisedLifResult {
  /** Pooled spikes, [batch, time, height', width', channels]. */
  readonly output: tf.Tensor;
  /** Potential after the last step, [batch, height, width, channels]. */
  readonly state: tf.Tensor;
  /** Mean and unbiased variance of the batch, [channels]; of no meaning with given statistics. */
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
  /** Spikes of each sample and step, [batch, time]; without gradient. */
  readonly counts: tf.Tensor2D;
}

/** Whether the present engine has the kernel. */
export function hasNormalisedLif(): boolean {
  return tf.getKernel(NORMALISED_LIF, tf.getBackend()) !== undefined;
}

/**
 * A sequence [batch, time, height, width, channels], normalised by the batch's statistics in training and by the
 * given ones otherwise, through LIF neurons with a fixed decay and an average pool.
 * @param state potential before the first step, [batch, height, width, channels]; default: `rest` everywhere
 */
export function normalisedLif(
  input: tf.Tensor,
  { epsilon, ...statistics }: Normalisation,
  { decay, ...constants }: LifParameters,
  options: { readonly training: boolean; readonly pool: number; readonly state?: tf.Tensor | undefined },
): NormalisedLifResult {
  const [batch, , ...features] = input.shape as [number, number, ...number[]];
  const state = options.state ?? tf.fill([batch, ...features], constants.rest);
  const parameters = typeof decay === 'number' ? tf.tensor1d([decay]) : tf.reshape(decay, [1]);
  const attributes: NormalisedLifAttributes = {
    epsilon,
    batchStatistics: options.training,
    pool: options.pool,
    constants,
  };
  const [output, last, mean, variance, counts] = tf
    .engine()
    .runKernel(
      NORMALISED_LIF,
      { input, ...statistics, parameters, state },
      attributes as never,
    ) as tf.Tensor[];
  return { output: output!, state: last!, mean: mean!, variance: variance!, counts: counts as tf.Tensor2D };
}

const inputNames = ['input', 'gamma', 'beta', 'mean', 'variance', 'parameters', 'state'];

tf.registerGradient({
  kernelName: NORMALISED_LIF,
  inputsToSave: inputNames,
  outputsToSave: [false, false, true, true, false],
  gradFunc: (gradients, saved, attributes) => {
    const inputs = Object.fromEntries(inputNames.map((name, index) => [name, saved[index]!]));
    const { batchStatistics } = attributes as unknown as NormalisedLifAttributes;
    const statistics = batchStatistics ? { mean: saved[7]!, variance: saved[8]! } : {};
    const [outputGradient, stateGradient] = gradients as tf.Tensor[];
    const given = {
      ...inputs,
      ...statistics,
      outputGradient: outputGradient!,
      stateGradient: stateGradient!,
    };
    const [input, gamma, beta, parameters, state] = tf
      .engine()
      .runKernel(NORMALISED_LIF_GRADIENT, given, attributes) as tf.Tensor[];
    return {
      input: () => input!,
      gamma: () => gamma!,
      beta: () => beta!,
      parameters: () => parameters!,
      state: () => state!,
      mean: () => tf.zerosLike(inputs['mean']!),
      variance: () => tf.zerosLike(inputs['variance']!),
    };
  },
});
