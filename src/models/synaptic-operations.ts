/**
 * Synaptic operations, counted exactly: one for every input that is not zero and every weight that is not zero and
 * meets it, padding counting nothing. Where all inputs of a layer are 0, 1 or -1 they are accumulates (ACs), else
 * multiply-accumulates (MACs): the effective operations of NeuroBench (Yik et al., "The NeuroBench framework", 2025).
 * Biases, normalisation (which folds into the weights), pools and the neurons' own updates are not counted.
 *
 * The sum over all outputs of a layer with binarised inputs and weights is a layer with one output, whose weight is
 * the number of outputs that each connection reaches. So a count costs what a layer of one output costs.
 */

import * as tf from '@tensorflow/tfjs-core';
import type { Layer, Pass, Synapses } from './layers/layer.ts';
import { realSteps, stepMask } from './layers/step-mask.ts';
import type { Network } from './network.ts';

/** The operations of one layer in all samples that were counted. */
export interface LayerOperations {
  readonly layer: string;
  /** Whether all its inputs were 0, 1 or -1: then it accumulates, without a product. */
  readonly binary: boolean;
  /** Pairs of an input and a weight that are both not zero. */
  readonly effective: number;
  /** All pairs of an input and a weight, but for those with padding. */
  readonly dense: number;
}

/** Output of one layer of neurons, in all samples that were counted. */
export interface LayerSparsity {
  readonly layer: string;
  /** Whether all its outputs were 0, 1 or -1. */
  readonly binary: boolean;
  readonly zeros: number;
  readonly outputs: number;
}

/** What a network took for its samples, and what it is. NeuroBench's measures; operations are means of a sample. */
export interface NetworkOperations {
  readonly samples: number;
  readonly layers: readonly LayerOperations[];
  readonly activity: readonly LayerSparsity[];
  readonly effectiveAcs: number;
  readonly effectiveMacs: number;
  readonly dense: number;
  /** Bytes of parameters and running statistics. */
  readonly footprintBytes: number;
  /** Share of weights that are zero. */
  readonly connectionSparsity: number;
  /** Share of the neurons' outputs that are zero. */
  readonly activationSparsity: number;
}

/** What one call of a layer gave, still on the engine. */
interface PendingCount {
  readonly layer: string;
  /** Each element a whole number below 2^24, which float32 holds exactly. */
  readonly effective: tf.Tensor;
  readonly dense: tf.Tensor;
  /** How many inputs are neither 0 nor 1 nor -1. */
  readonly graded: tf.Tensor;
  readonly other: number;
  readonly weights: { readonly zeros: tf.Tensor; readonly size: number };
}

/** What one call of a layer of neurons gave, still on the engine. */
interface PendingZeros {
  readonly layer: string;
  readonly zeros: tf.Tensor;
  /** How many outputs are neither 0 nor 1 nor -1. */
  readonly graded: tf.Tensor;
  readonly outputs: number;
}

/** Counts the operations of what a network is given, as its probe; `collect` after every call. */
export class OperationCounter {
  readonly #layers = new Map<string, { -readonly [K in keyof LayerOperations]: LayerOperations[K] }>();
  readonly #activity = new Map<string, { -readonly [K in keyof LayerSparsity]: LayerSparsity[K] }>();
  readonly #weights = new Map<string, { zeros: number; size: number }>();
  readonly #pending: PendingCount[] = [];
  readonly #pendingZeros: PendingZeros[] = [];
  #samples = 0;

  /** Goes into the options of `Network.forward`. */
  readonly probe: NonNullable<Pass['probe']> = (name, output, { layer, input, pass, active }) => {
    const { lengths } = pass;
    if (layer.synapses !== undefined) this.#pending.push(countLayer(layer, layer.synapses, input, lengths));
    if (active) this.#pendingZeros.push(countZeros(name, output, lengths));
  };

  /** Takes in what the probe saw in a call with so many samples. */
  async collect(samples: number): Promise<void> {
    this.#samples += samples;
    for (const { layer, effective, dense, graded, other, weights } of this.#pending.splice(0)) {
      const counts = this.#layers.get(layer) ?? { layer, binary: true, effective: 0, dense: 0 };
      counts.effective += wholeSum(await effective.data()) + other;
      counts.dense += wholeSum(await dense.data()) + other;
      counts.binary &&= wholeSum(await graded.data()) === 0 && other === 0;
      this.#layers.set(layer, counts);
      this.#weights.set(layer, { zeros: wholeSum(await weights.zeros.data()), size: weights.size });
      tf.dispose([effective, dense, graded, weights.zeros]);
    }
    for (const { layer, zeros, graded, outputs } of this.#pendingZeros.splice(0)) {
      const counts = this.#activity.get(layer) ?? { layer, binary: true, zeros: 0, outputs: 0 };
      counts.zeros += wholeSum(await zeros.data());
      counts.outputs += outputs;
      counts.binary &&= wholeSum(await graded.data()) === 0;
      this.#activity.set(layer, counts);
      tf.dispose([zeros, graded]);
    }
  }

