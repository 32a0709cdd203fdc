import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import nmnistTrain from '../../pipelines/nmnist-train.ts';
import { Augmentation } from '../../pipelines/training/augmentation.ts';
import { sampleShape } from '../../pipelines/training/binning-options.ts';
import { SampleCache } from '../../pipelines/training/sample-cache.ts';
import { SampleLoader } from '../../pipelines/training/sample-loader.ts';
import { OptionError } from '../../src/errors.ts';
import { openNmnist } from '../../src/streams/datasets/nmnist.ts';
import { DiskSampleCache } from '../../src/streams/sample-cache/disk-sample-cache.ts';
import { temporaryFolders } from '../streams/temporary-folder.ts';
import { runCaptured, writeTinyNmnist } from './training-harness.ts';

const makeFolder = temporaryFolders();
const sensor = { width: 34, height: 34 };

describe('Augmentation', () => {
  const texts = (text: string, id: string, epoch: number): string[] =>
    new Augmentation(text, sensor).chainFor(id, { seed: 1, epoch }).steps.map((step) => step.text);

  it('applies filters by chance, as a function of seed, epoch and recording', () => {
    const drawn = Array.from({ length: 200 }, (_, epoch) =>
      texts('flip@0.25;refractory:micros=9', 'a', epoch),
    );
    const flips = drawn.filter((names) => names.includes('flip')).length;
    expect(flips).toBeGreaterThan(30);
    expect(flips).toBeLessThan(70);
    expect(drawn.every((names) => names.includes('refractory:micros=9'))).toBe(true);
    expect(
      Array.from({ length: 200 }, (_, epoch) => texts('flip@0.25;refractory:micros=9', 'a', epoch)),
    ).toEqual(drawn);
    expect(
      Array.from({ length: 200 }, (_, epoch) => texts('flip@0.25;refractory:micros=9', 'b', epoch)),
    ).not.toEqual(drawn);
  });

  it('gives filters that draw a seed of their own, unless they have one', () => {
    const [first] = texts('jitter-space', 'a', 0);
    expect(first).toMatch(/^jitter-space:seed=\d+$/);
    expect(texts('jitter-space', 'a', 1)).not.toEqual([first]);
    expect(texts('jitter-space:deviation-x=2', 'a', 0)[0]).toMatch(/^jitter-space:deviation-x=2,seed=\d+$/);
    expect(texts('jitter-space:seed=5', 'a', 7)).toEqual(['jitter-space:seed=5']);
  });

  it.each([
    ['flop', /filter "flop": no such filter/],
    ['flip@0', /--augment: expected a probability above 0 and at most 1 after @, found "flip@0"/],
    ['flip@often', /--augment: expected a probability/],
    [
      'crop:x=0,y=0,width=10,height=10',
      /--augment: expected filters that keep the sensor's 34 x 34, found crop/,
    ],
    ['', /no such filter/],
  ])('refuses %j in one line', (text, message) => {
    expect(() => new Augmentation(text, sensor)).toThrow(message);
    expect(() => new Augmentation(text, sensor)).toThrow(OptionError);
  });
});

describe('training with --augment', () => {
  it('changes training samples in each epoch, keeps none of them, and leaves the others alone', async () => {
    const [data, cacheDir] = [makeFolder(), makeFolder()];
    await writeTinyNmnist(data, { train: 1, test: 0 });
    const set = await openNmnist(data);
    const values = { size: 34, bins: 4, binMs: undefined, steps: undefined };
    const shape = sampleShape(
      { ...values, augment: 'jitter-space;drop:probability=0.2' },
      sensor,
      set.classNames,
    );
    const disk = new DiskSampleCache(cacheDir, 1e9, shape.transform);
    const loader = new SampleLoader(shape, new SampleCache(1e9), disk);
    const [token] = set.parts.train!;
    const epochs = [
      await loader.load(token!, { seed: 3, epoch: 0 }),
      await loader.load(token!, { seed: 3, epoch: 1 }),
      await loader.load(token!, { seed: 3, epoch: 0 }),
    ];
    expect(epochs[2]!.frames).toStrictEqual(epochs[0]!.frames);
    expect(epochs[1]!.frames).not.toStrictEqual(epochs[0]!.frames);
    expect(disk.counters).toMatchObject({ hits: 0, misses: 0 });
    const plain = sampleShape(values, sensor, set.classNames);
    expect((await loader.load(token!)).frames).toStrictEqual((await plain.read(token!)).sample.frames);
    expect(plain.transform).toEqual(shape.transform);
  });

  it('trains, and tells a mistake before it starts', async () => {
    const data = makeFolder();
    await writeTinyNmnist(data, { train: 2, test: 1 });
    const options = { data, epochs: 1, bins: 2, size: 8, engine: 'wasm', threads: 1, report: 'none' };
    const out = join(makeFolder(), 'run');
    const { lines } = await runCaptured(nmnistTrain, { ...options, out, augment: 'flip@0.5;jitter-space' });
    expect(lines.at(-1)).toMatchObject({ type: 'result' });
    await expect(runCaptured(nmnistTrain, { ...options, out, augment: 'flip:x=3' })).rejects.toThrow(
      OptionError,
    );
  });
});
