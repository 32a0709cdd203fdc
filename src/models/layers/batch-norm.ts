import * as tf from '@tensorflow/tfjs-core';
import {
  type BatchNormResult,
  batchNorm,
  batchNormInference,
  convolvedLif,
  hasNormalisedLif,
  type NormalisedLifResult,
  normalisedLif,
  repeatedVariance,
  runningAverages,
} from '../../engines/kernels/index.ts';
import { activityOfCounts } from './activity.ts';
import type { BufferUpdate, Layer, LayerOutput, Parameter, Pass } from './layer.ts';
import { constantValues, createBuffer, createParameter, sizeOf } from './parameter.ts';
import { realSteps, shownLengths, stepMask } from './step-mask.ts';

/** What the statistics of a training batch are taken over: all its steps together, or each step on its own. */
export const batchStatistics = ['joint', 'per-step'] as const;

/** What the statistics of a training batch are taken over. */
export type BatchStatistics = (typeof batchStatistics)[number];

/** Options of batch normalisation. */
export interface BatchNormLayerOptions {
  readonly channels: number;
  /** Default `joint`. */
  readonly statistics?: BatchStatistics;
}

const EPSILON = 1e-5;
/** Share of a batch in the running averages. */
const MOMENTUM = 0.1;

/**
 * Batch normalisation of the last axis as PyTorch defines it: in training with the statistics of the batch's real
 * steps, in evaluation with the running averages (mean, and unbiased variance). With `per-step` every step is
 * normalised by its own statistics, and updates the running averages in its turn.
 */
export function createBatchNorm(
  name: string,
  { channels, statistics = 'joint' }: BatchNormLayerOptions,
): Layer {
  const perStep = statistics === 'per-step';
  const scale = createParameter(`${name}.scale`, [channels], constantValues([channels], 1));
  const shift = createParameter(`${name}.shift`, [channels], constantValues([channels], 0));
  const mean = createBuffer(`${name}.mean`, [channels], 0);
  const variance = createBuffer(`${name}.variance`, [channels], 1);
  /** What the layer multiplies by, and the mean that it takes away: [channels], or [steps, channels]. */
  const frozenScale = (
    input: tf.Tensor,
    { training, lengths }: Pass,
  ): { factor: tf.Tensor; mean: tf.Tensor } => {
    const statistics = training
      ? moments(input, lengths, perStep)
      : { mean: mean.variable, variance: variance.variable };
    const factor = tf.mul(scale.variable, tf.rsqrt(tf.add(statistics.variance, EPSILON)));
    return { factor, mean: statistics.mean };
  };
  return {
    name,
    parameters: [scale, shift, mean, variance],
    perFrame: !perStep,
    frozen: (input, pass) => {
      const { factor, mean } = frozenScale(input, pass);
      const offset = tf.sub(shift.variable, tf.mul(mean, factor));
      const rows = [factor, offset].map((values) => tf.unstack(tf.reshape(values, [-1, channels])));
      return (frames, step) => {
        const [own, added] = rows.map((each) => each[each.length === 1 ? 0 : step]!);
        return tf.add(tf.mul(frames, own!), added!);
      };
    },
    tangent: (input, pass) => {
      const factors = tf.reshape(frozenScale(input, pass).factor, [-1, channels]);
      return (changes, from) => {
        if (factors.shape[0] === 1) return tf.mul(changes, tf.reshape(factors, [channels]));
        const [, steps, ...features] = changes.shape as [number, number, ...number[]];
        const shape = [1, steps, ...features.map((_, axis) => (axis === features.length - 1 ? channels : 1))];
        return tf.mul(changes, tf.reshape(tf.slice(factors, [from, 0], [steps, channels]), shape));
      };
    },
    forward: (input, { training, lengths, repeat }): LayerOutput => {
      const [gamma, beta] = [scale.variable, shift.variable];
      if (!training) {
        return { output: batchNormInference(input, gamma, beta, mean.variable, variance.variable, EPSILON) };
      }
      const [batch, steps] = input.shape as [number, number];
      const mask = stepMask(lengths, batch, steps);
      const result =
        mask === undefined
          ? batchNorm(input, gamma, beta, { epsilon: EPSILON, perStep })
          : maskedBatchNorm(input, gamma, beta, mask, perStep);
      const seen = perStep ? stepsSeen(lengths, steps) : 1;
      const rows = (realSteps(lengths, batch, steps) * sizeOf(input.shape)) / (batch * steps * channels);
      const repeated = tf.mul(result.variance, repeatedVariance(rows, repeat));
      return {
        output: result.output,
        updates: averageUpdates([mean, variance], [result.mean, repeated], seen),
      };
    },
    fuse: (input, pass, [neurons, next], { filter, bias } = {}) => {
      const neuron = neurons?.neuron;
      const [batch, steps, height = 0, width = 0, ...others] = input.shape as [number, number, ...number[]];
      const masked = pass.training && stepMask(pass.lengths, batch, steps) !== undefined;
      if (neuron === undefined || others.length !== 1 || perStep || masked || !hasNormalisedLif())
        return undefined;
      const normalisation = {
        gamma: scale.variable,
        beta: shift.variable,
        // What a bias adds a batch's own statistics take away; from running averages it is subtracted beforehand.
        mean: bias === undefined || pass.training ? mean.variable : tf.sub(mean.variable, bias),
        variance: variance.variable,
        epsilon: EPSILON,
      };
      const options = { repeat: pass.repeat, pool: next?.pool, state: pass.state[neurons!.name] };
      const updates: BufferUpdate[] = [];
      let result: Pick<NormalisedLifResult, 'output' | 'state' | 'counts'>;
      if (pass.training) {
        const trained = normalisedLif(input, normalisation, neuron, { ...options, batchStatistics: true });
        const batchMean = bias === undefined ? trained.mean : tf.add(trained.mean, bias);
        updates.push(...averageUpdates([mean, variance], [batchMean, trained.variance], 1));
        result = trained;
      } else {
        result = convolvedLif(input, filter, normalisation, neuron, options);
      }
      const lengths = shownLengths(pass.lengths, pass.repeat);
      const activity = activityOfCounts(result.counts, height * width * channels, lengths);
      const layers = [
        { updates },
        { state: result.state, activity },
        ...(next?.pool === undefined ? [] : [{}]),
      ];
      return { output: result.output, layers, repeat: 1 };
    },
  };
}

