/**
 * A fully connected spiking network that learns by direct feedback alignment or by backpropagation through time: layers
 * of LIF neurons, each with a fixed random matrix that brings it the error of the output (Nokland 2016; Lee et al.
 * 2020), and an output layer whose logits are the mean of its outputs over the steps.
 */

import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { createFlatten } from '../layers/flatten.ts';
import { forwardThrough, type Layer, type Parameter } from '../layers/layer.ts';
import { type LocalLayer, layersOf } from '../layers/local-layer.ts';
import { type LocalNeuron, localNeuronSchema, localNeurons } from '../layers/local-neurons.ts';
import { constantValues, createParameter, normalValues, uniformValues } from '../layers/parameter.ts';
import type { Network } from '../network.ts';
import { networkOf } from '../network-body.ts';
import { leaky } from '../neurons.ts';
import { fastSigmoid } from '../surrogates.ts';

/** Initial weights: normal, their deviation times the square root of the inputs being `gain`, or Xavier uniform. */
export type InitialWeights = { kind: 'normal'; gain: number } | { kind: 'xavier' };

/** One layer as plain JSON. */
export interface DfaLayerConfig {
  neuron: LocalNeuron;
  weights: InitialWeights;
  /** Initial value of all biases. */
  bias: number;
}

/** A network as plain JSON. */
export interface DfaNetConfig {
  kind: 'dfa-net';
  input: { height: number; width: number; channels: number };
  classes: number;
  /** Hidden layers, first to last. */
  hidden: (DfaLayerConfig & { units: number })[];
  output: DfaLayerConfig;
  /**
   * Logits are the outputs' mean, or, of an output layer that spikes, each output's share of all spikes divided by a
   * temperature.
   */
  logits: { kind: 'mean' } | { kind: 'share'; temperature: number };
  /** Deviation of the feedback weights; null for a network that only learns by backpropagation. */
  feedback: number | null;
}

/** Options of a network with leaky neurons; of a list, the last value serves all further layers. */
export interface LeakyDfaNetOptions {
  /** Neurons of the hidden layers. */
  readonly units?: readonly number[];
  /** By hidden layer. */
  readonly thresholds?: readonly number[];
  /** Initial biases, by layer, the output last. */
  readonly biases?: readonly number[];
  /** Deviation of a hidden layer's initial weights, in units of its threshold / sqrt(inputs). */
  readonly gains?: readonly number[];
  /** Share of a hidden potential, and of the readout's, that a step leaves. */
  readonly decay?: number;
  readonly readoutDecay?: number;
  /** Of the fast sigmoid, in units of 1 / threshold. */
  readonly slope?: number;
  /** Deviation of the feedback weights; null for none. */
  readonly feedback?: number | null;
}

const UNITS: readonly number[] = [1000, 250, 100];
/** Give spike rates near 0.1 in each layer on MNIST digits that are encoded at a maximum rate of 0.8. */
const GAINS: readonly number[] = [1.3, 1.75, 1.75];
const FEEDBACK = 0.0338;
const MNIST = { input: { height: 28, width: 28, channels: 1 }, classes: 10 } as const;

/**
 * 784-1000-250-100-10 that learns: leaky neurons with initial weights in proportion to their thresholds, and a readout
 * that does not spike and begins at zero.
 */
export function leakyDfaNetConfig({
  units = UNITS,
  thresholds = [1],
  biases = [0],
  gains = GAINS,
  decay = 0.9,
  readoutDecay = 0.9,
  slope = 10,
  feedback = FEEDBACK,
}: LeakyDfaNetOptions = {}): DfaNetConfig {
  return {
    kind: 'dfa-net',
    ...MNIST,
    hidden: units.map((count, index) => {
      const threshold = ofLayer(thresholds, index);
      const surrogate = fastSigmoid(slope / threshold);
      return {
        units: count,
        neuron: { kind: 'lif', neuron: leaky({ beta: decay, threshold, surrogate }) },
        weights: { kind: 'normal', gain: ofLayer(gains, index) * threshold },
        bias: ofLayer(biases, index),
      };
    }),
    output: {
      neuron: { kind: 'readout', decay: readoutDecay },
      weights: { kind: 'normal', gain: 0 },
      bias: ofLayer(biases, units.length),
    },
    logits: { kind: 'mean' },
    feedback,
  };
}

/** Options of a network with refractory neurons; times in milliseconds, lists by layer with the output last. */
export interface RefractoryDfaNetOptions {
  readonly units?: readonly number[];
  readonly thresholds?: readonly number[];
  readonly biases?: readonly number[];
  readonly tau?: number;
  readonly timestep?: number;
  readonly refractory?: number;
  /** Divides each output's share of the spikes. */
  readonly temperature?: number;
  /** Of the fast sigmoid. */
  readonly slope?: number;
  readonly feedback?: number | null;
}

/**
 * The network exactly as the reference notebook has it: Xavier weights, thresholds far below the potentials that the
 * biases alone lead to, and an output layer that spikes.
 */
