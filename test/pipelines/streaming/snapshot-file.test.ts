import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSnapshot, SnapshotFile } from '../../../pipelines/streaming/snapshot-file.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-snapshots-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Streams whose state is the number of times that it was asked for. */
function counting(): { times: number; snapshot(): Promise<Uint8Array<ArrayBuffer>> } {
  return {
    times: 0,
    async snapshot() {
      return Uint8Array.of(++this.times);
    },
  };
}

describe('readSnapshot', () => {
  it('gives what is there, nothing where nothing is, and removes what was left unfinished', async () => {
    const path = join(folder, 'state');
    expect(await readSnapshot(path)).toBeUndefined();
    await writeFile(path, 'state');
    await writeFile(`${path}.0123456789ab.tmp`, 'sta');
    await writeFile(`${path}.mine.tmp`, 'another file');
    expect(String(await readSnapshot(path))).toBe('state');
    expect(await readdir(folder)).toEqual(['state', 'state.mine.tmp']);
  });

  it('refuses what it cannot read in one line', async () => {
    await expect(readSnapshot(folder)).rejects.toThrow(`${folder}: cannot be read: EISDIR`);
  });
});

describe('SnapshotFile', () => {
  it('writes on demand, one write at a time, and at the end', async () => {
    const path = join(folder, 'written');
    const streams = counting();
    const file = new SnapshotFile(path, streams, () => expect.unreachable());
    await Promise.all([file.write(), file.write()]);
    expect([...(await readFile(path))]).toEqual([1]);
    file.every(60_000);
    await file.close();
    expect([...(await readFile(path))]).toEqual([2]);
  });

  it('tells of a write that fails, and goes on', async () => {
    const told: string[] = [];
    const path = join(folder, 'none', 'state');
    await new SnapshotFile(path, counting(), (line) => told.push(line)).write();
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`${path}: file cannot be written: its folder does not exist`);
  });
});
