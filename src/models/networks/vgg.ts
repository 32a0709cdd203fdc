/**
 * SNN-VGG and ANN-VGG: blocks of convolutions - batch normalisation - neurons, an average pool after each block, then
 * a hidden layer of neurons and a linear readout whose logits are averaged over the steps. With `relu` in place of
 * LIF neurons it is the ANN that the SNN is compared with.
 */

import * as v from 'valibot';
import { OptionError } from '../../errors.ts';
import { type BatchStatistics, batchStatistics, createBatchNorm } from '../layers/batch-norm.ts';
import { createConvolution } from '../layers/convolution.ts';
import { createFlatten } from '../layers/flatten.ts';
import { forwardThrough, type Layer } from '../layers/layer.ts';
import { createLifLayer, lifSchema } from '../layers/lif-layer.ts';
import { createLinear } from '../layers/linear.ts';
import { createPool } from '../layers/pooling.ts';
import { createRelu } from '../layers/relu.ts';
import type { Network } from '../network.ts';
import { networkOf } from '../network-body.ts';
import { type FixedLif, lifNode } from '../neurons.ts';
import { atan } from '../surrogates.ts';

/** A VGG as plain JSON. */
export interface VggConfig {
  kind: 'vgg';
  input: { height: number; width: number; channels: number };
  classes: number;
  /** Feature maps of each convolution, block by block; a block ends with a pool that halves the maps. */
  blocks: number[][];
  /** Neurons of the hidden layer. */
  hidden: number;
  neuron: FixedLif | 'relu';
  batchNorm: BatchStatistics;
}

/**
 * The network of the reference notebook but for the options given: 64-64-A-128-128-A-256-256-A convolutions, then
 * 4096-512-10, with SpikingJelly's LIF without decayed input, reset by subtraction: 3,249,994 parameters.
 */
export function vggConfig(options: Partial<VggConfig> = {}): VggConfig {
  return {
    kind: 'vgg',
    input: { height: 32, width: 32, channels: 3 },
    classes: 10,
    blocks: [
      [64, 64],
      [128, 128],
      [256, 256],
    ],
    hidden: 512,
    neuron: lifNode({ tau: 2, decayInput: false, resetPotential: null, surrogate: atan(2) }),
    batchNorm: 'joint',
    ...options,
  };
}

const size = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4096));
const list = <T extends v.GenericSchema>(item: T) => v.pipe(v.array(item), v.minLength(1), v.maxLength(8));

/** The schema of a VGG in a checkpoint. */
export const vggSchema: v.GenericSchema<unknown, VggConfig> = v.strictObject({
  kind: v.literal('vgg'),
  input: v.strictObject({ height: size, width: size, channels: size }),
  classes: size,
  blocks: list(list(size)),
  hidden: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65536)),
  neuron: v.union([lifSchema, v.literal('relu')]),
  batchNorm: v.picklist(batchStatistics),
});

/**
 * A VGG with fresh parameters.
 * @param createNeurons makes the spiking layers
 */
export function createVgg(
  config: VggConfig,
  seed: number,
  createNeurons: typeof createLifLayer = createLifLayer,
): Network {
  const { input, classes, blocks, hidden, neuron, batchNorm } = config;
  const shrink = 2 ** blocks.length;
  const pixels = Math.floor(input.height / shrink) * Math.floor(input.width / shrink);
  if (pixels === 0) {
    throw new OptionError(
      `vgg: ${blocks.length} blocks halve the input each, which needs ${shrink} pixels, found ${input.height}x${input.width}`,
    );
  }
  const neurons = (name: string): Layer =>
    neuron === 'relu' ? createRelu(name) : createNeurons(name, neuron);
  const layers: Layer[] = [];
  let inputs = input.channels;
  for (const [block, channels] of blocks.entries()) {
    for (const [index, outputs] of channels.entries()) {
      const name = `${block + 1}.${index + 1}`;
      layers.push(
        createConvolution(`convolution${name}`, { inputs, outputs }, seed),
        createBatchNorm(`norm${name}`, { channels: outputs, statistics: batchNorm }),
        neurons(`neurons${name}`),
      );
      inputs = outputs;
    }
    layers.push(createPool(`pool${block + 1}`, 'average', 2));
  }
  layers.push(
    createFlatten('flatten'),
    createLinear('hidden', { inputs: pixels * inputs, outputs: hidden }, seed),
    neurons('hidden.neurons'),
    createLinear('readout', { inputs: hidden, outputs: classes }, seed),
  );
  return networkOf(config, {
    name: 'vgg',
    windowBins: 1,
    parameters: layers.flatMap(({ parameters }) => parameters),
    layerNames: layers.filter((layer) => layer.neuron !== undefined).map(({ name }) => name),
    forward: (sequence, pass, collected) => ({
      output: forwardThrough(layers, sequence, pass, collected),
      auxiliary: [],
    }),
  });
}
