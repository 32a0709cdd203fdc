import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { openEventFolder } from '../../../src/streams/datasets/event-folder.ts';
import { openNcaltech101 } from '../../../src/streams/datasets/ncaltech101.ts';
import { openNcars } from '../../../src/streams/datasets/ncars.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { makeZip } from '../archives/make-archive.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const makeFolder = temporaryFolders();
const fixture = (name: string): Uint8Array =>
  readFileSync(fileURLToPath(new URL(`../../../fixtures/recordings/${name}`, import.meta.url)));
const dvs128 = fixture('dvs128.aedat');
const bin = fixture('nmnist.bin');

async function count(recording: { chunks(): AsyncIterable<{ t: Uint32Array }> }): Promise<number> {
  let events = 0;
  for await (const chunk of recording.chunks()) events += chunk.t.length;
  return events;
}

describe('openEventFolder', () => {
  it('opens recordings of any format by class, in one observable', async () => {
    const path = makeFolder({
      'cat/10.aedat': dvs128,
      'cat/2.arrow': fixture('events.arrow'),
      'bird/1.aedat': dvs128,
      'bird/readme.txt': '',
      'bird/picture.png': '',
      'notes.md': '',
    });
    const set = await openEventFolder(path);
    expect(set).toMatchObject({
      classNames: ['bird', 'cat'],
      simulated: false,
      size: { width: 128, height: 128 },
    });
    const tokens = await lastValueFrom(set.stream('all').pipe(toArray()));
    expect(tokens.map(({ id, label }) => [id, label])).toEqual([
      ['bird/1', 0],
      ['cat/2', 1],
      ['cat/10', 1],
    ]);
    expect(set.parts.train).toBeUndefined();
    expect(await count(tokens[0]!)).toBe(1500);
    await set.close();
  });

  it('knows train and test folders, and archives', async () => {
    const path = makeFolder({
      'my-train.zip': makeZip([{ name: 'b/1.aedat', content: dvs128, deflate: true }]),
      'test/a/1.aedat': dvs128,
      'test/c/1.aedat': dvs128,
    });
    const set = await openEventFolder(path, { classNames: ['a', 'b'], sensor: { width: 128, height: 128 } });
    expect(set.parts.all!.map(({ id, label }) => [id, label])).toEqual([
      ['train/b/1', 1],
      ['test/a/1', 0],
    ]);
    expect([set.parts.train!.length, set.parts.test!.length]).toEqual([1, 1]);
    await set.close();
    const both = makeFolder({
      'train/b/1.aedat': dvs128,
      'train.zip': makeZip([{ name: 'b/1.aedat', content: dvs128 }]),
      'test.zip': makeZip([{ name: 'test/a/1.aedat', content: dvs128, deflate: true }]),
    });
    const divided = await openEventFolder(both);
    expect(divided.parts.train!.map(({ id, label }) => [id, label])).toEqual([['train/b/1', 1]]);
    expect(divided.parts.test!.map(({ id, label }) => [id, label])).toEqual([['test/a/1', 0]]);
    expect(await count(divided.parts.test![0]!)).toBe(1500);
    await divided.close();
  });

  it('says what it expected where there is nothing of it', async () => {
    const empty = makeFolder({ 'loose.aedat': dvs128 });
    await expect(openEventFolder(empty)).rejects.toThrow(
      new InputError(
        'expected event recordings in folders by class (cat/one.aedat), found 1 other files',
        empty,
      ),
    );
    await expect(openNcars(empty)).rejects.toThrow(/expected N-CARS .* found 1 other files/);
    await expect(openNcaltech101(empty)).rejects.toThrow(/expected N-Caltech101 .* found 1 other files/);
  });
});

describe('openNcaltech101', () => {
  it('opens recordings by class', async () => {
    const set = await openNcaltech101(
      makeFolder({
        'Caltech101/accordion/image_0001.bin': bin,
        'Caltech101/zebra/image_0001.bin': bin,
        'Caltech101_annotations/accordion/annotation_0001.txt': 'x',
      }),
    );
    expect(set).toMatchObject({
      name: 'N-Caltech101',
      classNames: ['accordion', 'zebra'],
      size: { width: 240, height: 180 },
    });
    expect(await count(set.parts.all![1]!)).toBeGreaterThan(0);
    await set.close();
  });
});

const real = ['data/recordings/evl_ncaltech101_faces_easy_0001.bin', 'data/recordings/tonic_ncars.dat'];
describeWithShared('real recordings of N-Caltech101 and N-CARS', real, () => {
  it('lie within their sensors, whole', async () => {
    const folder = makeFolder();
    for (const [name, from] of [
      ['c101/Caltech101/Faces_easy/image_0001.bin', real[0]!],
      ['ncars/n-cars_train/train/cars/obj_000001_td.dat', real[1]!],
      ['ncars/n-cars_test/test/background/obj_000001_td.dat', real[1]!],
    ]) {
      const file = join(folder, name!);
      mkdirSync(join(file, '..'), { recursive: true });
      copyFileSync(sharedPath(from!), file);
    }
    const caltech = await openNcaltech101(join(folder, 'c101'));
    expect(caltech.parts.all!.map(({ id }) => id)).toEqual(['Faces_easy/image_0001']);
    expect(await count(caltech.parts.all![0]!)).toBe(67_445);
    const cars = await openNcars(join(folder, 'ncars'));
    expect(cars.classNames).toEqual(['background', 'cars']);
    expect(cars.parts.train!.map(({ id, label }) => [id, label])).toEqual([['train/cars/obj_000001_td', 1]]);
    expect(cars.parts.test!.map(({ id, label }) => [id, label])).toEqual([
      ['test/background/obj_000001_td', 0],
    ]);
    expect(await count(cars.parts.train![0]!)).toBe(2009);
  });
});
