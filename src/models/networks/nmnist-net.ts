/**
 * A small convolutional spiking network for N-MNIST: two times convolution - batch normalisation - LIF - average
 * pool, dropout, and a linear readout whose logits are averaged over the bins. Every layer runs at the same
 * timesteps, so a window is one bin.
 */

import * as v from 'valibot';
import { OptionError } from '../../errors.ts';
import { type BatchStatistics, batchStatistics, createBatchNorm } from '../layers/batch-norm.ts';
import { createConvolution } from '../layers/convolution.ts';
import { createDropout } from '../layers/dropout.ts';
import { createFlatten } from '../layers/flatten.ts';
import { forwardThrough, type Layer } from '../layers/layer.ts';
import { createLifLayer, lifSchema } from '../layers/lif-layer.ts';
import { createLinear } from '../layers/linear.ts';
import { createPool } from '../layers/pooling.ts';
import type { Network } from '../network.ts';
import { networkOf } from '../network-body.ts';
import { type FixedLif, leaky } from '../neurons.ts';

/** A network for N-MNIST as plain JSON. */
export interface NmnistNetConfig {
  kind: 'nmnist-net';
  input: { height: number; width: number; channels: number };
  classes: number;
  /** Feature maps of each convolution. */
  channels: number[];
  /** Share of the features before the readout that training drops. */
  dropout: number;
  neuron: FixedLif;
  batchNorm: BatchStatistics;
}

/** The default configuration but for the options given: 34x34 pixels, two polarities, ten classes. */
export function nmnistNetConfig(options: Partial<NmnistNetConfig> = {}): NmnistNetConfig {
  return {
    kind: 'nmnist-net',
    input: { height: 34, width: 34, channels: 2 },
    classes: 10,
    channels: [8, 24],
    dropout: 0.3,
    neuron: leaky({ beta: 0.9 }),
    batchNorm: 'joint',
    ...options,
  };
}

const size = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4096));

/** The schema of a network for N-MNIST in a checkpoint. */
export const nmnistNetSchema: v.GenericSchema<unknown, NmnistNetConfig> = v.strictObject({
  kind: v.literal('nmnist-net'),
  input: v.strictObject({ height: size, width: size, channels: size }),
  classes: size,
  channels: v.pipe(v.array(size), v.minLength(1), v.maxLength(8)),
  dropout: v.pipe(v.number(), v.minValue(0), v.ltValue(1)),
  neuron: lifSchema,
  batchNorm: v.picklist(batchStatistics),
});

/**
 * A network for N-MNIST with fresh parameters.
 * @param createNeurons makes the spiking layers
 */
export function createNmnistNet(
  config: NmnistNetConfig,
  seed: number,
  createNeurons: typeof createLifLayer = createLifLayer,
): Network {
  const { input, classes, channels, dropout, neuron, batchNorm } = config;
  const shrink = 2 ** channels.length;
  const pixels = Math.floor(input.height / shrink) * Math.floor(input.width / shrink);
  if (pixels === 0) {
    throw new OptionError(
      `nmnist-net: ${channels.length} pools need ${shrink} pixels, found ${input.height}x${input.width}`,
    );
  }
  const convolutions = channels.flatMap((outputs, index): Layer[] => {
    const inputs = channels[index - 1] ?? input.channels;
    const number = index + 1;
    return [
      createConvolution(`convolution${number}`, { inputs, outputs, bias: false }, seed),
      createBatchNorm(`norm${number}`, { channels: outputs, statistics: batchNorm }),
      createNeurons(`lif${number}`, neuron),
      createPool(`pool${number}`, 'average', 2),
    ];
  });
  const layers: Layer[] = [
    ...convolutions,
    createFlatten('flatten'),
    createDropout('dropout', dropout),
    createLinear('readout', { inputs: pixels * channels.at(-1)!, outputs: classes }, seed),
  ];
  return networkOf(config, {
    name: 'nmnist-net',
    windowBins: 1,
    parameters: layers.flatMap(({ parameters }) => parameters),
    layerNames: channels.map((_, index) => `lif${index + 1}`),
    forward: (sequence, pass, collected) => ({
      output: forwardThrough(layers, sequence, pass, collected),
      auxiliary: [],
    }),
  });
}
