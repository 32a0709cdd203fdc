/** The cases of the training bench: the same networks and batches in every worker, whatever computes them. */
import type { Sample } from '../../src/events.ts';
import { createNetwork, type Network } from '../../src/models/network.ts';
import { ssnnConfig } from '../../src/models/networks/ssnn.ts';
import { createTrainer, type Trainer } from '../../src/models/trainer.ts';
import { batchSamples } from '../../src/operators/batch.ts';
import { RandomStream } from '../../src/random.ts';

/** One training step or one inference step, to be timed. */
export type TimedStep = () => Promise<void>;

/** A case: what it is, and how it is made ready. */
export interface TrainingCase {
  readonly title: string;
  prepare(): TimedStep;
}

/** Share of frame pixels with events. */
const ACTIVE = 0.1;

function samples(
  count: number,
  [steps, height, width, channels]: [number, number, number, number],
): Sample[] {
  return Array.from({ length: count }, (_, index) => {
    const random = new RandomStream(1, `sample/${index}`);
    const frames = new Float32Array(steps * height * width * channels);
    for (let i = 0; i < frames.length; i++)
      frames[i] = random.uniform(i) < ACTIVE ? 1 + random.integer(i, 3) : 0;
    return {
      id: `${index}`,
      label: index % 10,
      frames,
      shape: [steps, height, width, channels],
      length: steps,
    } as never;
  });
}

function ssnn(side: number): Network {
  return createNetwork(ssnnConfig({ input: { height: side, width: side, channels: 2 }, classes: 10 }), 42);
}

function trainerOf(network: Network): Trainer {
  return createTrainer(network, {
    seed: 42,
    optimiser: { kind: 'adamw', learningRate: 1e-3, weightDecay: 1e-4 },
    clipNorm: 1,
  });
}

function trainSsnn(side: number, batchSize: number): TrainingCase {
  return {
    title: `SSNN ${side}x${side}, batch ${batchSize}, training step`,
    prepare: () => {
      const trainer = trainerOf(ssnn(side));
      const batch = batchSamples(samples(batchSize, [8, side, side, 2]));
      return async () => {
        await trainer.trainStep(batch);
      };
    },
  };
}

/** All cases, by name. */
export const trainingCases: Readonly<Record<string, TrainingCase>> = {
  'ssnn-48': trainSsnn(48, 8),
  'ssnn-128': trainSsnn(128, 8),
};
