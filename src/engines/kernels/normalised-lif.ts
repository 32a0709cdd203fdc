/**
 * Batch normalisation, LIF neurons and a pool in one kernel, for engines with a form of their own: what lies between
 * the three never leaves the cache, and is computed again for the gradient. Frames that are shown for several steps
 * are normalised once. The reference form is the three kernels one after the other.
 */
import * as tf from '@tensorflow/tfjs-core';
import { averagePool, averagePoolGradientKernel } from './average-pool.ts';
import { batchNormGradientKernel, batchNormInference, batchNormKernel } from './batch-norm.ts';
import { defineKernel, hasOwnForm, type Kernel } from './kernel.ts';
import { type LifConstants, type LifParameters, lifNeuron } from './lif.ts';
import { maxPool, maxPoolGradientKernel } from './max-pool.ts';
import { initialState, splitParameters } from './neuron-function.ts';
import { repeatedVariance, repeatSteps, sumRepeats } from './repeat-steps.ts';

/** A pool over squares of `size` pixels; 1 for none. */
export interface Pool {
  readonly kind: 'average' | 'max';
  readonly size: number;
}

/** What takes the place of a pool where there is none. */
export const noPool: Pool = { kind: 'average', size: 1 };

/** Constants of a call. */
export interface NormalisedLifAttributes {
  readonly epsilon: number;
  /** True: the statistics of the batch; false: those given. */
  readonly batchStatistics: boolean;
  /** Steps that each frame of the input is shown for. */
  readonly repeat: number;
  readonly pool: Pool;
  readonly constants: LifConstants;
  /** Whether the gradients of the neurons' learned numbers are wanted; else they are zero. */
  readonly learns: boolean;
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
  /** Pooled spikes, [batch, time, height', width', channels], time being frames times repeat. */
  readonly output: tf.Tensor;
  /** Potential after the last step, [batch, height, width, channels]. */
  readonly state: tf.Tensor;
  /** Mean and unbiased variance of the batch, or those given, [channels]. */
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
  /** Spikes of each sample and step, [batch, time]. */
  readonly counts: tf.Tensor2D;
}

/** Options of a call. */
export interface NormalisedLifOptions {
  /** Steps that each frame is shown for. Default 1. */
  readonly repeat?: number;
  /** Default: none. */
  readonly pool?: Pool | undefined;
  /** Potential before the first step, [batch, height, width, channels]; default: `rest` everywhere. */
  readonly state?: tf.Tensor | undefined;
}

/** Whether the present engine gains by the kernel. */
export function hasNormalisedLif(): boolean {
  return hasOwnForm(normalisedLifKernel);
}

/**
 * A sequence [batch, frames, height, width, channels], normalised by the batch's statistics or by the given ones, each
 * frame shown for `repeat` steps to LIF neurons, and their spikes pooled.
 */
export function normalisedLif(
  input: tf.Tensor,
  { epsilon, ...statistics }: Normalisation,
  neuron: LifParameters,
  options: NormalisedLifOptions & { readonly batchStatistics: boolean },
): NormalisedLifResult {
  const { learned, constants, learns } = splitParameters(
    'normalisedLif',
    lifNeuron,
    neuron,
    input.shape.at(-1)!,
  );
  const state = options.state ?? initialState(lifNeuron, input.shape, constants);
  const { batchStatistics, repeat = 1, pool = noPool } = options;
  const [output, last, mean, variance, counts] = normalisedLifKernel.run(
    { input, ...statistics, parameters: learned, state },
    { epsilon, batchStatistics, repeat, pool, constants, learns },
  );
  return { output: output!, state: last!, mean: mean!, variance: variance!, counts: counts as tf.Tensor2D };
}

type Input = 'input' | 'gamma' | 'beta' | 'mean' | 'variance' | 'parameters' | 'state';
type Inputs = Readonly<Record<Input, tf.Tensor>>;

/** Outputs: pooled spikes, last potential, mean and unbiased variance as used, spikes by sample and step. */
export const normalisedLifKernel: Kernel<Input, NormalisedLifAttributes> = defineKernel<
  Input,
  NormalisedLifAttributes
