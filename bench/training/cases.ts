/** The cases of the training bench: the same networks and batches in every worker, whatever computes them. */
import * as tf from '@tensorflow/tfjs-core';
import type { Sample } from '../../src/events.ts';
import { batchTensors } from '../../src/models/batch-tensors.ts';
import {
  createNetwork,
  disposeState,
  type Network,
  type NetworkConfig,
  outputTensors,
} from '../../src/models/network.ts';
import { csnnConfig } from '../../src/models/networks/csnn.ts';
import { nmnistNetConfig } from '../../src/models/networks/nmnist-net.ts';
import { ssnnConfig } from '../../src/models/networks/ssnn.ts';
import { vggConfig } from '../../src/models/networks/vgg.ts';
import { createTrainer, type TrainerOptions } from '../../src/models/trainer.ts';
import { batchSamples } from '../../src/operators/batch.ts';
import { RandomStream } from '../../src/random.ts';
import { dfaCases } from './dfa-case.ts';
import { denseConvolutions } from './limit.ts';

/** One step, to be timed. */
export type TimedStep = () => Promise<void>;

/** A case: what it is, and how it is made ready. */
export interface BenchCase {
  readonly title: string;
  /** Steps of a turn. */
  readonly steps: number;
  /** Steps before the first turn, which are not timed: by then what runs is compiled and caches are filled. */
  readonly warmUp: number;
  /** True: so large that it runs only where it is named. */
  readonly large?: boolean;
  prepare(): TimedStep | Promise<TimedStep>;
  /** The dense convolutions of a training step alone. */
  prepareLimit?(): TimedStep;
}

type FrameShape = readonly [steps: number, height: number, width: number, channels: number];

/** Sparse event counts for two channels, as of polarities; dense values otherwise, as of a normalised image. */
function frames(shape: FrameShape, name: string): Float32Array {
  const random = new RandomStream(1, name);
  const size = shape.reduce((product, side) => product * side, 1);
  const value =
    shape[3] === 2
      ? (i: number): number => (random.uniform(i) < 0.1 ? 1 + random.integer(i, 3) : 0)
      : (i: number): number => random.normal(i);
  return Float32Array.from({ length: size }, (_, i) => value(i));
}

function samples(count: number, shape: FrameShape): Sample[] {
  const [length] = shape;
  return Array.from({ length: count }, (_, index) => ({
    id: `${index}`,
    label: index % 10,
    frames: frames(shape, `sample/${index}`),
    shape,
    length,
  }));
}

interface TrainingCase extends Omit<TrainerOptions, 'seed'> {
  readonly title: string;
  readonly config: NetworkConfig;
  readonly batch: number;
  readonly frames: number;
  readonly warmUp?: number;
}

function training({ title, warmUp = 4, config, batch, frames: count, ...options }: TrainingCase): BenchCase {
  const { height, width, channels } = config.input;
  const shape: FrameShape = [count, height, width, channels];
  return {
    title,
    steps: 1,
    warmUp,
    prepare: () => {
      const trainer = createTrainer(createNetwork(config, 42), { seed: 42, ...options });
      const samplesOfBatch = batchSamples(samples(batch, shape));
      return async () => {
        await trainer.trainStep(samplesOfBatch);
      };
    },
    prepareLimit: () => denseConvolutions(createNetwork(config, 42), [batch, ...shape], options.repeat ?? 1),
  };
}

/**
 * Sets the running averages of a network that has not been trained to those of its input, so that neurons fire as
 * they do in a trained one; otherwise the deeper layers are silent.
 */
function settle(network: Network, shape: FrameShape, repeat: number): void {
  const { sequence } = batchTensors(batchSamples(samples(2, shape)));
  for (let step = 0; step < 60; step++) {
    const settled = network.forward(sequence, { training: true, seed: 42, step, repeat });
    for (const { parameter, value } of settled.updates) parameter.variable.assign(value);
    tf.dispose(outputTensors(settled));
  }
  sequence.dispose();
}

/** Windows of one stream, one after the other, the state carried on. */
function streaming(title: string, config: NetworkConfig): BenchCase {
  return {
    title,
    steps: 200,
    warmUp: 600,
    prepare: async () => {
      const network: Network = createNetwork(config, 42);
      const { height, width, channels } = config.input;
      const shape: FrameShape = [network.windowBins, height, width, channels];
      settle(network, shape, shape[0] === 1 ? 4 : 1);
      const window = frames(shape, 'window');
      let state = {};
      return async () => {
        const sequence = tf.tensor5d(window, [1, ...shape]);
        const step = network.step(sequence, state);
        disposeState(state);
        state = step.state;
        await step.output.data();
        tf.dispose([sequence, step.output, ...Object.values(step.rates)]);
      };
    },
  };
}

const ssnn = (side: number): NetworkConfig =>
  ssnnConfig({ input: { height: side, width: side, channels: 2 }, classes: 10 });

function trainSsnn(side: number, batch = 8): BenchCase {
  return training({
    title: `SSNN ${side}x${side}, batch ${batch}, training step`,
    config: ssnn(side),
    batch,
    frames: 8,
    warmUp: side < 100 ? 20 : 4,
    optimiser: { kind: 'adamw', learningRate: 1e-3, weightDecay: 1e-4 },
    clipNorm: 1,
  });
}

/** All cases, by name. */
export const benchCases: Readonly<Record<string, BenchCase>> = {
  'vgg-train': training({
    title: 'SNN-VGG, T = 4, batch 32, training step',
    config: vggConfig(),
    batch: 32,
    frames: 1,
    repeat: 4,
    optimiser: { kind: 'sgd', learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4 },
    clipNorm: 1,
  }),
  'ssnn-48': trainSsnn(48),
  'ssnn-128': trainSsnn(128),
  'ssnn-notebook': { ...trainSsnn(128, 32), large: true },
  'csnn-train': training({
    title: 'Conv32-Conv64, T = 8, batch 64, training step',
    config: csnnConfig(),
    batch: 64,
    frames: 1,
    repeat: 8,
    optimiser: { kind: 'adam', learningRate: 1e-3 },
  }),
  'nmnist-train': training({
    title: 'Conv8-Conv24 34x34, T = 10, batch 16, training step',
    config: nmnistNetConfig(),
    batch: 16,
    frames: 10,
    optimiser: { kind: 'adamw', learningRate: 6e-3, weightDecay: 1e-4 },
    clipNorm: 1,
  }),
  ...dfaCases,
  'vgg-stream': streaming('SNN-VGG, batch 1, one timestep of a stream', vggConfig()),
  'ssnn-48-stream': streaming('SSNN 48x48, batch 1, one window of a stream', ssnn(48)),
  'ssnn-128-stream': streaming('SSNN 128x128, batch 1, one window of a stream', ssnn(128)),
};
