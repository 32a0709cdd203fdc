import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import cifar10Lyapunov from '../../pipelines/cifar10-lyapunov.ts';
import { decodeCheckpoint } from '../../src/models/checkpoint.ts';
import {
  capture,
  runCaptured,
  timelessMetrics,
  writeTinyCifar10,
  writeTinyNmnist,
} from './training-harness.ts';

let folder: string;
let images: string;
let events: string;
let runs = 0;
const fresh = (): string => join(folder, `run-${runs++}`);
const common = {
  ...{ engine: 'wasm', threads: 1, batchSize: 5, epochs: 1, timesteps: 3, report: 'none' },
  ...{ preset: 'notebook', validation: 0, blocks: '4-A-6-A-8-A' },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-lyapunov-'));
  images = join(folder, 'images');
  events = join(folder, 'events');
  await writeTinyCifar10(images, { train: 10, test: 10 });
  await writeTinyNmnist(events, { train: 1, test: 1 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('cifar10-lyapunov', () => {
  it('has the values of the system', () => {
    expect(cifar10Lyapunov.resolve({})).toMatchObject({
      ...{ encoding: 'rate', gain: 1, timesteps: 25, model: 'simple', alpha: 0.1, target: 0 },
      ...{ estimator: 'perturbation', epsilon: 1, beta: 0.9, threshold: 1, slope: 25 },
      ...{ optimiser: 'adam', lr: 1e-3, batchSize: 64, epochs: 20, schedule: 'constant' },
    });
  });

  it('has a preset that draws the tangent exponent to its target', () => {
    expect(cifar10Lyapunov.resolve({ preset: 'tangent', target: 0.1 })).toMatchObject({
      ...{ estimator: 'tangent', alpha: 3000, target: 0.1, slope: 2, exponentSamples: 8, model: 'simple' },
    });
  });

  it.each(['rate', 'direct', 'none'] as const)(
    'measures both estimates with --encoding %s',
    async (encoding) => {
      const out = fresh();
      const data = encoding === 'none' ? events : images;
      const { lines, text } = await runCaptured(cifar10Lyapunov, {
        ...common,
        data,
        encoding,
        size: 16,
        out,
      });
      const [epoch, result] = lines as [Record<string, Record<string, number>>, Record<string, unknown>];
      expect(Object.keys(epoch['trainQuantities']!)).toStrictEqual(['lambda (perturbation)']);
      expect(Object.keys(epoch['quantities']!)).toStrictEqual(['lambda (perturbation)', 'lambda (tangent)']);
      for (const value of Object.values(epoch['quantities']!)) expect(Number.isFinite(value)).toBe(true);
      expect(result).toMatchObject({ model: 'simple', quantities: epoch['quantities'] });
      expect(text.join('\n')).toMatch(/lambda \(perturbation\) -?\d\.\d{4}, lambda \(tangent\)/);
      const path = join(out, 'checkpoints', 'simple-best.safetensors');
      const { network, feed } = decodeCheckpoint(await readFile(path));
      expect(network).toMatchObject({
        kind: 'lyapunov-net',
        steps: 3,
        input: encoding === 'none' ? { height: 16, channels: 2 } : { height: 32, channels: 3 },
      });
      expect(feed.encoding?.kind).toBe({ rate: 'poisson', direct: 'direct', none: undefined }[encoding]);
    },
  );

  it('ends with the same bits when it is stopped and goes on', async () => {
    const given = { ...common, data: events, encoding: 'none', size: 16, estimator: 'tangent', epochs: 2 };
    const [whole, stopped] = [fresh(), fresh()];
    await runCaptured(cifar10Lyapunov, { ...given, out: whole });
    await runCaptured(
      cifar10Lyapunov,
      { ...given, out: stopped },
      capture(true, (abort, count) => count === 6 && abort()),
    );
    await runCaptured(cifar10Lyapunov, { resume: stopped });
    expect(await timelessMetrics(stopped)).toStrictEqual(await timelessMetrics(whole));
  });

  it('needs data', async () => {
    await expect(runCaptured(cifar10Lyapunov, { out: fresh() })).rejects.toThrow(
      /--data: expected .*CIFAR-10/,
    );
    await expect(runCaptured(cifar10Lyapunov, { encoding: 'none', out: fresh() })).rejects.toThrow(/N-MNIST/);
  });
});