>({
  name: 'NormalisedLif',
  reference: (inputs, attributes) => {
    const { normal, mean, variance } = normalised(inputs, attributes);
    const { parameters, state } = inputs;
    const { constants, pool, repeat, learns } = attributes;
    const call = { input: repeatSteps(normal, repeat), parameters, state };
    const [spikes, last] = lifNeuron.kernel.run(call, { constants, potentials: false, learns });
    const [batch, steps, ...maps] = spikes!.shape as [number, number, ...number[]];
    const counts = tf.sum(tf.reshape(spikes!, [batch, steps, -1]), 2);
    const poolOf = pool.kind === 'max' ? maxPool : averagePool;
    const pooled = poolOf(tf.reshape(spikes!, [batch * steps, ...maps]), pool.size);
    const output = tf.reshape(pooled, [batch, steps, ...pooled.shape.slice(1)]);
    return [output, last!, mean, variance, counts];
  },
  gradient: {
    saveInputs: ['input', 'gamma', 'beta', 'mean', 'variance', 'parameters', 'state'],
    saveOutputs: [false, false, true, true, false],
    backward: ([outputGradient, stateGradient, , , countsGradient], inputs, [mean, variance], attributes) => {
      const { batchStatistics, epsilon } = attributes;
      const [input, gamma, beta, parameters, state] = normalisedLifGradientKernel.run(
        {
          ...{ ...inputs, mean: mean!, variance: variance!, outputGradient: outputGradient! },
          ...{ stateGradient: stateGradient!, countsGradient: countsGradient! },
        },
        attributes,
      );
      return {
        input: () => input!,
        gamma: () => gamma!,
        beta: () => beta!,
        parameters: () => parameters!,
        state: () => state!,
        // A given mean is subtracted from every value before it is scaled.
        mean: () =>
          batchStatistics
            ? tf.zerosLike(inputs.mean)
            : tf.neg(tf.mul(beta!, tf.mul(inputs.gamma, tf.rsqrt(tf.add(inputs.variance, epsilon))))),
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

function normalised(
  inputs: Inputs,
  { batchStatistics, epsilon, repeat }: NormalisedLifAttributes,
): Normalised {
  const { input, gamma, beta } = inputs;
  if (!batchStatistics) {
    const normal = batchNormInference(input, gamma, beta, inputs.mean, inputs.variance, epsilon);
    return { normal, mean: tf.clone(inputs.mean), variance: tf.clone(inputs.variance) };
  }
  const [normal, mean, variance] = batchNormKernel.run({ input, gamma, beta }, { epsilon, perStep: false });
  const unbiased = tf.mul(variance!, repeatedVariance(sizeOf(input.shape) / gamma.shape[0]!, repeat));
  return { normal: normal!, mean: mean!, variance: unbiased };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

type GradientInput = Input | 'outputGradient' | 'stateGradient' | 'countsGradient';

/**
 * Gradients of input, gamma, beta, the neurons' learned numbers and first state. Of a batch's own statistics, `mean`
 * and `variance` are those that the kernel gave.
 */
export const normalisedLifGradientKernel: Kernel<GradientInput, NormalisedLifAttributes> = defineKernel<
  GradientInput,
  NormalisedLifAttributes
>({
  name: 'NormalisedLifGradient',
  reference: (inputs, attributes) => {
    const { input, gamma, mean, parameters, state, outputGradient, stateGradient } = inputs;
    const { constants, pool, epsilon, batchStatistics, repeat, learns } = attributes;
    const { normal } = normalised(inputs, attributes);
    const shown = repeatSteps(normal, repeat);
    const fromPool = unpooled(outputGradient, pool, shown.shape, () => {
      const [spikes] = lifNeuron.kernel.run(
        { input: shown, parameters, state },
        { constants, potentials: false, learns },
      );
      return spikes!;
    });
    const ofEach = [...inputs.countsGradient.shape, ...shown.shape.slice(2).map(() => 1)];
    const spikesGradient = tf.add(fromPool, tf.reshape(inputs.countsGradient, ofEach));
    const [dShown, dState, dParameters] = lifNeuron.gradientKernel.run(
      { input: shown, parameters, state, spikesGradient, stateGradient, potentialsGradient: stateGradient },
      { constants, potentials: false, learns },
    );
    const dNormal = sumRepeats(dShown!, repeat);
    const given = { input, gamma, mean, outputGradient: dNormal };
    if (batchStatistics) {
      const variance = tf.div(
        inputs.variance,
        repeatedVariance(sizeOf(input.shape) / gamma.shape[0]!, repeat),
      );
      const [dInput, dGamma, dBeta] = batchNormGradientKernel.run(
        { ...given, variance },
        { epsilon, perStep: false },
      );
      return [dInput!, dGamma!, dBeta!, dParameters!, dState!];
    }
    const inverse = tf.rsqrt(tf.add(inputs.variance, epsilon));
    const rows = [-1, gamma.shape[0]!];
    const centred = tf.mul(tf.sub(input, mean), inverse);
    const dGamma = tf.sum(tf.reshape(tf.mul(dNormal, centred), rows), 0);
    const dBeta = tf.sum(tf.reshape(dNormal, rows), 0);
    return [tf.mul(dNormal, tf.mul(gamma, inverse)), dGamma, dBeta, dParameters!, dState!];
  },
});

/** The gradient of spikes of shape [batch, time, height, width, channels] from that of what a pool makes of them. */
function unpooled(
  outputGradient: tf.Tensor,
  { kind, size }: Pool,
  shape: readonly number[],
  spikes: () => tf.Tensor,
): tf.Tensor {
  const [batch, steps, height, width, channels] = shape as [number, number, number, number, number];
  const folded = tf.reshape(outputGradient, [batch * steps, ...outputGradient.shape.slice(2)]);
  const [spread] =
    kind === 'average'
      ? averagePoolGradientKernel.run({ outputGradient: folded }, { size, height, width })
      : maxPoolGradientKernel.run(
          {
            input: tf.reshape(spikes(), [batch * steps, height, width, channels]),
            outputGradient: folded,
          },
          { size },
        );
  return tf.reshape(spread!, [...shape]);
}