/** Running averages after statistics [channels], or after the first `seen` of [steps, channels] one after the other. */
function averageUpdates(
  parameters: readonly Parameter[],
  statistics: readonly tf.Tensor[],
  seen: number,
): BufferUpdate[] {
  const averages = parameters.map(({ variable }) => variable);
  const values =
    seen === 1 && statistics.every(({ rank }) => rank === 1)
      ? runningAverages(
          averages.map((average, index) => ({ average, value: statistics[index]! })),
          MOMENTUM,
        )
      : averages.map((average, index) => averageOfSteps(average, statistics[index]!, seen));
  return parameters.map((parameter, index) => ({ parameter, value: values[index]! }));
}

function averageOfSteps(average: tf.Tensor, statistics: tf.Tensor, seen: number): tf.Tensor {
  const channels = average.shape[0]!;
  const rows = tf.slice(tf.reshape(statistics, [-1, channels]), [0, 0], [seen, channels]);
  const weights = Float32Array.from(
    { length: seen },
    (_, step) => MOMENTUM * (1 - MOMENTUM) ** (seen - 1 - step),
  );
  const taken = tf.sum(tf.mul(rows, tf.tensor2d(weights, [seen, 1])), 0);
  return tf.add(tf.mul(average, (1 - MOMENTUM) ** seen), taken);
}

/** Steps that are real in some sample: later ones have no statistics. */
function stepsSeen(lengths: ArrayLike<number> | undefined, steps: number): number {
  return lengths === undefined ? steps : Math.min(steps, Math.max(...Array.from(lengths)));
}

/**
 * Batch normalisation whose statistics leave padded steps out; they are normalised with the rest. In plain
 * operations, since batches of unequal lengths are rare.
 */
