/**
 * The convolutional networks of the Lyapunov notebook. Blocks of convolutions - batch normalisation - LIF end with an
 * average pool; then perhaps a hidden layer of LIF neurons; and a linear readout of the spikes summed over the steps
 * (of pooled spikes, where there is no hidden layer).
 *
 * A step's output is what the readout would be if every step were like it, so that the mean over a sample's steps is
 * the readout of the sum, and a window of a stream has logits of the same size.
 */

import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { OptionError } from '../../errors.ts';
import { type BatchStatistics, batchStatistics, createBatchNorm } from '../layers/batch-norm.ts';
import { createConvolution } from '../layers/convolution.ts';
import { createDropout } from '../layers/dropout.ts';
import { createFlatten } from '../layers/flatten.ts';
import { forwardThrough, type Layer, statelessLayer } from '../layers/layer.ts';
import { createLifLayer, lifSchema } from '../layers/lif-layer.ts';
import { createLinear } from '../layers/linear.ts';
import { normalValues, uniformValues } from '../layers/parameter.ts';
import { createPool } from '../layers/pooling.ts';
import type { Network } from '../network.ts';
import { networkOf } from '../network-body.ts';
import { type FixedLif, leaky } from '../neurons.ts';
import { fastSigmoid } from '../surrogates.ts';

/** A network of the Lyapunov notebook as plain JSON. */
export interface LyapunovNetConfig {
  kind: 'lyapunov-net';
  input: { height: number; width: number; channels: number };
  classes: number;
  /** Feature maps of each convolution, block by block; a block ends with a pool that halves the maps. */
  blocks: number[][];
  /** Neurons of the hidden layer; null for none. */
  hidden: number | null;
  /** Steps of a sample, over which spikes are summed. */
  steps: number;
  /** Share of the summed spikes that training drops. */
  dropout: number;
  neuron: FixedLif;
  batchNorm: BatchStatistics;
}

/** The notebook's networks: `simple` is its ConvLyapunovSNN, `vgg` its VGGLyapunovSNN. */
export type LyapunovModel = 'simple' | 'vgg';

const models: Readonly<Record<LyapunovModel, Pick<LyapunovNetConfig, 'blocks' | 'hidden' | 'dropout'>>> = {
  simple: { blocks: [[64], [128], [256]], hidden: null, dropout: 0.2 },
  vgg: {
    blocks: [
      [64, 64],
      [128, 128],
      [256, 256],
    ],
    hidden: 512,
    dropout: 0.3,
  },
};

/** A configuration of the notebook but for the options given: CIFAR-10 images, 25 steps. */
export function lyapunovNetConfig(
  model: LyapunovModel,
  options: Partial<LyapunovNetConfig> = {},
): LyapunovNetConfig {
  return {
    kind: 'lyapunov-net',
    input: { height: 32, width: 32, channels: 3 },
    classes: 10,
    steps: 25,
    ...models[model],
    neuron: leaky({ beta: 0.9, surrogate: fastSigmoid(25) }),
    batchNorm: 'joint',
    ...options,
  };
}

const size = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65536));
const list = <T extends v.GenericSchema>(item: T) => v.pipe(v.array(item), v.minLength(1), v.maxLength(8));

/** The schema of a network of the Lyapunov notebook in a checkpoint. */
export const lyapunovNetSchema: v.GenericSchema<unknown, LyapunovNetConfig> = v.strictObject({
  kind: v.literal('lyapunov-net'),
  input: v.strictObject({ height: size, width: size, channels: size }),
  classes: size,
  blocks: list(list(size)),
  hidden: v.nullable(size),
  steps: size,
  dropout: v.pipe(v.number(), v.minValue(0), v.ltValue(1)),
  neuron: lifSchema,
  batchNorm: v.picklist(batchStatistics),
});

/**
 * A network with fresh parameters: Kaiming normal (fan out) convolutions, Xavier uniform linear layers, zero biases.
 * @param createNeurons makes the spiking layers
 */
export function createLyapunovNet(
  config: LyapunovNetConfig,
  seed: number,
  createNeurons: typeof createLifLayer = createLifLayer,
): Network {
  const { input, classes, blocks, hidden, steps, dropout, neuron, batchNorm } = config;
  const shrink = 2 ** blocks.length;
  const pixels = Math.floor(input.height / shrink) * Math.floor(input.width / shrink);
  if (pixels === 0) {
    throw new OptionError(
      `lyapunov-net: ${blocks.length} blocks halve the input each, which needs ${shrink} pixels, found ${input.height}x${input.width}`,
    );
  }
  const layers: Layer[] = [];
  let inputs = input.channels;
  for (const [block, channels] of blocks.entries()) {
    for (const [index, outputs] of channels.entries()) {
      const name = channels.length === 1 ? `${block + 1}` : `${block + 1}.${index + 1}`;
      layers.push(
        kaimingConvolution(`convolution${name}`, { inputs, outputs }, seed),
        createBatchNorm(`norm${name}`, { channels: outputs, statistics: batchNorm }),
        createNeurons(`lif${name}`, neuron),
      );
      inputs = outputs;
    }
    layers.push(createPool(`pool${block + 1}`, 'average', 2));
  }
  layers.push(createFlatten('flatten'));
  inputs *= pixels;
  if (hidden !== null) {
    layers.push(
      xavierLinear('hidden', { inputs, outputs: hidden }, seed),
      createNeurons('hidden.lif', neuron),
    );
    inputs = hidden;
  }
  layers.push(
    statelessLayer('sum', [], (spikes) => tf.mul(spikes, steps)),
    createDropout('dropout', dropout),
    xavierLinear('readout', { inputs, outputs: classes }, seed),
  );
  return networkOf(config, {
    name: 'lyapunov-net',
    windowBins: 1,
    parameters: layers.flatMap(({ parameters }) => parameters),
    layerNames: layers.filter((layer) => layer.neuron !== undefined).map(({ name }) => name),
    forward: (sequence, pass, collected) => ({
      output: forwardThrough(layers, sequence, pass, collected),
      auxiliary: [],
    }),
  });
}

interface Sizes {
  readonly inputs: number;
  readonly outputs: number;
}

function kaimingConvolution(name: string, sizes: Sizes, seed: number): Layer {
  const layer = createConvolution(name, { ...sizes, bias: false }, seed);
  const deviation = Math.sqrt(2 / (9 * sizes.outputs));
  return initialised(layer, (shape, parameter) => normalValues(shape, deviation, seed, parameter));
}

function xavierLinear(name: string, sizes: Sizes, seed: number): Layer {
  const bound = Math.sqrt(6 / (sizes.inputs + sizes.outputs));
  return initialised(createLinear(name, sizes, seed), (shape, parameter) =>
    shape.length === 1 ? new Float32Array(shape[0]!) : uniformValues(shape, bound, seed, parameter),
  );
}

/** The layer with other initial values. */
function initialised(layer: Layer, values: (shape: readonly number[], name: string) => Float32Array): Layer {
  for (const { name, variable } of layer.parameters) {
    tf.tidy(() => variable.assign(tf.tensor(values(variable.shape, name), variable.shape)));
  }
  return layer;
}
