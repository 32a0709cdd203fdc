import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import mnistDfa from '../../pipelines/mnist-dfa.ts';
import { decodeCheckpoint } from '../../src/models/checkpoint.ts';
import { RandomStream } from '../../src/random.ts';
import { capture, runCaptured, timelessMetrics } from './training-harness.ts';

let folder: string;
let data: string;
let runs = 0;
const fresh = (): string => join(folder, `run-${runs++}`);

/** An idx file: a magic, sizes, then bytes. */
function idx(magic: number, sizes: number[], values: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  for (const [i, word] of [magic, ...sizes].entries()) header.writeUInt32BE(word, 4 * i);
  return Buffer.concat([header, values]);
}

/** Digits as bars, each at its own row, with noise. */
async function writeTinyMnist(path: string): Promise<void> {
  await mkdir(path);
  for (const [part, count] of [
    ['train', 80],
    ['t10k', 20],
  ] as const) {
    const labels = Uint8Array.from({ length: count }, (_, i) => i % 10);
    const pixels = new Uint8Array(count * 784);
    const random = new RandomStream(1, part);
    for (let i = 0; i < pixels.length; i++) {
      const row = Math.floor((i % 784) / 28);
      const bar = Math.floor((row - 4) / 2) === labels[Math.floor(i / 784)];
      pixels[i] = bar ? 200 : random.integer(i, 30);
    }
    await writeFile(join(path, `${part}-images-idx3-ubyte`), idx(0x803, [count, 28, 28], pixels));
    await writeFile(join(path, `${part}-labels-idx1-ubyte`), idx(0x801, [count], labels));
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-dfa-'));
  data = join(folder, 'mnist');
  await writeTinyMnist(data);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const given = () => ({
  ...{ data, out: fresh(), engine: 'wasm', threads: 1, report: 'none' },
  ...{ hidden: '24,16', timesteps: 6, batchSize: 8, epochs: 2, lr: 0.01, angleEvery: 4 },
});

describe('mnist-dfa', () => {
  it('learns, by feedback that never changes, and says the angle to the true gradient', async () => {
    const { out, ...options } = { ...given(), epochs: 6 };
    const { lines } = await runCaptured(mnistDfa, { ...options, out });
    expect(lines.map(({ type }) => type)).toStrictEqual([...new Array(6).fill('epoch'), 'result']);
    const [first, last] = [lines[0]!, lines[5]!] as [Record<string, number>, Record<string, number>];
    expect(last['trainLoss']).toBeLessThan(0.7 * first['trainLoss']!);
    expect(last['testAccuracy']).toBeGreaterThan(0.5);
    const angles = last['trainQuantities'] as unknown as Record<string, number>;
    const names = ['angle (hidden1.weight)', 'angle (hidden2.weight)', 'angle (output.weight)'];
    expect(Object.keys(angles)).toStrictEqual(names);
    expect(angles[names[2]!]).toBeLessThan(0.5);
    expect(Math.max(...Object.values(angles))).toBeLessThan(180);
    const feedback = async (run: string) => {
      const path = join(run, 'checkpoints', 'dfa-last.safetensors');
      const { tensors, feed } = decodeCheckpoint(await readFile(path));
      expect(feed).toMatchObject({ encoding: { kind: 'poisson', steps: 6, gain: 0.8, offset: 0 } });
      return ['hidden1', 'hidden2'].map((layer) => tensors.get(`${layer}.feedback`)!.values);
    };
    const short = fresh();
    await runCaptured(mnistDfa, { ...options, epochs: 1, out: short });
    expect(await feedback(short)).toStrictEqual(await feedback(out));
  });

  it.each(['dfa', 'bptt'])('by %s, stopped and resumed, ends with the same bits', async (rule) => {
    const options = { ...given(), rule };
    await runCaptured(mnistDfa, options);
    const out = fresh();
    // Nine batches of training, one of validation, three of test: stopped within an epoch, and between two.
    for (const [request, updates] of [
      [{ ...options, out }, 4],
      [{ resume: out }, 12],
    ] as const) {
      const stopped = capture(true, (abort, count) => count === updates && abort());
      await runCaptured(mnistDfa, request, stopped);
    }
    await runCaptured(mnistDfa, { resume: out });
    expect(await timelessMetrics(out)).toStrictEqual(await timelessMetrics(options.out));
    const bytes = (run: string) =>
      readFile(join(run, 'checkpoints', `${rule}-last.safetensors`)).then((file) => {
        const { tensors, optimiser } = decodeCheckpoint(file);
        return [[...tensors], [...optimiser!.slots]];
      });
    expect(await bytes(out)).toStrictEqual(await bytes(options.out));
  });

  it.each(['sign-dfa', 'drtp'])('trains by %s, with the error of each step', async (rule) => {
    const { lines } = await runCaptured(mnistDfa, { ...given(), rule, error: 'step', epochs: 1 });
    expect(lines.at(-1)).toMatchObject({ type: 'result', model: rule });
  });

  it('says of the preset notebook why it hardly learns at first', async () => {
    const options = { ...given(), preset: 'notebook', lr: undefined, hidden: '12,10,8' };
    const captured = capture(false);
    await runCaptured(mnistDfa, options, captured);
    expect(captured.text.join('\n')).toContain('hardly learns at first: its biases alone');
    const result = JSON.parse(await readFile(join(options.out, 'result.json'), 'utf8'));
    expect(result.remarks).toHaveLength(1);
    const config = JSON.parse(await readFile(join(options.out, 'config.json'), 'utf8'));
    expect(config.options).toMatchObject({
      ...{ neuron: 'refractory', derivative: 'drive', optimiser: 'sgd', momentum: 0, lr: 0.1 },
      ...{ tau: 20, timestep: 0.25, refractory: 1, temperature: 0.5, gamma: 0.0338 },
      ...{ schedule: 'step', scheduleEpochs: 10, scheduleFactor: 0.95 },
    });
  });

  it('takes another loss for backpropagation alone', async () => {
    await expect(runCaptured(mnistDfa, { ...given(), loss: 'count' })).rejects.toThrow(
      '--loss: expected with --rule bptt alone, found with dfa',
    );
    const { lines } = await runCaptured(mnistDfa, { ...given(), rule: 'bptt', loss: 'tet', epochs: 1 });
    expect(lines.at(-1)).toMatchObject({ type: 'result', model: 'bptt' });
  });

  it('takes lists of numbers only', async () => {
    await expect(runCaptured(mnistDfa, { ...given(), hidden: '10,,5' })).rejects.toThrow(
      '--hidden: expected whole numbers above 0 with commas between, found "10,,5"',
    );
    await expect(runCaptured(mnistDfa, { ...given(), thresholds: 'high' })).rejects.toThrow(
      '--thresholds: expected numbers with commas between, found "high"',
    );
    await expect(runCaptured(mnistDfa, { ...given(), data: undefined })).rejects.toThrow(
      "--data: expected the folder of MNIST's idx files",
    );
  });
});