function maskedBatchNorm(
  input: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  mask: tf.Tensor2D,
  perStep: boolean,
): BatchNormResult {
  const channels = input.shape.at(-1)!;
  const { centred, mean, variance, count } = maskedMoments(input, mask, perStep);
  const normal = tf.mul(centred, tf.rsqrt(tf.add(variance, EPSILON)));
  const unbiased = tf.mul(variance, tf.div(count, tf.maximum(tf.sub(count, 1), 1)));
  return {
    output: tf.reshape(tf.add(tf.mul(normal, gamma), beta), input.shape),
    mean: tf.reshape(mean, [-1, channels]),
    variance: tf.reshape(unbiased, [-1, channels]),
  };
}

/** Mean and variance over a batch's real steps, [channels] or [steps, channels], with their gradients. */
function moments(
  input: tf.Tensor,
  lengths: ArrayLike<number> | undefined,
  perStep: boolean,
): Record<'mean' | 'variance', tf.Tensor> {
  const [batch, steps] = input.shape as [number, number];
  const mask = stepMask(lengths, batch, steps);
  const channels = input.shape.at(-1)!;
  const shape = perStep ? [steps, channels] : [channels];
  if (mask !== undefined) {
    const { mean, variance } = maskedMoments(input, mask, perStep);
    return { mean: tf.reshape(mean, shape), variance: tf.reshape(variance, shape) };
  }
  const [mean, variance] = tf.unstack(wholeMoments(input, shape, perStep));
  return { mean: mean!, variance: variance! };
}

/** Mean and variance of [batch, steps, …, channels], stacked. A gradient keeps no more than the input and these. */
function wholeMoments(input: tf.Tensor, shape: number[], perStep: boolean): tf.Tensor {
  const [, steps, ...features] = input.shape as [number, number, ...number[]];
  const channels = features.at(-1)!;
  const count = input.size / tf.util.sizeFromShape(shape);
  const along = [
    1,
    perStep ? steps : 1,
    ...features.map((_, axis) => (axis === features.length - 1 ? channels : 1)),
  ];
  return tf.customGrad((values, save) => {
    const x = values as tf.Tensor;
    const value = tf.tidy(() => {
      const [gamma, beta] = [tf.ones([channels]), tf.zeros([channels])];
      const { mean, variance } = batchNorm(x, gamma, beta, { epsilon: EPSILON, perStep });
      return tf.stack([mean, tf.mul(variance, Math.max(1, count - 1) / count)]);
    });
    (save as tf.GradSaveFunc)([x, value]);
    // d mean / dx = 1 / count, d variance / dx = 2 (x - mean) / count.
    const gradFunc = (gradient: tf.Tensor, [x, value]: tf.Tensor[]): tf.Tensor =>
      tf.tidy(() => {
        const [byMean, byVariance] = tf.unstack(tf.div(gradient, count));
        const factor = tf.mul(byVariance!, 2);
        const offset = tf.sub(byMean!, tf.mul(factor, tf.unstack(value!)[0]!));
        return tf.add(tf.mul(x!, tf.reshape(factor, along)), tf.reshape(offset, along));
      });
    return { value, gradFunc };
  })(input);
}

/** Mean and variance over real steps, of [batch, steps, maps, channels] with the axes kept, and what they are of. */
function maskedMoments(
  input: tf.Tensor,
  mask: tf.Tensor2D,
  perStep: boolean,
): Record<'centred' | 'mean' | 'variance' | 'count', tf.Tensor> {
  const [batch, steps, ...rest] = input.shape as [number, number, ...number[]];
  const maps = tf.reshape(input, [batch, steps, -1, rest.at(-1)!]);
  const weights = tf.reshape(mask, [batch, steps, 1, 1]);
  const axes = perStep ? [0, 2] : [0, 1, 2];
  const count = tf.maximum(tf.mul(tf.sum(weights, axes, true), maps.shape[2]!), 1);
  const average = (values: tf.Tensor): tf.Tensor =>
    tf.div(tf.sum(tf.mul(values, weights), axes, true), count);
  const mean = average(maps);
  const centred = tf.sub(maps, mean);
  return { centred, mean, variance: average(tf.square(centred)), count };
}
