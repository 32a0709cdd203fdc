/** The fully connected network by direct feedback and by backpropagation through time: case (d) of the bench. */
import { directFeedback } from '../../src/models/learning/direct-feedback.ts';
import type { LearningRule } from '../../src/models/learning/learning-rule.ts';
import { createNetwork } from '../../src/models/network.ts';
import { leakyDfaNetConfig } from '../../src/models/networks/dfa-net.ts';
import { createTrainer } from '../../src/models/trainer.ts';
import { batchSamples } from '../../src/operators/batch.ts';
import { encodePoisson } from '../../src/operators/encode-poisson.ts';
import { RandomStream } from '../../src/random.ts';
import type { BenchCase } from './cases.ts';

const BATCH = 128;
const STEPS = 25;
/** As of a digit: a fifth of its pixels, most of them nearly white. */
const ACTIVE = 0.19;
const WHITE = 175;

function images() {
  return Array.from({ length: BATCH }, (_, index) => {
    const random = new RandomStream(1, `image/${index}`);
    const pixels = Uint8Array.from({ length: 784 }, (_, i) => (random.uniform(i) < ACTIVE ? WHITE : 0));
    return { id: `${index}`, label: index % 10, width: 28, height: 28, channels: 1, pixels };
  });
}

function update(title: string, rule?: LearningRule): BenchCase {
  return {
    title,
    steps: 1,
    warmUp: 4,
    prepare: () => {
      const network = createNetwork(leakyDfaNetConfig(), 42);
      const trainer = createTrainer(network, {
        seed: 42,
        optimiser: { kind: 'adam', learningRate: 1e-3 },
        ...(rule && { rule }),
      });
      const batch = batchSamples(
        images().map((image) => encodePoisson(image, { steps: STEPS, gain: 0.8, seed: 1 })),
      );
      return async () => {
        await trainer.trainStep(batch);
      };
    },
  };
}

/** By name. */
export const dfaCases: Readonly<Record<string, BenchCase>> = {
  'dfa-update': update('784-1000-250-100-10, T = 25, batch 128, one DFA update', directFeedback()),
  'dfa-bptt': update('784-1000-250-100-10, T = 25, batch 128, one step of BPTT'),
};
