import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engines/engine.ts';
import { saveTensors } from '../../src/models/checkpoint.ts';
import { DivergenceError } from '../../src/models/divergence.ts';
import type { StepMetrics } from '../../src/models/metrics.ts';
import { createNetwork, type NetworkConfig } from '../../src/models/network.ts';
import { nmnistNetConfig } from '../../src/models/networks/nmnist-net.ts';
import { ssnnConfig } from '../../src/models/networks/ssnn.ts';
import { createTrainer, type Trainer, type TrainerOptions } from '../../src/models/trainer.ts';
import { batchSamples } from '../../src/operators/batch.ts';
import { RandomStream } from '../../src/random.ts';

beforeAll(async () => {
  await startEngine('wasm', { threads: 1 });
});

const ssnn = ssnnConfig({
  input: { height: 8, width: 8, channels: 2 },
  classes: 3,
  timesteps: [4, 3, 2],
  channels: [8, 8, 8],
});
const nmnist = nmnistNetConfig({ input: { height: 8, width: 8, channels: 2 }, classes: 3, channels: [4, 8] });

/** Samples of 4 to 6 bins whose class is where their events are. */
function samples(count: number, first = 0) {
  return Array.from({ length: count }, (_, i) => {
    const id = `sample-${first + i}`;
    const random = new RandomStream(1, id);
    const label = (first + i) % 3;
    const length = 4 + ((first + i) % 3);
    const frames = new Float32Array(length * 8 * 8 * 2);
    for (let e = 0; e < 40 * length; e++) {
      const row = 2 * label + random.integer(4 * e, 3);
      const place = Math.floor(e / 40) * 64 + row * 8 + random.integer(4 * e + 1, 8);
      frames[place * 2 + random.integer(4 * e + 2, 2)]! += 1;
    }
    return { id, label, length, frames, shape: [length, 8, 8, 2] as const };
  });
}
const batches = [batchSamples(samples(6)), batchSamples(samples(6, 6)), batchSamples(samples(3, 12))];

const options: TrainerOptions = {
  seed: 7,
  optimiser: { kind: 'adamw', learningRate: 5e-3, weightDecay: 1e-4 },
  schedule: { kind: 'cosine', epochs: 3 },
  clipNorm: 1,
  shift: { pixels: 1 },
};

async function trainEpoch(trainer: Trainer, epoch: number, from = 0, to = 3): Promise<StepMetrics[]> {
  trainer.startEpoch(epoch, from);
  const metrics = [];
  for (const batch of batches.slice(from, to)) metrics.push(await trainer.trainStep(batch));
  return metrics;
}

describe.each<[string, NetworkConfig]>([
  ['ssnn', ssnn],
  ['nmnist-net', nmnist],
])('training %s', (_, config) => {
  it('gives the same bits twice, and after a restart in the middle of an epoch', async () => {
    const run = async (): Promise<unknown> => {
      const network = createNetwork(config, 3);
      const trainer = createTrainer(network, options);
      const metrics = [...(await trainEpoch(trainer, 0)), ...(await trainEpoch(trainer, 1))];
      const evaluated = await trainer.evaluateStep(batches[2]!);
      const result = [metrics.slice(2), evaluated, await saveTensors(network), await trainer.save()];
      trainer.dispose();
      network.dispose();
      return result;
    };
    const first = await run();
    expect(await run()).toStrictEqual(first);

    const network = createNetwork(config, 3);
    const trainer = createTrainer(network, options);
    await trainEpoch(trainer, 0, 0, 2);
    const [tensors, state] = [await saveTensors(network), await trainer.save()];
    const other = createNetwork(config, 99);
    for (const { name, variable } of other.parameters) {
      variable.assign(tf.tensor(tensors.get(name)!.values, variable.shape));
    }
    const resumed = createTrainer(other, options);
    resumed.restore(state);
    const metrics = [...(await trainEpoch(resumed, 0, 2)), ...(await trainEpoch(resumed, 1))];
    const evaluated = await resumed.evaluateStep(batches[2]!);
    expect([metrics, evaluated, await saveTensors(other), await resumed.save()]).toStrictEqual(first);
  });

  it('keeps the number of tensors', async () => {
    const network = createNetwork(config, 3);
    const trainer = createTrainer(network, options);
    const before = tf.memory().numTensors;
    await trainEpoch(trainer, 0);
    await trainer.evaluateStep(batches[0]!);
    expect(tf.memory().numTensors).toBe(before);
    trainer.dispose();
    network.dispose();
  });

  it('learns a small batch by heart', async () => {
    const network = createNetwork(config, 3);
    const { shift: _shift, schedule: _schedule, ...plain } = options;
    // The early classifiers of so few maps cannot reach zero.
    const trainer = createTrainer(network, {
      ...plain,
      optimiser: { kind: 'adamw', learningRate: 1e-2 },
      auxiliaryWeights: [],
    });
    const first = await trainer.trainStep(batches[2]!);
    let last = first;
    for (let step = 0; step < 150 && last.loss > 0.02; step++) last = await trainer.trainStep(batches[2]!);
    expect(first.loss).toBeGreaterThan(1);
    expect(last.loss).toBeLessThan(0.05);
    expect(last.correct).toBe(3);
    // Running averages have settled, so evaluation sees what training saw.
    expect((await trainer.evaluateStep(batches[2]!)).correct).toBe(3);
    trainer.dispose();
    network.dispose();
  });
});

describe('a trainer', () => {
  it('evaluates without changing anything', async () => {
    const network = createNetwork(nmnist, 3);
    const trainer = createTrainer(network, options);
    const before = await saveTensors(network);
    const metrics = await trainer.evaluateStep(batches[0]!);
    expect(await trainer.evaluateStep(batches[0]!)).toStrictEqual(metrics);
    expect(await saveTensors(network)).toStrictEqual(before);
    expect(trainer.position).toStrictEqual({ epoch: 0, batch: 0 });
    expect(metrics.samples).toBe(6);
    // Bins of 8x8 pixels, four maps: real steps only.
    expect(metrics.rates['lif1']!.elements).toBe((4 + 5 + 6) * 2 * 64 * 4);
  });

  it('follows its schedule', () => {
    const trainer = createTrainer(createNetwork(nmnist, 3), options);
    expect(trainer.learningRate).toBe(5e-3);
    trainer.startEpoch(1);
    expect(trainer.learningRate).toBeCloseTo(5e-3 * 0.75, 12);
  });

  it.each([
    ['input', Number.NaN],
    ['input', Number.POSITIVE_INFINITY],
  ])('names the %s where a frame holds %d, and changes nothing', async (layer, value) => {
    const network = createNetwork(nmnist, 3);
    const trainer = createTrainer(network, { ...options, shift: { pixels: 0 } });
    const [sample] = samples(1);
    sample!.frames[5] = value;
    const before = await saveTensors(network);
    const tensors = tf.memory().numTensors;
    const error = await trainer.trainStep(batchSamples([sample!])).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DivergenceError);
    expect((error as DivergenceError).layer).toBe(layer);
    expect((error as Error).message).toMatch(/first value that is not finite: input; epoch 1, batch 1$/);
    expect(await saveTensors(network)).toStrictEqual(before);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('names the first layer whose output is not finite', async () => {
    const network = createNetwork(nmnist, 3);
    const weight = network.parameters.find(({ name }) => name === 'convolution2.weight')!.variable;
    weight.assign(tf.fill(weight.shape, Number.NaN));
    const trainer = createTrainer(network, options);
    await expect(trainer.trainStep(batches[0]!)).rejects.toMatchObject({ layer: 'convolution2' });
  });
});
