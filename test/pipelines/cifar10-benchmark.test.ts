import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import cifar10Benchmark from '../../pipelines/cifar10-benchmark.ts';
import { benchmarkPlan } from '../../pipelines/training/benchmark-plan.ts';
import { startEngine } from '../../src/engines/engine.ts';
import { decodeCheckpoint } from '../../src/models/checkpoint.ts';
import { createNetwork, parameterCount } from '../../src/models/network.ts';
import { capture, runCaptured, timelessMetrics, writeTinyCifar10 } from './training-harness.ts';

let folder: string;
let images: string;
let runs = 0;
const fresh = (): string => join(folder, `run-${runs++}`);
const small = {
  ...{ engine: 'wasm', threads: 1, batchSize: 10, timesteps: 2, report: 'none' },
  ...{ blocks: '4-4-A-6-A', hidden: 12 },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-benchmark-'));
  images = join(folder, 'images');
  await writeTinyCifar10(images, { train: 20, test: 10 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('cifar10-benchmark', () => {
  it('has the values and the networks of the system', async () => {
    const options = cifar10Benchmark.resolve({ data: images });
    expect(options).toMatchObject({
      ...{ preset: 'notebook', timesteps: 4, tau: 2, threshold: 1, epochs: 100, batchSize: 128, seed: 42 },
      ...{ optimiser: 'sgd', lr: 0.1, momentum: 0.9, weightDecay: 5e-4, schedule: 'cosine', clip: 1 },
      ...{ crop: 4, flip: 0.5, normalise: 'cifar10', validation: 0 },
    });
    const plan = await benchmarkPlan(options as never);
    const [snn, ann] = plan.networks;
    const engine = await startEngine('wasm', { threads: 1 });
    for (const { network } of [snn!, ann!]) {
      const created = createNetwork(network, 1);
      expect(parameterCount(created)).toBe(3_249_994);
      created.dispose();
    }
    engine.stop();
    expect(snn).toMatchObject({
      name: 'snn-vgg',
      network: {
        neuron: {
          ...{ decay: 0.5, inputDecayed: false, threshold: 1, inclusive: true, reset: 'subtract' },
          ...{ resetTiming: 'after', detachReset: false },
          surrogate: { kind: 'atan', amplitude: 1, slope: Math.PI },
        },
      },
      trainer: { repeat: 4, clipNorm: 1, schedule: { kind: 'cosine', epochs: 100 } },
      feed: { encoding: { kind: 'direct', steps: 4 } },
    });
    expect(ann).toMatchObject({ name: 'ann-vgg', network: { neuron: 'relu' }, trainer: { repeat: 1 } });
    expect(ann!.trainer).not.toHaveProperty('clipNorm');
    expect(ann!.trainer.images).toStrictEqual(snn!.trainer.images);
    await plan.close();
  });

  it('trains both, and says gap and energy', async () => {
    const out = fresh();
    const given = { ...small, data: images, epochs: 2, lr: 0.05, report: 'all', out };
    const { lines, text } = await runCaptured(cifar10Benchmark, given);
    expect(lines.map(({ type, model, epoch }) => [type, model, epoch])).toStrictEqual([
      ['epoch', 'snn-vgg', 1],
      ['epoch', 'snn-vgg', 2],
      ['result', 'snn-vgg', undefined],
      ['epoch', 'ann-vgg', 1],
      ['epoch', 'ann-vgg', 2],
      ['result', 'ann-vgg', undefined],
    ]);
    const [snn, ann] = lines.filter(({ type }) => type === 'result') as [
      Record<string, number>,
      Record<string, number>,
    ];
    expect(snn['parameters']).toBe(ann['parameters']);
    expect(snn['effectiveAcs']).toBeGreaterThan(0);
    expect(ann['effectiveAcs']).toBe(0);
    const gap = (100 * (ann['testAccuracy']! - snn['testAccuracy']!)).toFixed(2);
    const ratio = (snn['energyPicojoules']! / ann['energyPicojoules']!).toFixed(3);
    const thumb = ((snn['spikeRate']! * 0.9) / (0.5 * 4.6)).toFixed(3);
    const said = text.join('\n');
    expect(said).toContain(`${gap} points`);
    expect(said).toContain(`by layer: ${ratio}, or `);
    expect(said).toContain(`: ${thumb}; it forgets that there are 2 timesteps`);
    expect(said).toMatch(/^ann-vgg .* – /m);
    const { best, remarks } = JSON.parse(await readFile(join(out, 'result.json'), 'utf8'));
    expect(['snn-vgg', 'ann-vgg']).toContain(best);
    expect(remarks).toHaveLength(3);
    const page = await readFile(join(out, 'report.html'), 'utf8');
    for (const part of [
      remarks[0],
      'Spike rate: snn-vgg',
      'SEW-ResNet, 94 % published',
      'Operations of a sample: ann-vgg',
    ]) {
      expect(page).toContain(part);
    }
    const { feed, network } = decodeCheckpoint(
      await readFile(join(out, 'checkpoints', 'ann-vgg-best.safetensors')),
    );
    expect(network).toMatchObject({ kind: 'vgg', blocks: [[4, 4], [6]], neuron: 'relu' });
    expect(feed).toMatchObject({
      encoding: { kind: 'direct', steps: 1 },
      normalisation: { mean: [0.4914, 0.4822, 0.4465] },
    });
  });

  it('ends with the same bits when it is stopped in the second network and goes on', async () => {
    const given = { ...small, data: images, epochs: 2 };
    const [whole, stopped] = [fresh(), fresh()];
    const all = await runCaptured(cifar10Benchmark, { ...given, out: whole });
    const secondFrom = all.updates.findIndex((line) => line.startsWith('ann-vgg · epoch 2'));
    const { notes } = await runCaptured(
      cifar10Benchmark,
      { ...given, out: stopped },
      capture(true, (abort, count) => count === secondFrom + 1 && abort()),
    );
    expect(notes.at(-1)).toContain('--resume');
    await runCaptured(cifar10Benchmark, { resume: stopped });
    expect(await timelessMetrics(stopped)).toStrictEqual(await timelessMetrics(whole));
    const weights = (run: string, name: string) =>
      readFile(join(run, 'checkpoints', `${name}-best.safetensors`)).then(
        (bytes) => decodeCheckpoint(bytes).tensors,
      );
    for (const name of ['snn-vgg', 'ann-vgg']) {
      expect(await weights(stopped, name)).toStrictEqual(await weights(whole, name));
    }
  });

  it('trains one alone, without a comparison', async () => {
    const given = { ...small, data: images, epochs: 1, networks: 'ann', validation: 0.5, out: fresh() };
    const { lines, text } = await runCaptured(cifar10Benchmark, given);
    expect(lines).toMatchObject([
      { type: 'epoch', model: 'ann-vgg', spikeRate: 0 },
      { type: 'result', model: 'ann-vgg' },
    ]);
    expect(lines[0]).toHaveProperty('validationAccuracy');
    expect(text.join('\n')).not.toContain('gap');
  });

  it.each<[object, RegExp]>([
    [{}, /--data: expected .*CIFAR-10/],
    [{ data: 'x', blocks: '64-64' }, /--blocks: .*"64-64"/],
    ...['64-x-A', '-64-A', 'A', '64-A-', '64--A', '0-A'].map((blocks): [object, RegExp] => [
      { data: 'x', blocks },
      /--blocks: /,
    ]),
    [{ data: 'x', surrogate: 'none' }, /--surrogate: .*found "none"/],
  ])('refuses %j', async (given, message) => {
    await expect(runCaptured(cifar10Benchmark, { out: fresh(), ...given })).rejects.toThrow(message);
  });
});
