import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import nmnistTrain from '../../pipelines/nmnist-train.ts';
import type { StepMessage } from '../../src/dashboard/messages.ts';
import { runProgram } from '../commands/run-program.ts';
import { type Client, openClient, until } from '../dashboard/clients.ts';
import { type Capture, capture, runCaptured, writeTinyNmnist } from './training-harness.ts';

let folder: string;
let nmnist: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-watch-'));
  nmnist = join(folder, 'nmnist');
  await writeTinyNmnist(nmnist, { train: 3, test: 1 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Trains for two epochs, or goes on, and hears what a page that is open from the start hears. */
async function watched(
  given: Record<string, unknown>,
): Promise<{ captured: Capture; client: Client; reason: string }> {
  const captured = capture();
  const options = { dashboard: 0, dashboardToken: 'let me see', report: 'none', diskCache: 0, ...given };
  const running = runCaptured(nmnistTrain, options, captured);
  await Promise.race([until(() => captured.lines.length > 0), running]);
  const [{ type, url }] = captured.lines as [{ type: string; url: string }];
  expect(type).toBe('dashboard');
  expect(captured.notes).toContain(`dashboard: ${url}`);
  const client = await openClient({ url });
  const closed = once(client.socket, 'close');
  await running;
  const [, reason] = await closed;
  return { captured, client, reason: String(reason) };
}

it('tells every batch and epoch of a training to the pages that watch it', async () => {
  const out = join(folder, 'run');
  const common = { engine: 'wasm', threads: 1, batchSize: 8 };
  const first = await watched({ ...common, data: nmnist, size: 16, bins: 4, epochs: 2, out });
  const heard = first.client.batches.flat();
  expect(first.reason).toBe('ended');
  expect(heard[0]).toEqual({ type: 'hello', kind: 'training', title: 'nmnist-train' });
  expect(heard.find(({ type }) => type === 'training')).toMatchObject({
    models: ['nmnist-net'],
    epochs: 2,
    facts: [
      ['run', 'run'],
      ['data', nmnist],
      ['engine', 'wasm, 1 thread'],
      ['seed', '42'],
    ],
  });
  const epochs = first.captured.lines.filter(({ type }) => type === 'epoch');
  expect(epochs).toHaveLength(2);
  expect(heard.filter(({ type }) => type === 'epoch')).toEqual(epochs);
  const steps = heard.filter((message): message is StepMessage => message.type === 'step');
  const training = steps.filter(({ part }) => part === 'training');
  expect(training.map(({ epoch, batch, batches }) => [epoch, batch, batches])).toEqual([
    ...[1, 2, 3, 4].map((batch) => [1, batch, 4]),
    ...[1, 2, 3, 4].map((batch) => [2, batch, 4]),
  ]);
  expect(new Set(steps.map(({ part }) => part))).toEqual(new Set(['training', 'validation', 'test']));
  // The mean over the samples of an epoch's batches is the loss of its line; the last batch is smaller.
  const samples = [8, 8, 8, 3];
  const mean = training.slice(0, 4).reduce((sum, { loss }, index) => sum + loss * samples[index]!, 0) / 27;
  expect(mean).toBeCloseTo(epochs[0]!['trainLoss'] as number, 6);
  // Who watches, and by which token, is no matter of the run.
  expect(await readFile(join(out, 'config.json'), 'utf8')).not.toMatch(/dashboard|let me see/);

  const resumed = await watched({ resume: out, epochs: 3 });
  const told = resumed.client.batches.flat().filter(({ type }) => type === 'epoch');
  expect(told).toEqual([...epochs, ...resumed.captured.lines.filter(({ type }) => type === 'epoch')]);
  expect(told).toHaveLength(3);
});

it('takes a port, none, and nothing else', async () => {
  const unfed = await runProgram(['run', 'nmnist-train', '--dashboard', '--engine', 'wasm']);
  expect(unfed.err).toMatch(/^dashboard: http:\/\/127\.0\.0\.1:\d+\/$/m);
  expect(unfed.error?.message).toMatch(/^--data: expected/);
  const wrong = await runProgram(['run', 'nmnist-train', '--dashboard', '70000']);
  expect(wrong.error?.message).toBe('--dashboard: expected a whole number from 0 to 65535, found "70000"');
});
