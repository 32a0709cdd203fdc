/**
 * The small convolutional network in which surrogate gradients are compared: convolution - LIF - max-pool for each
 * number of feature maps, a hidden layer of LIF neurons, and a linear readout whose logits are averaged over the steps.
 * No normalisation.
 */

import * as v from 'valibot';
import { OptionError } from '../../errors.ts';
import { createConvolution } from '../layers/convolution.ts';
import { createFlatten } from '../layers/flatten.ts';
import { forwardThrough, type Layer } from '../layers/layer.ts';
import { createLifLayer, lifSchema } from '../layers/lif-layer.ts';
import { createLinear } from '../layers/linear.ts';
import { createPool } from '../layers/pooling.ts';
import type { Network } from '../network.ts';
import { networkOf } from '../network-body.ts';
import { type FixedLif, lifNode } from '../neurons.ts';
import { superSpike } from '../surrogates.ts';

/** A CSNN as plain JSON. */
export interface CsnnConfig {
  kind: 'csnn';
  input: { height: number; width: number; channels: number };
  classes: number;
  /** Feature maps of each convolution. */
  channels: number[];
  /** Neurons of the hidden layer. */
  hidden: number;
  neuron: FixedLif;
}

/**
 * The network of the reference notebook but for the options given: Conv32-LIF-MaxPool2-Conv64-LIF-MaxPool2-128-LIF-10
 * on 32x32 colour images, SpikingJelly's LIF.
 */
export function csnnConfig(options: Partial<CsnnConfig> = {}): CsnnConfig {
  return {
    kind: 'csnn',
    input: { height: 32, width: 32, channels: 3 },
    classes: 10,
    channels: [32, 64],
    hidden: 128,
    neuron: lifNode({ tau: 2, surrogate: superSpike(10) }),
    ...options,
  };
}

const size = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4096));

/** The schema of a CSNN in a checkpoint. */
export const csnnSchema: v.GenericSchema<unknown, CsnnConfig> = v.strictObject({
  kind: v.literal('csnn'),
  input: v.strictObject({ height: size, width: size, channels: size }),
  classes: size,
  channels: v.pipe(v.array(size), v.minLength(1), v.maxLength(8)),
  hidden: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65536)),
  neuron: lifSchema,
});

/**
 * A CSNN with fresh parameters.
 * @param createNeurons makes the spiking layers
 */
export function createCsnn(
  config: CsnnConfig,
  seed: number,
  createNeurons: typeof createLifLayer = createLifLayer,
): Network {
  const { input, classes, channels, hidden, neuron } = config;
  const shrink = 2 ** channels.length;
  const pixels = Math.floor(input.height / shrink) * Math.floor(input.width / shrink);
  if (pixels === 0) {
    throw new OptionError(
      `csnn: ${channels.length} pools need ${shrink} pixels, found ${input.height}x${input.width}`,
    );
  }
  const convolutions = channels.flatMap((outputs, index): Layer[] => {
    const inputs = channels[index - 1] ?? input.channels;
    const number = index + 1;
    return [
      createConvolution(`convolution${number}`, { inputs, outputs }, seed),
      createNeurons(`lif${number}`, neuron),
      createPool(`pool${number}`, 'max', 2),
    ];
  });
  const layers: Layer[] = [
    ...convolutions,
    createFlatten('flatten'),
    createLinear('hidden', { inputs: pixels * channels.at(-1)!, outputs: hidden }, seed),
    createNeurons('hidden.lif', neuron),
    createLinear('readout', { inputs: hidden, outputs: classes }, seed),
  ];
  return networkOf(config, {
    name: 'csnn',
    windowBins: 1,
    parameters: layers.flatMap(({ parameters }) => parameters),
    layerNames: layers.filter((layer) => layer.neuron !== undefined).map(({ name }) => name),
    forward: (sequence, pass, collected) => ({
      output: forwardThrough(layers, sequence, pass, collected),
      auxiliary: [],
    }),
  });
}