export function refractoryDfaNetConfig({
  units = UNITS,
  thresholds = [0.05, 0.02, 0.01, 0.15],
  biases = [0.5, 0.5, 0.5, 1],
  tau = 20,
  timestep = 0.25,
  refractory = 1,
  temperature = 0.5,
  slope = 10,
  feedback = FEEDBACK,
}: RefractoryDfaNetOptions = {}): DfaNetConfig {
  const layer = (index: number): DfaLayerConfig => ({
    neuron: {
      kind: 'refractory',
      decay: 1 - timestep / tau,
      threshold: ofLayer(thresholds, index),
      refractorySteps: Math.round(refractory / timestep),
      refractoryForm: 'mask',
      surrogate: fastSigmoid(slope),
    },
    weights: { kind: 'xavier' },
    bias: ofLayer(biases, index),
  });
  return {
    kind: 'dfa-net',
    ...MNIST,
    hidden: units.map((count, index) => ({ units: count, ...layer(index) })),
    output: layer(units.length),
    logits: { kind: 'share', temperature },
    feedback,
  };
}

function ofLayer(values: readonly number[], index: number): number {
  return values[index] ?? values.at(-1)!;
}

const size = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65536));
const finite = v.pipe(v.number(), v.finite());
const layer = {
  neuron: localNeuronSchema,
  weights: v.variant('kind', [
    v.strictObject({ kind: v.literal('normal'), gain: v.pipe(finite, v.minValue(0)) }),
    v.strictObject({ kind: v.literal('xavier') }),
  ]),
  bias: finite,
};

/** The schema of a network in a checkpoint. */
export const dfaNetSchema: v.GenericSchema<unknown, DfaNetConfig> = v.strictObject({
  kind: v.literal('dfa-net'),
  input: v.strictObject({ height: size, width: size, channels: size }),
  classes: size,
  hidden: v.pipe(v.array(v.strictObject({ units: size, ...layer })), v.maxLength(16)),
  output: v.strictObject(layer),
  logits: v.variant('kind', [
    v.strictObject({ kind: v.literal('mean') }),
    v.strictObject({ kind: v.literal('share'), temperature: v.pipe(finite, v.gtValue(0)) }),
  ]),
  feedback: v.nullable(v.pipe(finite, v.gtValue(0))),
});

/** A network whose layers a local rule can train. */
export interface DfaNet extends Network {
  readonly config: DfaNetConfig;
  readonly localLayers: readonly LocalLayer[];
}

/** A network with fresh parameters. */
export function createDfaNet(config: DfaNetConfig, seed: number): DfaNet {
  const { input, classes, hidden, output, feedback } = config;
  const all = [
    ...hidden.map((own, index) => ({ ...own, name: `hidden${index + 1}`, feedback })),
    { ...output, name: 'output', units: classes, feedback: null },
  ];
  let inputs = input.height * input.width * input.channels;
  const localLayers = all.map(({ units, ...own }): LocalLayer => {
    const created = createLocalLayer(own, { inputs, units, classes }, seed);
    inputs = units;
    return created;
  });
  const layers: Layer[] = [createFlatten('flatten'), ...localLayers.flatMap(layersOf)];
  const network = networkOf(config, {
    name: 'dfa-net',
    windowBins: 1,
    parameters: localLayers.flatMap(parametersOf),
    layerNames: localLayers.filter(({ neurons }) => neurons.spiking).map(({ name }) => name),
    forward: (sequence, pass, collected) => ({
      output: forwardThrough(layers, sequence, pass, collected),
      auxiliary: [],
    }),
  });
  const { logits } = config;
  return {
    ...network,
    config,
    localLayers,
    ...(logits.kind === 'share' && {
      logitsOf: (mean: tf.Tensor2D) => shareLogits(mean, logits.temperature),
    }),
  };
}

function createLocalLayer(
  { name, neuron, weights, bias, feedback }: DfaLayerConfig & { name: string; feedback: number | null },
  { inputs, units, classes }: { readonly inputs: number; readonly units: number; readonly classes: number },
  seed: number,
): LocalLayer {
  const shape = [inputs, units];
  const weightName = `${name}.weight`;
  const initial =
    weights.kind === 'xavier'
      ? uniformValues(shape, Math.sqrt(6 / (inputs + units)), seed, weightName)
      : normalValues(shape, weights.gain / Math.sqrt(inputs), seed, weightName);
  const layer = {
    name,
    weight: createParameter(weightName, shape, initial),
    bias: createParameter(`${name}.bias`, [units], constantValues([units], bias)),
    neurons: localNeurons(neuron),
  };
  if (feedback === null) return layer;
  const feedbackName = `${name}.feedback`;
  const values = normalValues([classes, units], feedback, seed, feedbackName);
  return { ...layer, feedback: { ...createParameter(feedbackName, [classes, units], values), ...fixed } };
}

/** Saved with the network, never trained. */
const fixed = { trainable: false, decay: false } as const;

function parametersOf({ weight, bias, feedback }: LocalLayer): Parameter[] {
  return feedback === undefined ? [weight, bias] : [weight, bias, feedback];
}

/** Each output's share of a sample's spikes over a temperature, from rates [batch, classes]. */
function shareLogits(rates: tf.Tensor2D, temperature: number): tf.Tensor2D {
  const total = tf.add(tf.sum(rates, 1, true), 1e-9);
  return tf.div(rates, tf.mul(total, temperature));
}
