/**
 * Batch normalisation, LIF neurons and an average pool in one kernel, for engines with a form of their own: what lies
 * between the three never leaves the cache, and is computed again for the gradient. The reference form is the three
 * kernels one after the other.
 */
import * as tf from '@tensorflow/tfjs-core';
import { averagePool, averagePoolGradientKernel } from './average-pool.ts';
import { batchNormGradientKernel, batchNormInference, batchNormKernel } from './batch-norm.ts';
import { defineKernel, hasOwnForm, type Kernel } from './kernel.ts';
import { type LifConstants, type LifParameters, lifNeuron } from './lif.ts';

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

/** Whether the present engine gains by the kernel. */
export function hasNormalisedLif(): boolean {
  return hasOwnForm(normalisedLifKernel);
}

/**
 * A sequence [batch, time, height, width, channels], normalised by the batch's statistics in training and by the
 * given ones otherwise, through LIF neurons and an average pool.
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
  const { training: batchStatistics, pool } = options;
  const [output, last, mean, variance, counts] = normalisedLifKernel.run(
    { input, ...statistics, parameters, state },
    { epsilon, batchStatistics, pool, constants },
  );
  return { output: output!, state: last!, mean: mean!, variance: variance!, counts: counts as tf.Tensor2D };
}

type Input = 'input' | 'gamma' | 'beta' | 'mean' | 'variance' | 'parameters' | 'state';
type Inputs = Readonly<Record<Input, tf.Tensor>>;

/** Outputs: pooled spikes, last potential, mean and unbiased variance of the batch, spikes by sample and step. */
export const normalisedLifKernel: Kernel<Input, NormalisedLifAttributes> = defineKernel<
  Input,
  NormalisedLifAttributes
>({
  name: 'NormalisedLif',
  reference: (inputs, attributes) => {
    const { normal, mean, variance } = normalised(inputs, attributes);
    const { parameters, state } = inputs;
    const { constants, pool } = attributes;
    const call = { input: normal, parameters, state };
    const [spikes, last] = lifNeuron.kernel.run(call, { constants, potentials: false });
    const [batch, steps, ...maps] = spikes!.shape as [number, number, ...number[]];
    const counts = tf.sum(tf.reshape(spikes!, [batch, steps, -1]), 2);
    const pooled = averagePool(tf.reshape(spikes!, [batch * steps, ...maps]), pool);
    const output = tf.reshape(pooled, [batch, steps, ...pooled.shape.slice(1)]);
    return [output, last!, mean, variance, counts];
  },
  gradient: {
    saveInputs: ['input', 'gamma', 'beta', 'mean', 'variance', 'parameters', 'state'],
    saveOutputs: [false, false, true, true, false],
    backward: ([outputGradient, stateGradient], inputs, [mean, variance], attributes) => {
      const statistics = attributes.batchStatistics ? { mean: mean!, variance: variance! } : {};
      const [input, gamma, beta, parameters, state] = normalisedLifGradientKernel.run(
        { ...inputs, ...statistics, outputGradient: outputGradient!, stateGradient: stateGradient! },
        attributes,
      );
      return {
        input: () => input!,
        gamma: () => gamma!,
        beta: () => beta!,
        parameters: () => parameters!,
        state: () => state!,
        mean: () => tf.zerosLike(inputs.mean),
        variance: () => tf.zerosLike(inputs.variance),
      };
    },
  },
});

interface Normalised {
  readonly normal: tf.Tensor;
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

function normalised(inputs: Inputs, { batchStatistics, epsilon }: NormalisedLifAttributes): Normalised {
  const { input, gamma, beta } = inputs;
  if (!batchStatistics) {
    const normal = batchNormInference(input, gamma, beta, inputs.mean, inputs.variance, epsilon);
    return { normal, mean: tf.zerosLike(gamma), variance: tf.zerosLike(gamma) };
  }
  const [normal, mean, variance] = batchNormKernel.run({ input, gamma, beta }, { epsilon, perStep: false });
  return { normal: normal!, mean: mean!, variance: variance! };
}

type GradientInput = Input | 'outputGradient' | 'stateGradient';

/**
 * Gradients of input, gamma, beta, decay and first state. Of a batch's own statistics, `mean` and `variance` are those
 * that the kernel gave.
 */
export const normalisedLifGradientKernel: Kernel<GradientInput, NormalisedLifAttributes> = defineKernel<
  GradientInput,
  NormalisedLifAttributes
>({
  name: 'NormalisedLifGradient',
  reference: (inputs, attributes) => {
    const { input, gamma, mean, variance, parameters, state, outputGradient, stateGradient } = inputs;
    const { constants, pool, epsilon, batchStatistics } = attributes;
    const { normal } = normalised(inputs, attributes);
    const [batch, steps, height, width] = input.shape as [number, number, number, number];
    const folded = tf.reshape(outputGradient, [batch * steps, ...outputGradient.shape.slice(2)]);
    const [spread] = averagePoolGradientKernel.run({ outputGradient: folded }, { size: pool, height, width });
    const spikesGradient = tf.reshape(spread!, input.shape);
    const [dNormal, dState, dParameters] = lifNeuron.gradientKernel.run(
      { input: normal, parameters, state, spikesGradient, stateGradient, potentialsGradient: stateGradient },
      { constants, potentials: false },
    );
    const given = { input, gamma, mean, variance, outputGradient: dNormal! };
    if (batchStatistics) {
      const [dInput, dGamma, dBeta] = batchNormGradientKernel.run(given, { epsilon, perStep: false });
      return [dInput!, dGamma!, dBeta!, dParameters!, dState!];
    }
    const inverse = tf.rsqrt(tf.add(variance, epsilon));
    const rows = [-1, gamma.shape[0]!];
    const centred = tf.mul(tf.sub(input, mean), inverse);
    const dGamma = tf.sum(tf.reshape(tf.mul(dNormal!, centred), rows), 0);
    const dBeta = tf.sum(tf.reshape(dNormal!, rows), 0);
    return [tf.mul(dNormal!, tf.mul(gamma, inverse)), dGamma, dBeta, dParameters!, dState!];
  },
});
