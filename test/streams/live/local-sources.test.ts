import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LiveOptions, type LiveSource, liveSource } from '../../../src/streams/live/live-source.ts';
import { collect, endAt, expectRows, fromFirst, type Loaded, load } from './loopback.ts';
import { type Row, rowsOf } from './protocols/decoding.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../fixtures/recordings/${name}`, import.meta.url));

let recording: Loaded;
let folder: string;
beforeAll(async () => {
  const loaded = await load(fixture('dvs128.aedat'));
  recording = { ...loaded, rows: fromFirst(loaded.rows) };
  folder = await mkdtemp(join(tmpdir(), 'rxspike-local-'));
});
afterAll(() => rm(folder, { recursive: true }));

function listen(url: string, options: Partial<LiveOptions> = {}): Promise<LiveSource> {
  return liveSource(url, { sensor: recording.sensor, ...options });
}

describe('a source on this machine', () => {
  it('a file is replayed by its clock, again and again, and its time goes on', async () => {
    const source = await listen(`file:${fixture('nmnist.bin')}?speed=20&loop&sensor=34x34`);
    const { rows: once } = await load(fixture('nmnist.bin'));
    const rows: Row[] = [];
    for await (const chunk of source.chunks()) {
      rows.push(...rowsOf([chunk]));
      if (rows.length >= 2 * once.length) break;
    }
    expectRows(fromFirst(rows.slice(0, once.length)), fromFirst(once));
    const again = rows.slice(once.length, 2 * once.length);
    expectRows(fromFirst(again), fromFirst(once));
    expect(again[0]![0]).toBe(rows[once.length - 1]![0]);
  });

  it('a file as fast as it is taken loses nothing before a slow consumer', async () => {
    const source = await listen(`${fixture('dvs128.aedat')}?speed=max`, { ringEvents: 700 });
    const rows: Row[] = [];
    for await (const chunk of source.chunks()) {
      rows.push(...rowsOf([chunk]));
      await sleep(1);
    }
    expectRows(fromFirst(rows), recording.rows);
    expect(source.counters.dropped).toBe(0);
  });

  it.each([
    ['dvs128.aedat', 1000],
    ['evt3.raw', 333],
    ['evt21.raw', 3],
    ['evt2.raw', 7],
    ['davis346-lz4.aedat4', 77],
    ['events.csv', 4096],
    ['events.arrow', 512],
    ['dvs.es', 64],
  ])(
    'a pipe of %s in blocks of %d bytes is read as it comes, with the size that it says',
    async (name, size) => {
      const { rows, sensor } = await load(fixture(name));
      const bytes = await readFile(fixture(name));
      async function* pipe(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      }
      const source = await listen(sensor === undefined ? '-?sensor=640x480' : '-', {
        pipe: pipe(),
        ringEvents: 4000,
        sensor: { width: 640, height: 480 },
      });
      expectRows(await collect(source), rows);
      if (sensor !== undefined) expect(source.sensor).toEqual(sensor);
      expect(source.protocol?.detected).toBe(true);
    },
  );

  it('a pipe whose writer pauses within the first line is told later', async () => {
    const bytes = await readFile(fixture('events.csv'));
    async function* pipe(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 3);
      await sleep(600);
      yield bytes.subarray(3);
    }
    const { rows } = await load(fixture('events.csv'));
    const source = await listen('-?sensor=640x480', { pipe: pipe() });
    expectRows(await collect(source), rows);
  });

  it('a pipe of nonsense is one line', async () => {
    async function* pipe(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(70_000).fill(7);
    }
    const source = await listen('-', { pipe: pipe() });
    await expect(collect(source)).rejects.toThrow(/^not a recording that can be read /);
  });

  it('a pipe that is silent ends with the signal', async () => {
    const stop = new AbortController();
    async function* pipe(): AsyncGenerator<Uint8Array> {
      await new Promise(() => {});
      yield new Uint8Array(0);
    }
    setTimeout(() => stop.abort(), 20);
    const source = await listen('-', { pipe: pipe(), signal: stop.signal });
    expect(await collect(source)).toEqual([]);
  });

  it('a pipe that is stopped accounts for each event that came', async () => {
    const bytes = await readFile(fixture('davis346-lz4.aedat4'));
    const stop = new AbortController();
    async function* pipe(): AsyncGenerator<Uint8Array> {
      yield bytes;
    }
    const source = await listen('-', { pipe: pipe(), signal: stop.signal, ringEvents: 100 });
    const iterator = source.chunks();
    await iterator.next();
    stop.abort();
    let next = await iterator.next();
    while (next.done !== true) next = await iterator.next();
    const { received, outOfRange, delivered, dropped, waiting } = source.counters;
    expect(received - outOfRange).toBe(delivered + dropped);
    expect(waiting).toBe(0);
    expect(received).toBeGreaterThan(500);
  });

  it('the simulator gives events without end, and says that no sensor saw them', async () => {
    const source = await listen('sim:?sensor=48x40&speed=max&seed=3');
    expect(source).toMatchObject({ simulated: true, sensor: { width: 48, height: 40 } });
    let events = 0;
    let last = 0;
    for await (const chunk of source.chunks()) {
      expect(chunk.origin).toBeGreaterThanOrEqual(last);
      last = chunk.origin + chunk.t.at(-1)!;
      events += chunk.t.length;
      if (last > 3_000_000) break;
    }
    expect(events).toBeGreaterThan(10_000);
  });

  it('a folder gives each recording that appears in it, complete', async () => {
    const source = await listen(folder);
    const received = collect(source);
    const bytes = await readFile(fixture('dvs128.aedat'));
    await sleep(50); // what is there before is not new
    await writeFile(join(folder, 'broken.aedat4'), bytes.subarray(1000, 2000));
    await writeFile(join(folder, '.hidden'), bytes);
    await rename(join(folder, '.hidden'), join(folder, 'walk.aedat'));
    await endAt(source, recording.rows.length);
    expectRows(fromFirst(await received), fromFirst(recording.rows));
    expect(source.counters.malformed).toBe(1);
  });

  it('a path without anything is one line', async () => {
    await expect(listen('file:/nowhere/at-all.aedat')).rejects.toThrow(
      '/nowhere/at-all.aedat: a recording or a folder expected, found nothing there',
    );
  });
});
