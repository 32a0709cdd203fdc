import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import type { EventChunk, Recording } from '../../../src/events.ts';
import { openCifar10Dvs } from '../../../src/streams/datasets/cifar10dvs.ts';
import { arrowEvents } from '../../../src/streams/formats/arrow.ts';
import { writeRecording } from '../../../src/streams/recording-file.ts';
import { shapeImage } from '../../../src/streams/shapes.ts';
import { simulateEvents } from '../../../src/streams/simulator.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { makeZip } from '../archives/make-archive.ts';
import { type Columns, joinColumns } from '../columns.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const makeFolder = temporaryFolders();

/** AEDAT 2.0 of a DVS128: events [x, y, on, micros] with x and y as jAER shows them, from the top left. */
function dvs128Bytes(...events: [number, number, number, number][]): Buffer {
  const body = Buffer.alloc(8 * events.length);
  events.forEach(([x, y, on, t], i) => {
    body.writeUInt32BE(((127 - y) << 8) | ((127 - x) << 1) | (1 - on), 8 * i);
    body.writeUInt32BE(t, 8 * i + 4);
  });
  return Buffer.concat([
    Buffer.from('#!AER-DAT2.0\r\n# AEChip: ch.unizh.ini.jaer.chip.retina.DVS128\r\n'),
    body,
  ]);
}

async function columns(recording: Recording): Promise<Columns> {
  const chunks: EventChunk[] = [];
  for await (const chunk of recording.chunks()) chunks.push(chunk);
  return joinColumns(chunks);
}

const plane = dvs128Bytes([10, 20, 1, 100], [30, 40, 0, 200]);
const cat = dvs128Bytes([1, 2, 0, 7]);

const layouts = {
  folders: {
    'airplane/cifar10_airplane_10.aedat': plane,
    'airplane/cifar10_airplane_2.aedat': cat,
    'cat/cifar10_cat_0.aedat': cat,
    'dat2mat.m': '',
    'cat/readme.txt': '',
  },
  'zipped classes': {
    'airplane.zip': makeZip([
      { name: 'airplane/cifar10_airplane_10.aedat', content: plane, deflate: true },
      { name: 'airplane/cifar10_airplane_2.aedat', content: cat },
    ]),
    'cat.zip': makeZip([{ name: 'cifar10_cat_0.aedat', content: cat, deflate: true }]),
  },
  'a zip of zips': {
    'CIFAR10DVS.zip': makeZip([
      {
        name: 'CIFAR10DVS/airplane.zip',
        content: makeZip([
          { name: 'cifar10_airplane_10.aedat', content: plane },
          { name: 'cifar10_airplane_2.aedat', content: cat },
        ]),
      },
      { name: 'CIFAR10DVS/cat.zip', content: makeZip([{ name: 'cat/cifar10_cat_0.aedat', content: cat }]) },
    ]),
  },
};

describe('openCifar10Dvs', () => {
  it.each(Object.keys(layouts) as (keyof typeof layouts)[])('opens %s', async (layout) => {
    const set = await openCifar10Dvs(makeFolder(layouts[layout]));
    expect(set).toMatchObject({ name: 'CIFAR10-DVS', simulated: false, size: { width: 128, height: 128 } });
    expect(set.classNames).toHaveLength(10);
    expect(set.parts.train).toBeUndefined();
    expect(set.parts.all!.map(({ id, label, simulated }) => [id, label, simulated])).toEqual([
      ['airplane/cifar10_airplane_2', 0, false],
      ['airplane/cifar10_airplane_10', 0, false],
      ['cat/cifar10_cat_0', 3, false],
    ]);
    // As the set is shown, rows and columns change places.
    expect(await columns(set.parts.all![1]!)).toEqual({
      t: [100, 200],
      x: [20, 40],
      y: [10, 30],
      on: [1, 0],
    });
    await set.close();
  });

  it('turns recordings as jAER does where asked', async () => {
    const set = await openCifar10Dvs(makeFolder(layouts.folders), { orientation: 'jaer' });
    expect(await columns(set.parts.all![1]!)).toEqual({
      t: [100, 200],
      x: [10, 30],
      y: [20, 40],
      on: [1, 0],
    });
  });

  it('takes folders of other classes, by their names', async () => {
    const set = await openCifar10Dvs(makeFolder({ 'walk/1': plane, 'run/1': cat }));
    expect(set.classNames).toEqual(['run', 'walk']);
    expect(set.parts.all!.map(({ id, label }) => [id, label])).toEqual([
      ['run/1', 0],
      ['walk/1', 1],
    ]);
  });

  it('knows simulated recordings by what their files say', async () => {
    const folder = makeFolder({ 'cat/none.txt': '' });
    const chunks = simulateEvents(shapeImage(3), { loops: 1 });
    const written = { format: arrowEvents, sensor: { width: 128, height: 128 }, simulated: true };
    await writeRecording(join(folder, 'cat/1.arrow'), chunks, written);
    const set = await openCifar10Dvs(folder);
    expect([set.simulated, set.parts.all![0]!.simulated]).toEqual([true, true]);
  });

  it('reports a folder without classes, and recordings that are none when they are pulled', async () => {
    await expect(openCifar10Dvs(makeFolder({ 'a.aedat': plane, 'b/c.txt': '' }))).rejects.toThrow(InputError);
    const folder = makeFolder({ 'cat/1.aedat': cat, 'cat/2.aedat': 'not a recording at all' });
    const set = await openCifar10Dvs(folder);
    await expect(columns(set.parts.all![1]!)).rejects.toThrow(
      `${join(folder, 'cat/2.aedat')}: not a recording that can be read`,
    );
  });
});

const real = {
  original: 'data/recordings/dvs128_alex_walking_again.aedat',
  converted: 'data/recordings/redpob_dvSave-2024_06_13_16_16_25.aedat4',
};

describeWithShared('openCifar10Dvs with recordings of its layouts', Object.values(real), () => {
  it('reads the original AEDAT 2.0 and the converted AEDAT 4, as a file and from a zip', async () => {
    const original = readFileSync(sharedPath(real.original));
    const converted = readFileSync(sharedPath(real.converted));
    const set = await openCifar10Dvs(
      makeFolder({
        'airplane/cifar10_airplane_0.aedat': original,
        'bird.zip': makeZip([{ name: 'bird/cifar10_bird_0.aedat', content: original, deflate: true }]),
        'cat/cifar10_cat_0.aedat4': converted,
        'deer.zip': makeZip([{ name: 'deer/cifar10_deer_0.aedat4', content: converted }]),
      }),
    );
    expect(set.parts.all!.map(({ label }) => label)).toEqual([0, 2, 3, 4]);
    const [plane, bird, cat, deer] = await Promise.all(set.parts.all!.map(columns));
    const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
    // Counts and sums of an independent reader, the first transposed for display.
    expect([plane!.t.length, sum(plane!.x), sum(plane!.y)]).toEqual([19_182, 1_034_515, 1_059_597]);
    expect([cat!.t.length, sum(cat!.x), sum(cat!.y)]).toEqual([18_342, 912_567, 1_098_973]);
    expect(bird).toEqual(plane);
    expect(deer).toEqual(cat);
    await set.close();
  });
});
