import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { barEvents } from '../../fixtures/recordings/scene.ts';
import { OptionError, RxspikeError } from '../../src/errors.ts';
import { aedat4 } from '../../src/streams/formats/aedat4.ts';
import { formats } from '../../src/streams/formats/index.ts';
import { openRecording, writeRecording } from '../../src/streams/recording-file.ts';
import { describeWithShared, sharedPath } from '../shared-data.ts';
import { collect, joinColumns } from '../streams/columns.ts';
import { temporaryFolders } from '../streams/temporary-folder.ts';
import { jsonLines, runProgram } from './run-program.ts';

const folderOf = temporaryFolders();
/** A sensor and times that every format can hold. */
const sensor = { width: 128, height: 128 };
const events = barEvents('convert', sensor, 30_000, 0);
const columns = joinColumns([events]);

async function source(folder: string): Promise<string> {
  const path = join(folder, 'in.aedat4');
  await writeRecording(path, [events], { format: aedat4, sensor, simulated: false });
  return path;
}

const read = async (path: string) => joinColumns(await collect((await openRecording(path)).chunks()));

const written = formats.filter(({ createEncoder }) => createEncoder !== undefined);

it.each(written.map(({ name }) => name))('pipeline convert writes %s, told by its name', async (name) => {
  const format = written.find((candidate) => candidate.name === name)!;
  const folder = folderOf();
  const path = join(folder, `out${format.extensions?.[0] ?? '.any'}`);
  const run = await runProgram(['convert', await source(folder), path, '--json', '--format', name]);
  expect(run.error).toBeUndefined();
  expect(jsonLines(run.out)).toMatchObject([{ type: 'conversion', out: path, format: name, events: 30_000 }]);
  const first = await read(path);
  // EVT2 counts time from what it is given; all others from 0.
  const shift = first.t[0]! - columns.t[0]!;
  expect({ ...first, t: first.t.map((time) => time - shift) }).toEqual(columns);
  expect((await openRecording(path)).format.name).toBe(name);
  expect(readdirSync(folder).sort()).toEqual(['in.aedat4', path.slice(folder.length + 1)].sort());
});

it('pipeline convert cuts, filters, and says what it wrote', async () => {
  const folder = folderOf();
  const path = join(folder, 'out.csv');
  const [from, to] = [columns.t[10_000]!, columns.t[20_000]!];
  const run = await runProgram([
    'convert',
    await source(folder),
    path,
    '--from',
    String(from),
    '--to',
    String(to),
    '--filter',
    'crop:x=0,y=0,width=64,height=128',
    '--filter',
    'transpose',
  ]);
  expect(run.error).toBeUndefined();
  const kept = columns.t.flatMap((time, i) => (time >= from && time < to && columns.x[i]! < 64 ? [i] : []));
  const found = await read(path);
  expect(found.t).toEqual(kept.map((i) => columns.t[i]));
  expect(found.x).toEqual(kept.map((i) => columns.y[i]));
  expect(run.out).toBe(
    `${path}: text, ${kept.length} events, ${readFileSync(path).length} bytes; crop:x=0,y=0,width=64,height=128 made ${kept.length} of 10000\n`,
  );
});

it('pipeline convert reads text as it is told', async () => {
  const folder = folderOf();
  const path = join(folder, 'in.txt');
  writeFileSync(path, '1 5 7 0\n0 6 8 20\n');
  const options = ['--columns', 'pxyt', '--time-unit', 'ms', '--sensor', '128x128'];
  const out = join(folder, 'out.arrow');
  expect((await runProgram(['convert', path, out, ...options])).error).toBeUndefined();
  expect(await read(out)).toEqual({ t: [0, 20_000], x: [5, 6], y: [7, 8], on: [1, 0] });
});

it.each([
  [['out.xyz'], 'out.xyz: its name tells no format; give --format, one of'],
  [['out.aedat4', '--format', 'hdf5'], '--format: expected one of'],
  [['out.h5'], 'HDF5 can be read but not written'],
  [['out.arrow', '--filter', 'corp'], 'did you mean crop'],
  [['out.arrow', '--sensor', '12'], '--sensor: expected WIDTHxHEIGHT'],
  [['out.arrow', '--from', 'soon'], '--from: expected whole microseconds'],
  [['out.arrow'], 'needs the size of the sensor'],
] as const)('pipeline convert refuses %j', async ([name, ...options], message) => {
  const folder = folderOf();
  const path = join(folder, 'in.txt');
  writeFileSync(path, '0.5 5 7 1\n0.6 6 8 0\n');
  const { error } = await runProgram(['convert', path, join(folder, name), ...options]);
  expect(error).toBeInstanceOf(OptionError);
  expect(error?.message).toContain(message);
  expect(readdirSync(folder)).toEqual(['in.txt']);
});

it('pipeline convert leaves nothing behind where the input is damaged', async () => {
  const folder = folderOf();
  const path = await source(folder);
  writeFileSync(path, readFileSync(path).subarray(0, 60_000));
  const { error } = await runProgram(['convert', path, join(folder, 'out.parquet')]);
  expect(error).toBeInstanceOf(RxspikeError);
  expect(error?.message).toMatch(new RegExp(`^${path}: .* at byte \\d+$`));
  expect(readdirSync(folder)).toEqual(['in.aedat4']);
});

const real = 'data/recordings/faery_evt2.raw';
describeWithShared('pipeline convert of a real recording', [real], () => {
  it.each(['.aedat4', '.parquet', '.arrow', '.csv'])('to %s and back keeps every event', async (ending) => {
    const path = join(folderOf(), `out${ending}`);
    const run = await runProgram(['convert', sharedPath(real), path]);
    expect(run.error).toBeUndefined();
    let count = 0;
    const [whole, copy] = [await openRecording(sharedPath(real)), await openRecording(path)];
    const [a, b] = [whole.chunks()[Symbol.asyncIterator](), copy.chunks()[Symbol.asyncIterator]()];
    // Chunks are cut alike but for their origins: sums tell a difference at any event.
    const sum = async (chunks: typeof a): Promise<number[]> => {
      const sums = [0, 0, 0, 0];
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
        const { origin, t, x, y, on } = next.value;
        for (let i = 0; i < t.length; i++) {
          sums[0]! += (origin + t[i]!) % 1e6;
          sums[1]! += x[i]! * (1 + (t[i]! & 7));
          sums[2]! += y[i]! * (1 + (x[i]! & 7));
          sums[3]! += on[i]! * (1 + (y[i]! & 7));
          count++;
        }
      }
      return sums.filter((_, i) => i !== 1);
    };
    expect(await sum(b)).toEqual(await sum(a));
    expect(count).toBe(2 * 521_252);
  });
});
