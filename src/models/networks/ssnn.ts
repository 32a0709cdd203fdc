/**
 * SSNN, the shrinking spiking network (Ding, Zuo, Jing, Pei, Xiao: "Shrinking Your TimeStep: Towards Low-Latency
 * Neuromorphic Object Recognition with Spiking Neural Networks", AAAI 2024): stages that run at fewer and fewer
 * timesteps, each convolution - batch normalisation - LIF - average pool, a temporal alignment between them, and in
 * training an early classifier after every stage but the last. Later stages need the whole of a window before they
 * can start, so a step takes as many bins as the first stage has timesteps. The paper does not give its alignment
 * and loss weights in full: these are ours.
 *
 * A sequence of several windows is read as a chain of steps: membranes go on from window to window, alignment sees
 * one window at a time.
 */

import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { OptionError } from '../../errors.ts';
import { type Alignment, alignments, createAlignment } from '../layers/alignment.ts';
import { type BatchStatistics, batchStatistics, createBatchNorm } from '../layers/batch-norm.ts';
import { createConvolution } from '../layers/convolution.ts';
import { forwardThrough, type Layer } from '../layers/layer.ts';
import { createLifLayer, lifSchema } from '../layers/lif-layer.ts';
import { createLinear } from '../layers/linear.ts';
import { createPool, globalAveragePool } from '../layers/pooling.ts';
import { meanOverSteps } from '../layers/step-mask.ts';
import type { Network } from '../network.ts';
import { networkOf } from '../network-body.ts';
import { type FixedLif, leaky } from '../neurons.ts';
import { realWindows } from '../sample-logits.ts';

/** An SSNN as plain JSON. */
export interface SsnnConfig {
  kind: 'ssnn';
  input: { height: number; width: number; channels: number };
  classes: number;
  /** Timesteps of each stage, never more than those of the stage before. */
  timesteps: number[];
  /** Feature maps of each stage. */
  channels: number[];
  alignment: Alignment;
  neuron: FixedLif;
  batchNorm: BatchStatistics;
}

/** The options of an SSNN that have no default. */
export type SsnnOptions = Pick<SsnnConfig, 'input' | 'classes'> & Partial<SsnnConfig>;

/** The configuration of the reference notebook but for the options given. */
export function ssnnConfig(options: SsnnOptions): SsnnConfig {
  return {
    kind: 'ssnn',
    timesteps: [8, 6, 4, 2],
    channels: [32, 64, 128, 256],
    alignment: 'attention',
    neuron: leaky({ beta: 0.9 }),
    batchNorm: 'joint',
    ...options,
  };
}

const size = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4096));
const sizes = v.pipe(v.array(size), v.minLength(1), v.maxLength(16));

/** The schema of an SSNN in a checkpoint. */
export const ssnnSchema: v.GenericSchema<unknown, SsnnConfig> = v.strictObject({
  kind: v.literal('ssnn'),
  input: v.strictObject({ height: size, width: size, channels: size }),
  classes: size,
  timesteps: sizes,
  channels: sizes,
  alignment: v.picklist(alignments),
  neuron: lifSchema,
  batchNorm: v.picklist(batchStatistics),
});

/**
 * An SSNN with fresh parameters.
 * @param createNeurons makes a stage's spiking layer
 */
export function createSsnn(
  config: SsnnConfig,
  seed: number,
  createNeurons: typeof createLifLayer = createLifLayer,
): Network {
  checkConfig(config);
  const { input, classes, timesteps, channels, alignment, neuron, batchNorm } = config;
  const last = timesteps.length - 1;
  const windowBins = timesteps[0]!;
  const head = (name: string, stage: number): Layer =>
    createLinear(name, { inputs: channels[stage]!, outputs: classes }, seed);

  const stages = channels.map((outputs, index): Layer[] => {
    const name = `stage${index + 1}`;
    const inputs = channels[index - 1] ?? input.channels;
    return [
      createConvolution(`${name}.convolution`, { inputs, outputs, bias: false }, seed),
      createBatchNorm(`${name}.norm`, { channels: outputs, statistics: batchNorm }),
      createNeurons(name, neuron),
      createPool(`${name}.pool`, 'average', 2),
    ];
  });
  const aligned = timesteps.slice(1).map((to, index) => {
    const sizes = { kind: alignment, from: timesteps[index]!, to, channels: channels[index]! };
    return createAlignment(`align${index + 1}`, sizes, seed);
  });
  const early = aligned.map((_, index) => head(`early${index + 1}`, index));
  const final = head('head', last);

  return networkOf(config, {
    name: 'ssnn',
    windowBins,
    parameters: [...stages.flat(), ...aligned, ...early, final].flatMap(({ parameters }) => parameters),
    layerNames: stages.map((_, index) => `stage${index + 1}`),
    forward: (sequence, pass, collected) => {
      const windows = sequence.shape[1]! / windowBins;
      const lengthsOf = (stage: number): ArrayLike<number> | undefined =>
        stage === 0 || pass.lengths === undefined
          ? pass.lengths
          : realWindows(pass.lengths, windowBins).map((count) => count * timesteps[stage]!);
      const auxiliary: tf.Tensor[] = [];
      let value = sequence;
      for (const [index, layers] of stages.entries()) {
        const stagePass = { ...pass, lengths: lengthsOf(index) };
        value = forwardThrough(layers, value, stagePass, collected);
        if (index === last) break;
        if (pass.training) {
          const mean = meanOverSteps(globalAveragePool(value), stagePass.lengths);
          auxiliary.push(early[index]!.forward(mean, stagePass).output);
        }
        value = forwardThrough([aligned[index]!], value, stagePass, collected);
      }
      const pooled = globalAveragePool(value);
      const byWindow = tf.reshape(pooled, [-1, windows, timesteps[last]!, channels[last]!]);
      return { output: forwardThrough([final], tf.mean(byWindow, 2), pass, collected), auxiliary };
    },
  });
}

function checkConfig({ timesteps, channels, alignment, input }: SsnnConfig): void {
  if (timesteps.length !== channels.length) {
    throw new OptionError(
      `ssnn: expected as many timesteps as channels, found [${timesteps}] and [${channels}]`,
    );
  }
  if (timesteps.some((count, stage) => stage > 0 && count > timesteps[stage - 1]!)) {
    throw new OptionError(`ssnn: expected timesteps that never grow, found [${timesteps}]`);
  }
  const shortest = Math.min(input.height, input.width);
  if (shortest < 2 ** channels.length) {
    throw new OptionError(
      `ssnn: ${channels.length} stages halve the input each, which needs ${2 ** channels.length} pixels, found ${shortest}`,
    );
  }
  const odd = channels.slice(0, -1).find((count) => count % 4 !== 0);
  if (alignment === 'attention' && odd !== undefined) {
    throw new OptionError(`ssnn: attention has 4 heads, which must divide the channels, found ${odd}`);
  }
}
