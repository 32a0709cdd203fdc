import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engines/engine.ts';
import { lossKinds } from '../../src/models/losses.ts';
import type { StepMetrics } from '../../src/models/metrics.ts';
import { createNetwork, type Network } from '../../src/models/network.ts';
import { nmnistNetConfig } from '../../src/models/networks/nmnist-net.ts';
import { leaky } from '../../src/models/neurons.ts';
import { createTrainer, type TrainerOptions } from '../../src/models/trainer.ts';
import { batchSamples } from '../../src/operators/batch.ts';
import { RandomStream } from '../../src/random.ts';

/** Samples whose class is the half of the picture that their events are in. */
const batch = batchSamples(
  Array.from({ length: 8 }, (_, i) => {
    const random = new RandomStream(1, `sample ${i}`);
    const label = i % 2;
    const frames = new Float32Array(4 * 8 * 8 * 2);
    for (let e = 0; e < 160; e++) {
      const row = 4 * label + random.integer(3 * e, 4);
      frames[((Math.floor(e / 40) * 8 + row) * 8 + random.integer(3 * e + 1, 8)) * 2]! += 1;
    }
    return { id: `sample ${i}`, label, length: 4, frames, shape: [4, 8, 8, 2] as const };
  }),
);

const options: TrainerOptions = {
  seed: 7,
  optimiser: { kind: 'adam', learningRate: 1e-2, weightDecay: 0 },
};

function network(learn: readonly ('decay' | 'threshold')[] = []): Network {
  const neuron = { ...leaky({ beta: 0.9 }), learn };
  const config = nmnistNetConfig({
    ...{ input: { height: 8, width: 8, channels: 2 }, classes: 2, channels: [4, 8], dropout: 0 },
    neuron,
  });
  return createNetwork(config, 3);
}

/** Loss and spike rate of the first and last of some steps over one batch. */
async function train(trained: Network, more: Partial<TrainerOptions>, steps = 8) {
  const trainer = createTrainer(trained, { ...options, ...more });
  trainer.startEpoch(0);
  const metrics: StepMetrics[] = [];
  for (let step = 0; step < steps; step++) metrics.push(await trainer.trainStep(batch));
  trainer.dispose();
  const rate = ({ rates }: StepMetrics): number =>
    Object.values(rates).reduce((sum, layer) => sum + layer.rate, 0);
  const [first, last] = [metrics[0]!, metrics.at(-1)!];
  return { losses: [first.loss, last.loss], rates: [rate(first), rate(last)] } as const;
}

beforeAll(async () => {
  await startEngine('wasm', { threads: 1 });
});

describe('training', () => {
  it.each(lossKinds)('lowers the loss of kind %s', async (kind) => {
    const trained = network();
    const { losses } = await train(trained, { kind });
    expect(losses[1]!).toBeLessThan(losses[0]!);
    trained.dispose();
  });

  it('spares spikes where they have a weight', async () => {
    const [free, sparse] = [network(), network()];
    const without = await train(free, {});
    const { rates } = await train(sparse, { sparsityWeight: 10 });
    expect(rates[0]).toBe(without.rates[0]);
    expect(rates[1]!).toBeLessThan(0.8 * without.rates[1]!);
    free.dispose();
    sparse.dispose();
  });

  it('changes decay and threshold of neurons that learn them', async () => {
    const trained = network(['decay', 'threshold']);
    const learned = trained.parameters.filter(({ name }) => /lif\d\.(decay|threshold)/.test(name));
    expect(learned.map(({ name }) => name)).toStrictEqual([
      ...['lif1.decay', 'lif1.threshold'],
      ...['lif2.decay', 'lif2.threshold'],
    ]);
    const before = await Promise.all(learned.map(({ variable }) => variable.data()));
    await train(trained, {}, 2);
    for (const [index, { name, variable }] of learned.entries()) {
      expect(Math.abs((await variable.data())[0]! - before[index]![0]!), name).toBeGreaterThan(1e-3);
    }
    trained.dispose();
  });
});
