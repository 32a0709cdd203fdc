import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import cifar10Surrogates from '../../pipelines/cifar10-surrogates.ts';
import { namedSurrogate, namedSurrogates } from '../../pipelines/training/named-surrogates.ts';
import { surrogatesPlan } from '../../pipelines/training/surrogates-plan.ts';
import { decodeCheckpoint } from '../../src/models/checkpoint.ts';
import { capture, runCaptured, timelessMetrics, writeTinyCifar10 } from './training-harness.ts';

let folder: string;
let images: string;
let runs = 0;
const fresh = (): string => join(folder, `run-${runs++}`);
const small = {
  ...{ engine: 'wasm', threads: 1, batchSize: 10, timesteps: 3, report: 'none' },
  ...{ channels: '4,6', hidden: 12, epochs: 2, lr: 0.01, threshold: 0.2 },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-surrogates-'));
  images = join(folder, 'images');
  await writeTinyCifar10(images, { train: 20, test: 10 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('cifar10-surrogates', () => {
  it('has the values of the system', async () => {
    const options = cifar10Surrogates.resolve({ data: images });
    expect(options).toMatchObject({
      ...{ preset: 'notebook', timesteps: 8, tau: 2, epochs: 10, batchSize: 64, optimiser: 'adam', lr: 1e-3 },
      ...{ weightDecay: 0, clip: 0, schedule: 'constant', crop: 0, flip: 0.5, normalise: 'cifar10' },
    });
    const plan = await surrogatesPlan(options as never);
    const neuron = { decay: 0.5, inputDecayed: true, inclusive: true, reset: 'zero', detachReset: false };
    expect(plan.networks).toMatchObject(
      [
        ['super-spike', { kind: 'fastSigmoid', amplitude: 1, slope: 10 }],
        ['sigmoid-prime', { kind: 'sigmoid', amplitude: 1, slope: 4 }],
        ['esser', { kind: 'triangle', amplitude: 1, slope: 1 }],
      ].map(([name, surrogate]) => ({
        ...{ name, trainer: { repeat: 8 } },
        network: { kind: 'csnn', channels: [32, 64], hidden: 128, neuron: { ...neuron, surrogate } },
      })),
    );
    await plan.close();
  });

  it('trains a network for each surrogate from the same weights, and compares them', async () => {
    const out = fresh();
    const given = { ...small, data: images, surrogates: 'superSpike,triangle:0.5', report: 'all', out };
    const { lines, text } = await runCaptured(cifar10Surrogates, given);
    const epochs = lines.filter(({ type }) => type === 'epoch');
    expect(epochs.map(({ model, epoch }) => [model, epoch])).toStrictEqual([
      ['super-spike', 1],
      ['super-spike', 2],
      ['triangle-0.5', 1],
      ['triangle-0.5', 2],
    ]);
    for (const line of epochs) {
      for (const name of ['trainLoss', 'trainAccuracy', 'testLoss', 'testAccuracy', 'seconds']) {
        expect(line[name]).toSatisfy(Number.isFinite);
      }
    }
    // The same in forward, so they part by their gradients alone.
    expect(epochs[0]!['testLoss']).not.toBe(epochs[2]!['testLoss']);
    expect(text.at(-1)).toMatch(/^super-spike .*^triangle-0\.5 /ms);
    const page = await readFile(join(out, 'report.html'), 'utf8');
    for (const name of ['super-spike', 'triangle-0.5']) expect(page).toContain(`Confusion: ${name}`);
  });

  it('ends with the same bits when it is stopped and goes on', async () => {
    const given = { ...small, data: images, surrogates: 'atan,sigmoid' };
    const [whole, stopped] = [fresh(), fresh()];
    const all = await runCaptured(cifar10Surrogates, { ...given, out: whole });
    const second = all.updates.findIndex((line) => line.startsWith('sigmoid · epoch 1'));
    await runCaptured(
      cifar10Surrogates,
      { ...given, out: stopped },
      capture(true, (abort, count) => count === second + 1 && abort()),
    );
    expect((await timelessMetrics(stopped)).length).toBe(2);
    await runCaptured(cifar10Surrogates, { resume: stopped });
    expect(await timelessMetrics(stopped)).toStrictEqual(await timelessMetrics(whole));
  });

  it('trains decays and thresholds, by another loss', async () => {
    const out = fresh();
    const loss = { loss: 'rate', labelSmoothing: 0.1, sparsity: 0.5, activity: 1 };
    const given = { ...small, ...loss, data: images, surrogates: 'atan', learn: 'both', epochs: 1, out };
    const { lines } = await runCaptured(cifar10Surrogates, given);
    expect(lines.find(({ type }) => type === 'epoch')!['testLoss']).toSatisfy(Number.isFinite);
    const path = join(out, 'checkpoints', 'atan-last.safetensors');
    const { network, tensors } = decodeCheckpoint(await readFile(path));
    expect(network).toMatchObject({ neuron: { learn: ['decay', 'threshold'] } });
    for (const layer of ['lif1', 'lif2', 'hidden.lif']) {
      // They began at a decay of 1 - sigmoid(0) and a threshold of 0.2.
      expect(tensors.get(`${layer}.decay`)!.values[0]).not.toBe(0);
      expect(tensors.get(`${layer}.threshold`)!.values[0]).not.toBe(Math.fround(0.2));
    }
  });

  it('reads surrogates by the names of pipeline surrogates and of the literature', () => {
    expect(namedSurrogate(' fastSigmoid:5', '--s')).toStrictEqual({
      name: 'fast-sigmoid-5',
      surrogate: { kind: 'fastSigmoid', amplitude: 1, slope: 5 },
    });
    expect(namedSurrogate('Esser', '--s').surrogate).toStrictEqual(
      namedSurrogate('triangle', '--s').surrogate,
    );
    expect(() => namedSurrogate('constructor', '--s')).toThrow(
      /--s: expected surrogates of atan, .*"constructor"/,
    );
    for (const text of ['atan:', 'atan:-1', 'atan:x']) {
      expect(() => namedSurrogate(text, '--s')).toThrow(/--s: expected a parameter above 0/);
    }
    expect(() => namedSurrogates('atan,atan', '--s')).toThrow(/atan twice/);
  });
});
