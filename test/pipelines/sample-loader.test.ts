import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import nmnistTrain from '../../pipelines/nmnist-train.ts';
import { sampleShape } from '../../pipelines/training/binning-options.ts';
import { SampleCache } from '../../pipelines/training/sample-cache.ts';
import { SampleLoader } from '../../pipelines/training/sample-loader.ts';
import type { Sample } from '../../src/events.ts';
import type { Dataset, LabelledRecording } from '../../src/streams/datasets/dataset.ts';
import { openNmnist } from '../../src/streams/datasets/nmnist.ts';
import { DiskSampleCache } from '../../src/streams/sample-cache/disk-sample-cache.ts';
import { makeZip } from '../streams/archives/make-archive.ts';
import { temporaryFolders } from '../streams/temporary-folder.ts';
import { runCaptured, timelessMetrics, writeTinyNmnist } from './training-harness.ts';

const makeFolder = temporaryFolders();
const values = { size: 12, bins: 4, binMs: undefined, steps: undefined };

/** A run's passes over a data set: their samples, and how many recordings were decoded. */
async function passes(
  data: string,
  cacheDir: string | undefined,
  options: { readonly bins?: number; readonly limitBytes?: number; readonly epochs?: number } = {},
): Promise<{ samples: Sample[]; decoded: number; disk: DiskSampleCache | undefined }> {
  const { bins = 4, limitBytes = 1e9, epochs = 1 } = options;
  const set: Dataset<LabelledRecording> = await openNmnist(data);
  const { read, transform } = sampleShape({ ...values, bins }, set.size!, set.classNames);
  let decoded = 0;
  const disk = cacheDir === undefined ? undefined : new DiskSampleCache(cacheDir, limitBytes, transform);
  const loader = new SampleLoader(
    {
      read: (token: LabelledRecording) => {
        decoded++;
        return read(token);
      },
    },
    new SampleCache(0),
    disk,
  );
  let samples: Sample[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    samples = [];
    for (const token of set.parts.all!) samples.push(await loader.load(token));
  }
  expect(loader.counters.events).toBe(240 * epochs * samples.length);
  await set.close();
  return { samples, decoded, disk };
}

function entriesIn(cacheDir: string): string[] {
  return readdirSync(cacheDir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.arrow'))
    .map((name) => join(cacheDir, name));
}

describe('SampleLoader with a disk cache', () => {
  it('decodes nothing in the second epoch, nor in the second run', async () => {
    const [data, cacheDir] = [makeFolder(), makeFolder()];
    await writeTinyNmnist(data, { train: 2, test: 1 });
    const plain = await passes(data, undefined);
    const first = await passes(data, cacheDir, { epochs: 2 });
    const second = await passes(data, cacheDir);
    expect([plain.decoded, first.decoded, second.decoded]).toEqual([30, 20, 0]);
    expect(first.samples).toStrictEqual(plain.samples);
    expect(second.samples).toStrictEqual(plain.samples);
  });

  it('keeps samples by content: not by name, and anew for another transform or another recording', async () => {
    const [data, cacheDir] = [makeFolder(), makeFolder()];
    await writeTinyNmnist(data, { train: 1, test: 1 });
    await passes(data, cacheDir);
    // Training and test recordings of a digit are alike in this set.
    expect(entriesIn(cacheDir)).toHaveLength(10);
    expect((await passes(data, cacheDir, { bins: 5 })).decoded).toBeGreaterThanOrEqual(10);
    appendFileSync(join(data, 'Train', '3', '00000.bin'), new Uint8Array([1, 1, 128, 117, 48]));
    const changed = new Set(entriesIn(cacheDir));
    const set = await openNmnist(data);
    const { read, transform } = sampleShape(values, set.size!, set.classNames);
    const loader = new SampleLoader(
      { read },
      new SampleCache(0),
      new DiskSampleCache(cacheDir, 1e9, transform),
    );
    const sample = await loader.load(set.parts.train![3]!);
    expect(sample.frames).toStrictEqual((await read(set.parts.train![3]!)).sample.frames);
    expect(entriesIn(cacheDir).filter((path) => !changed.has(path))).toHaveLength(1);
  });

  it('keeps members of archives too', async () => {
    const [folder, cacheDir] = [makeFolder(), makeFolder()];
    await writeTinyNmnist(folder, { train: 1, test: 0 });
    const members = Array.from({ length: 10 }, (_, digit) => {
      const name = `Train/${digit}/00000.bin`;
      return { name, content: readFileSync(join(folder, name)), deflate: true };
    });
    const data = makeFolder({ 'Train.zip': makeZip(members) });
    const first = await passes(data, cacheDir);
    const second = await passes(data, cacheDir);
    expect([first.decoded, second.decoded]).toEqual([10, 0]);
    expect(second.samples).toStrictEqual(first.samples);
  });

  it('builds a damaged entry anew, and never serves it', async () => {
    const [data, cacheDir] = [makeFolder(), makeFolder()];
    await writeTinyNmnist(data, { train: 1, test: 0 });
    const plain = await passes(data, cacheDir);
    for (const [i, path] of entriesIn(cacheDir).entries()) {
      const bytes = readFileSync(path);
      if (i % 3 === 0) bytes[bytes.length >> 1]! ^= 4;
      writeFileSync(path, i % 3 === 1 ? bytes.subarray(0, 100 * i) : i % 3 === 2 ? '' : bytes);
    }
    const repaired = await passes(data, cacheDir);
    expect(repaired.samples).toStrictEqual(plain.samples);
    expect([repaired.decoded, repaired.disk!.counters.damaged]).toEqual([10, 10]);
    expect((await passes(data, cacheDir)).decoded).toBe(0);
  });

  it('stays within its size, and goes on where it cannot write', async () => {
    const [data, cacheDir] = [makeFolder(), makeFolder()];
    await writeTinyNmnist(data, { train: 1, test: 0 });
    const plain = await passes(data, undefined);
    const small = await passes(data, cacheDir, { limitBytes: 9000, epochs: 2 });
    const kept = entriesIn(cacheDir).length;
    expect(kept).toBeGreaterThan(1);
    expect([small.decoded, small.samples]).toStrictEqual([20 - kept, plain.samples]);
    expect(small.disk!.refusedBytes).toBeGreaterThan(0);
    const file = join(makeFolder({ file: '' }), 'file');
    const none = await passes(data, file, { epochs: 2 });
    expect(none.samples).toStrictEqual(plain.samples);
    expect(none.disk!.fault).toBeInstanceOf(Error);
  });
});

describe('training with a disk cache', () => {
  it('gives the numbers of a training without one', async () => {
    const [data, cacheDir] = [makeFolder(), makeFolder()];
    await writeTinyNmnist(data, { train: 1, test: 1 });
    const run = async (options: Record<string, unknown>): Promise<object[]> => {
      const out = join(makeFolder(), 'run');
      await runCaptured(nmnistTrain, {
        data,
        epochs: 2,
        bins: 2,
        size: 8,
        engine: 'wasm',
        threads: 1,
        report: 'none',
        cache: 0,
        out,
        ...options,
      });
      return timelessMetrics(out);
    };
    const plain = await run({ diskCache: 0 });
    expect(await run({ cacheDir })).toEqual(plain);
    expect(entriesIn(cacheDir).length).toBeGreaterThan(0);
  });
});