  /** What was counted so far, for the network that was counted. */
  result({ parameters }: Pick<Network, 'parameters'>): NetworkOperations {
    const layers = [...this.#layers.values()].map((counts) => ({ ...counts }));
    const activity = [...this.#activity.values()].map((counts) => ({ ...counts }));
    const perSample = (chosen: readonly LayerOperations[], what: 'effective' | 'dense'): number =>
      sumOf(chosen, (layer) => layer[what]) / Math.max(this.#samples, 1);
    const weights = [...this.#weights.values()];
    return {
      samples: this.#samples,
      layers,
      activity,
      effectiveAcs: perSample(
        layers.filter(({ binary }) => binary),
        'effective',
      ),
      effectiveMacs: perSample(
        layers.filter(({ binary }) => !binary),
        'effective',
      ),
      dense: perSample(layers, 'dense'),
      footprintBytes: sumOf(parameters, ({ variable }) => 4 * variable.size),
      connectionSparsity: share(
        sumOf(weights, ({ zeros }) => zeros),
        sumOf(weights, ({ size }) => size),
      ),
      activationSparsity: share(
        sumOf(activity, ({ zeros }) => zeros),
        sumOf(activity, ({ outputs }) => outputs),
      ),
    };
  }
}

/**
 * The operations of one layer for an input [batch, steps, …features].
 * @param lengths real steps of each sample; what is padding counts nothing
 */
export async function countOperations(
  layer: Layer,
  input: tf.Tensor,
  lengths?: ArrayLike<number>,
): Promise<LayerOperations | undefined> {
  const counter = new OperationCounter();
  const pass: Pass = { training: false, seed: 0, step: 0, repeat: 1, state: {}, lengths };
  counter.probe(layer.name, input, { layer, input, pass, potentials: undefined, active: false });
  await counter.collect(input.shape[0]!);
  return counter.result({ parameters: [] }).layers[0];
}

function countLayer(
  { name }: Layer,
  { weight, apply, otherProducts }: Synapses,
  input: tf.Tensor,
  lengths: ArrayLike<number> | undefined,
): PendingCount {
  const [batch, steps] = input.shape as [number, number];
  const tensors = tf.tidy(() => {
    const real = realMask(input, lengths);
    const present = indicator(tf.notEqual(input, 0));
    const seen = real === undefined ? present : tf.mul(present, real);
    const weights = weight();
    const connected = indicator(tf.notEqual(weights, 0));
    const all = real === undefined ? tf.onesLike(input) : tf.mul(tf.onesLike(input), real);
    return {
      effective: tf.keep(apply(seen, tf.sum(connected, -1, true))),
      dense: tf.keep(apply(all, tf.sum(tf.onesLike(weights), -1, true))),
      graded: tf.keep(tf.sum(tf.mul(gradedValues(input), seen))),
      zeros: tf.keep(tf.sum(tf.sub(1, connected))),
      size: weights.size,
    };
  });
  const { zeros, size, ...counts } = tensors;
  const other = otherProducts?.(realSteps(lengths, batch, steps)) ?? 0;
  return { layer: name, ...counts, other, weights: { zeros, size } };
}

function countZeros(layer: string, output: tf.Tensor, lengths: ArrayLike<number> | undefined): PendingZeros {
  const [batch, steps] = output.shape as [number, number];
  const tensors = tf.tidy(() => {
    const real = realMask(output, lengths);
    const zero = indicator(tf.equal(output, 0));
    const counted = real === undefined ? zero : tf.mul(zero, real);
    return {
      zeros: tf.keep(tf.sum(tf.reshape(counted, [batch * steps, -1]), 1)),
      graded: tf.keep(tf.sum(gradedValues(output))),
    };
  });
  const size = output.size / (batch * steps);
  return { layer, ...tensors, outputs: size * realSteps(lengths, batch, steps) };
}

/** 1 where a value is neither 0 nor 1 nor -1. */
function gradedValues(values: tf.Tensor): tf.Tensor {
  return indicator(tf.notEqual(tf.abs(values), indicator(tf.notEqual(values, 0))));
}

/** 1 for real steps and 0 for padding, to be multiplied with a sequence; undefined where all are real. */
function realMask(sequence: tf.Tensor, lengths: ArrayLike<number> | undefined): tf.Tensor | undefined {
  const [batch, steps, ...features] = sequence.shape as [number, number, ...number[]];
  const mask = stepMask(lengths, batch, steps);
  return mask && tf.reshape(mask, [batch, steps, ...features.map(() => 1)]);
}

function indicator(condition: tf.Tensor): tf.Tensor {
  return tf.cast(condition, 'float32');
}

/** In double precision, each number rounded first: engines whose convolutions transform may be a little off. */
function wholeSum(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.round(values[i]!);
  return sum;
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}

function share(part: number, whole: number): number {
  return part / Math.max(whole, 1);
}
