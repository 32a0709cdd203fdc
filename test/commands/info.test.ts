import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFixtures } from '../../fixtures/recordings/fixtures.ts';
import { RxspikeError } from '../../src/errors.ts';
import { describeWithShared, sharedPath } from '../shared-data.ts';
import { jsonLines, runProgram } from './run-program.ts';

const walking = 'data/recordings/dvs128_alex_walking_again.aedat';
const davis = 'data/recordings/aestream_davis.aedat4';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-info-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

/** The N-MNIST records of three events. */
const threeEvents = Uint8Array.from([1, 2, 0x80, 0, 10, 3, 4, 0, 0, 20, 5, 6, 0x80, 1, 0]);

describe('pipeline info', () => {
  it('shows what a recording holds', async () => {
    const path = await fileOf('three.bin', threeEvents);
    const { out, code, error } = await runProgram(['info', path]);
    expect(error).toBeUndefined();
    expect(code).toBe(0);
    expect(out.split('\n')[0]).toBe(path);
    expect(out).toMatch(/format +N-MNIST/);
    expect(out).toMatch(/events +3\n/);
    expect(out).toMatch(/polarity +2 on, 1 off \(66\.7 % on\)/);
    expect(out).toMatch(/duration +0\.000246 s/);
  });

  it('prints a JSON line for each file', async () => {
    const path = await fileOf('three.bin', threeEvents);
    const lines = jsonLines((await runProgram(['info', '--json', path, path])).out);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({
      type: 'recording',
      path,
      bytes: 15,
      format: 'nmnist',
      simulated: false,
      events: 3,
      on: 2,
      off: 1,
      firstMicros: 10,
      lastMicros: 256,
      durationMicros: 246,
      counters: { events: 3, backward: 0, outOfRange: 0 },
    });
  });

  it('tells every format by its content, several files in one go', async () => {
    const fixtures = await makeFixtures();
    const paths = await Promise.all(fixtures.map(({ bytes }, i) => fileOf(`${i}.any`, bytes)));
    const lines = jsonLines((await runProgram(['info', '--json', ...paths])).out);
    expect(lines.map(({ format }) => format)).toEqual(fixtures.map(({ format }) => format.name));
    expect(lines.map(({ events }) => events)).toEqual(fixtures.map(({ events }) => events.t.length));
  });

  it('reads text as it is told, and a part of a recording', async () => {
    const path = await fileOf('three.txt', new TextEncoder().encode('1 2 3 10\n0 4 5 20\n1 6 7 30\n'));
    const options = ['--columns', 'pxyt', '--time-unit', 'ms', '--from', '15000'];
    const [line] = jsonLines((await runProgram(['info', '--json', ...options, path])).out);
    expect(line).toMatchObject({ format: 'csv', events: 2, firstMicros: 20_000, lastMicros: 30_000 });
  });

  it('shows no progress for quick work, nor where nobody watches', async () => {
    const path = await fileOf('three.bin', threeEvents);
    expect((await runProgram(['info', path], { isTTY: true })).err).toBe('');
  });

  it.each([
    ['a missing path', 'missing.aedat', undefined],
    ['an empty file', 'empty.aedat', new Uint8Array(0)],
    ['random bytes', 'random.bin', Uint8Array.from({ length: 997 }, (_, i) => (i * 7919 + 13 * i * i) & 255)],
    ['a text', 'text.aedat4', new TextEncoder().encode('hello, this is no recording\n')],
    ['a cut header', 'cut.aedat4', new TextEncoder().encode('#!AER-DAT4.0\r\n')],
  ])('answers %s with one line that names it', async (_, name, bytes) => {
    const path = bytes === undefined ? join(folder, name) : await fileOf(name, bytes);
    const { error, out, code } = await runProgram(['info', path]);
    expect(error).toBeInstanceOf(RxspikeError);
    expect(error?.message).toContain(path);
    expect(error?.message).not.toContain('\n');
    expect(out).toBe('');
    expect(code).toBe(1);
  });

  it('answers a directory with one line', async () => {
    const { error } = await runProgram(['info', folder]);
    expect(error).toBeInstanceOf(RxspikeError);
    expect(error?.message).toContain(folder);
  });

  it('shows the other files where some cannot be read, and throws every fault', async () => {
    const good = await fileOf('three.bin', threeEvents);
    const { out, error } = await runProgram(['info', join(folder, 'a'), good, join(folder, 'b')]);
    expect(out).toContain(good);
    expect((error as AggregateError).errors).toHaveLength(2);
  });
});

describeWithShared(
  'pipeline info on real recordings',
  [walking, davis, 'expected/events/decoded_summary.json'],
  () => {
    it('counts as the independent decoder does', async () => {
      const lines = jsonLines(
        (await runProgram(['info', '--json', sharedPath(walking), sharedPath(davis)])).out,
      );
      expect(lines[0]).toMatchObject({
        format: 'aedat2',
        events: 19182,
        sensor: { width: 128, height: 128 },
      });
      expect(lines[1]).toMatchObject({
        format: 'aedat4',
        events: 117667,
        sensor: { width: 346, height: 260 },
      });
    });

    it('answers a truncated file with its path and the byte offset', async () => {
      const bytes = await readFile(sharedPath(davis));
      const path = await fileOf('truncated.aedat4', bytes.subarray(0, 100_001));
      const { error } = await runProgram(['info', path]);
      expect(error?.message).toMatch(new RegExp(`^${path}: .* at byte \\d+$`));
    });
  },
);
