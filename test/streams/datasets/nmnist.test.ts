import { execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { FormatError, InputError } from '../../../src/errors.ts';
import type { EventChunk, Recording } from '../../../src/events.ts';
import { openNmnist } from '../../../src/streams/datasets/nmnist.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { makeTar, makeZip } from '../archives/make-archive.ts';
import { joinColumns } from '../columns.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const makeFolder = temporaryFolders();

/** N-MNIST records of events [x, y, on, micros]. */
function nmnistBytes(...events: [number, number, number, number][]): Uint8Array {
  return Uint8Array.from(
    events.flatMap(([x, y, on, t]) => [x, y, (on << 7) | (t >> 16), (t >> 8) & 255, t & 255]),
  );
}

async function columns(recording: Recording): Promise<unknown> {
  const chunks: EventChunk[] = [];
  for await (const chunk of recording.chunks()) chunks.push(chunk);
  return joinColumns(chunks);
}

const one = nmnistBytes([3, 4, 1, 70_000], [5, 6, 0, 80_000]);
const two = nmnistBytes([33, 0, 1, 5]);
const oneColumns = { t: [70_000, 80_000], x: [3, 5], y: [4, 6], on: [1, 0] };

const layouts: Record<string, () => Promise<Record<string, Uint8Array | string>>> = {
  folders: async () => ({ 'Train/7/00002.bin': one, 'Train/0/00010.bin': two, 'Test/1/00001.bin': two }),
  'zip archives': async () => ({
    'Train.zip': makeZip([
      { name: 'Train/7/00002.bin', content: one, deflate: true },
      { name: 'Train/0/00010.bin', content: two },
    ]),
    'Test.zip': makeZip([{ name: 'Test/1/00001.bin', content: two }]),
  }),
};

describe('openNmnist', () => {
  it.each(Object.keys(layouts))('opens the official layout as %s', async (layout) => {
    const set = await openNmnist(makeFolder(await layouts[layout]!()));
    expect(set).toMatchObject({ name: 'N-MNIST', simulated: false, size: { width: 34, height: 34 } });
    expect(set.parts.train!.map(({ id, label }) => [id, label])).toEqual([
      ['train/0/00010', 0],
      ['train/7/00002', 7],
    ]);
    const [test] = await lastValueFrom(set.stream('test').pipe(toArray()));
    expect(test).toMatchObject({ id: 'test/1/00001', label: 1, sensor: { width: 34, height: 34 } });
    expect(set.parts.all).toHaveLength(3);
    expect(await columns(set.parts.train![1]!)).toEqual(oneColumns);
    await set.close();
  });

  it.each(['folder', 'archives', 'both'])('opens recordings beside label lists: %s', async (form) => {
    const list = '#sample #class\r\n1\t7\r\n2\t0\r\n3\t5\r\n';
    const unpacked = { 'small/train1K.txt': list, 'small/1.bs2': one, 'small/2.bs2': two };
    const set = await openNmnist(
      makeFolder({
        ...(form === 'archives' ? {} : unpacked),
        ...(form === 'folder'
          ? {}
          : {
              'a.tar.gz': gzipSync(await makeTar({ 'small/train1K.txt': list, 'small/1.bs2': one })),
              'b.tar.gz': gzipSync(await makeTar({ 'small/train1K.txt': list, 'small/2.bs2': two })),
            }),
      }),
    );
    expect(set.parts.train!.map(({ id, label }) => [id, label])).toEqual([
      ['train/1', 7],
      ['train/2', 0],
    ]);
    expect(set.parts.test).toBeUndefined();
    expect(() => set.stream('test')).toThrow(InputError);
    expect(await columns(set.parts.train![0]!)).toEqual(oneColumns);
  });

  it('reports other folders, bad lists and bad recordings', async () => {
    await expect(openNmnist(makeFolder({ 'a.txt': '' }))).rejects.toThrow(
      /expected N-MNIST .* found 1 other files/,
    );
    const list = makeFolder({ 'test.txt': '#sample #class\n1\t7\n2\tseven\n', '1.bs2': one });
    await expect(openNmnist(list)).rejects.toThrow(
      new FormatError('label list: expected "sample class", found "2\\tseven"', {
        path: join(list, 'test.txt'),
        byteOffset: 19,
      }),
    );
    const cut = await openNmnist(
      makeFolder({ 'Test.zip': makeZip([{ name: 'Test/1/1.bin', content: one.subarray(0, 8) }]) }),
    );
    await expect(columns(cut.parts.test![0]!)).rejects.toThrow(/Test\.zip\/Test\/1\/1\.bin: .* at byte/);
    await cut.close();
  });
});

const archives = [
  'data/nmnist/nmnist_small_train_0001-0500.tar.gz',
  'data/nmnist/nmnist_small_train_0501-1000.tar.gz',
  'data/nmnist/nmnist_small_test100.tar.gz',
];

describeWithShared('handed-down N-MNIST', archives, () => {
  const count = (tokens: readonly { label: number }[]): number[] => {
    const counts = new Array<number>(10).fill(0);
    for (const { label } of tokens) counts[label]!++;
    return counts;
  };

  it('has the samples, classes and events that its lists and an independent reader count', async () => {
    const { parts } = await openNmnist(sharedPath('data/nmnist'));
    expect(count(parts.train!)).toEqual([97, 116, 99, 93, 105, 92, 94, 117, 87, 100]);
    expect(count(parts.test!)).toEqual([8, 14, 8, 11, 14, 7, 10, 15, 2, 11]);
    expect(parts.train!.slice(0, 4).map(({ id, label }) => [id, label])).toEqual([
      ['train/1', 5],
      ['train/2', 0],
      ['train/3', 4],
      ['train/4', 1],
    ]);
    let events = 0;
    for (const recording of parts.test!)
      for await (const chunk of recording.chunks()) events += chunk.t.length;
    expect(events).toBe(385_596);
  });

  it('is the same from one archive and from its content unpacked', async () => {
    const folder = makeFolder();
    const archive = join(folder, basename(archives[2]!));
    copyFileSync(sharedPath(archives[2]!), archive);
    const packed = await openNmnist(archive);
    const target = makeFolder();
    execFileSync('tar', ['xzf', archive, '-C', target]);
    const unpacked = await openNmnist(target);
    const facts = (set: typeof packed): unknown => set.parts.all!.map(({ id, label }) => [id, label]);
    expect(facts(unpacked)).toEqual(facts(packed));
    expect(await columns(unpacked.parts.test![42]!)).toEqual(await columns(packed.parts.test![42]!));
  });
});
