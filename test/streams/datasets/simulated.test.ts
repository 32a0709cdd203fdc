import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { FormatError, InputError, OptionError } from '../../../src/errors.ts';
import type { EventChunk, Recording } from '../../../src/events.ts';
import {
  createDataset,
  type Dataset,
  type ImageToken,
  type LabelledRecording,
} from '../../../src/streams/datasets/dataset.ts';
import { openSimulatedImages, openSimulatedShapes } from '../../../src/streams/datasets/simulated.ts';
import { openRecording } from '../../../src/streams/recording-file.ts';
import { shapeImage } from '../../../src/streams/shapes.ts';
import { type Columns, joinColumns } from '../columns.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const makeFolder = temporaryFolders();
const sensor = { width: 20, height: 16 };

async function columns(recording: Recording): Promise<Columns> {
  const chunks: EventChunk[] = [];
  for await (const chunk of recording.chunks()) chunks.push(chunk);
  return joinColumns(chunks);
}

describe('openSimulatedShapes', () => {
  it('gives labelled recordings that are marked as simulated and come out alike each time', async () => {
    const set = await openSimulatedShapes({ count: 25, seed: 3, sensor });
    expect(set).toMatchObject({ simulated: true, size: sensor });
    const recordings = await lastValueFrom(set.stream('all').pipe(toArray()));
    expect(recordings).toHaveLength(25);
    expect(recordings.map(({ label }) => label).slice(8, 12)).toEqual([8, 9, 0, 1]);
    expect(recordings.every(({ simulated, sensor: size }) => simulated && size === sensor)).toBe(true);
    const first = await columns(recordings[0]!);
    expect(first.t.length).toBeGreaterThan(0);
    expect(await columns(recordings[0]!)).toEqual(first);
    const again = await openSimulatedShapes({ count: 1, seed: 3, sensor });
    expect(await columns(again.parts.all![0]!)).toEqual(first);
    const other = await openSimulatedShapes({ count: 1, seed: 4, sensor });
    expect(await columns(other.parts.all![0]!)).not.toEqual(first);
    await expect(openSimulatedShapes({ count: 0 })).rejects.toThrow(OptionError);
  });
});

describe('openSimulatedImages', () => {
  /** Shapes as a set of images that counts its decoded images. */
  function images(parts: Record<'train' | 'test', number>): {
    set: Dataset<ImageToken>;
    loads: () => number;
  } {
    let loaded = 0;
    const tokens = (part: 'train' | 'test'): ImageToken[] =>
      Array.from({ length: parts[part] }, (_, index) => ({
        id: `${part}/${index}`,
        label: index % 10,
        load: () => {
          loaded++;
          return Promise.resolve({ ...shapeImage(index), id: `${part}/${index}` });
        },
      }));
    const set = createDataset({
      name: 'images',
      classNames: Array.from({ length: 10 }, (_, i) => `class ${i}`),
      simulated: false,
      parts: { train: tokens('train'), test: tokens('test') },
    });
    return { set, loads: () => loaded };
  }

  it('simulates an image when it is first pulled and keeps its events for later runs', async () => {
    const cacheDir = join(makeFolder(), 'deep/cache');
    const source = images({ train: 3, test: 1 });
    const options = { cacheDir, sensor, loops: 1 };
    const set = await openSimulatedImages(source.set, options);
    expect(set).toMatchObject({ name: 'simulated images', simulated: true, size: sensor });
    expect(set.parts.train!.map(({ id, label, simulated }) => [id, label, simulated])).toEqual([
      ['train/0', 0, true],
      ['train/1', 1, true],
      ['train/2', 2, true],
    ]);
    expect(source.loads()).toBe(0);
    expect(readdirSync(cacheDir)).toEqual([]);

    const first = await columns(set.parts.train![1]!);
    const [file] = readdirSync(cacheDir);
    expect(file).toMatch(/^[0-9a-f]{64}\.arrow$/);
    const kept = await openRecording(join(cacheDir, file!));
    expect(kept).toMatchObject({ simulated: true, sensor });
    expect(await columns(kept)).toEqual(first);

    expect(await columns(set.parts.train![1]!)).toEqual(first);
    expect(source.loads()).toBe(1);
    const { mtimeMs } = statSync(join(cacheDir, file!));
    const next = await openSimulatedImages(images({ train: 3, test: 1 }).set, options);
    expect(await columns(next.parts.train![1]!)).toEqual(first);
    expect(statSync(join(cacheDir, file!)).mtimeMs).toBe(mtimeMs);
    expect(readdirSync(cacheDir)).toHaveLength(1);
  });

  it('never serves the events of other options or other images', async () => {
    const cacheDir = makeFolder();
    const { set } = images({ train: 2, test: 0 });
    const pull = async (options: object, index = 0): Promise<Columns> => {
      const simulated = await openSimulatedImages(set, { cacheDir, sensor, loops: 1, ...options });
      return columns(simulated.parts.train![index]!);
    };
    const plain = await pull({});
    expect(await pull({ threshold: 0.3 })).not.toEqual(plain);
    expect(await pull({ seed: 1 })).not.toEqual(plain);
    await pull({}, 1);
    expect(readdirSync(cacheDir)).toHaveLength(4);
    expect(await pull({})).toEqual(plain);
  });

  it('takes a limited number, classes and parts in proportion', async () => {
    const { set } = images({ train: 100, test: 20 });
    const simulated = await openSimulatedImages(set, { cacheDir: makeFolder(), sensor, limit: 60 });
    expect(simulated.parts.train).toHaveLength(50);
    expect(simulated.parts.test).toHaveLength(10);
    const counts = new Array<number>(10).fill(0);
    for (const { label } of simulated.parts.train!) counts[label]!++;
    expect(counts).toEqual(new Array(10).fill(5));
  });

  it('reports a cache that cannot be written and an event file that was damaged', async () => {
    const folder = makeFolder({ file: '' });
    const { set } = images({ train: 1, test: 0 });
    await expect(openSimulatedImages(set, { cacheDir: join(folder, 'file/cache') })).rejects.toThrow(
      InputError,
    );
    const cacheDir = makeFolder();
    const open = (): Promise<Dataset<LabelledRecording>> => openSimulatedImages(set, { cacheDir, sensor });
    const events = await columns((await open()).parts.all![0]!);
    const file = join(cacheDir, readdirSync(cacheDir)[0]!);
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, bytes.length / 2));
    await expect(columns((await open()).parts.all![0]!)).rejects.toThrow(FormatError);
    writeFileSync(file, bytes);
    expect(await columns((await open()).parts.all![0]!)).toEqual(events);
  });
});
