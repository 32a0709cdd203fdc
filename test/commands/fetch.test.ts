import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import { openNmnist } from '../../src/streams/datasets/nmnist.ts';
import { type CatalogueEntry, catalogue } from '../../src/streams/fetch/catalogue.ts';
import { type FetchedFile, fetchDataset } from '../../src/streams/fetch/fetch-dataset.ts';
import { makeZip } from '../streams/archives/make-archive.ts';
import { serve, testServers } from '../streams/fetch/hostile-server.ts';
import { temporaryFolders } from '../streams/temporary-folder.ts';
import { jsonLines, runProgram } from './run-program.ts';

const makeFolder = temporaryFolders();
const startServer = testServers();

/** A set of two archives and a plain file, as its catalogue entry and a server that has it. */
async function smallSet() {
  const files: Record<string, Uint8Array> = {
    'Train.zip': makeZip([{ name: 'Train/7/1.bin', content: Uint8Array.of(1, 2, 128, 0, 9), deflate: true }]),
    'Test.zip': makeZip([{ name: 'Test/1/1.bin', content: Uint8Array.of(1, 2, 128, 0, 9), deflate: true }]),
    'notes.txt': Buffer.from('as is'),
  };
  const asked: string[] = [];
  const server = await startServer((request, response, number) => {
    const name = decodeURIComponent(request.url!.slice('/mirror/'.length));
    asked.push(name);
    serve(files[name]!)(request, response, number);
  });
  const entry: CatalogueEntry = {
    name: 'small',
    title: 'Small',
    page: 'https://example.org',
    licence: 'none',
    files: Object.keys(files).map((name) => ({ name })),
  };
  return { entry, asked, mirror: `${server.url}/mirror/` };
}

async function collect(files: AsyncIterable<FetchedFile>): Promise<FetchedFile[]> {
  const all: FetchedFile[] = [];
  for await (const file of files) all.push(file);
  return all;
}

describe('fetchDataset', () => {
  it('brings a set that its reader opens, and brings nothing twice', async () => {
    const { entry, asked, mirror } = await smallSet();
    const folder = join(makeFolder(), 'data', 'small');
    const fetched = await collect(fetchDataset(entry, folder, { mirror }));
    expect(fetched.map(({ name, state, verified }) => [name, state, verified])).toEqual([
      ['Train.zip', 'fetched', 'none'],
      ['Test.zip', 'fetched', 'none'],
      ['notes.txt', 'fetched', 'none'],
    ]);
    expect(readdirSync(folder).sort()).toEqual(['Test', 'Train', 'fetched.json', 'notes.txt']);
    const set = await openNmnist(folder);
    expect(set.parts.all!.map(({ id }) => id)).toEqual(['train/7/1', 'test/1/1']);
    const again = await collect(fetchDataset(entry, folder, { mirror }));
    expect(again.map(({ state, sha256 }) => [state, sha256])).toEqual(
      fetched.map(({ sha256 }) => ['here', sha256]),
    );
    expect(asked).toHaveLength(3);
  });

  it('is alone in its folder, and takes over from a process that is gone', async () => {
    const { entry, mirror } = await smallSet();
    const folder = makeFolder();
    const first = fetchDataset(entry, folder, { mirror });
    expect((await first.next()).value).toMatchObject({ name: 'Train.zip', state: 'fetched' });
    await expect(collect(fetchDataset(entry, folder, { mirror }))).rejects.toThrow(
      `process ${process.pid} on ${hostname()} is fetching into this folder; wait for it, or stop it`,
    );
    const lock = readFileSync(join(folder, '.fetching.lock'), 'utf8');
    expect(await collect(first)).toHaveLength(2);
    expect(readdirSync(folder).sort()).toEqual(['Test', 'Train', 'fetched.json', 'notes.txt']);
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    for (const left of [lock.replace(String(process.pid), String(gone)), '{', '']) {
      writeFileSync(join(folder, '.fetching.lock'), left);
      expect(await collect(fetchDataset(entry, folder, { mirror }))).toHaveLength(3);
    }
    // On another machine, a minute without a sign of life.
    writeFileSync(join(folder, '.fetching.lock'), lock.replace(hostname(), 'elsewhere'));
    await expect(collect(fetchDataset(entry, folder, { mirror }))).rejects.toThrow('on elsewhere');
    const before = new Date(Date.now() - 61_000);
    utimesSync(join(folder, '.fetching.lock'), before, before);
    expect(await collect(fetchDataset(entry, folder, { mirror }))).toHaveLength(3);
    expect(readdirSync(folder).sort()).toEqual(['Test', 'Train', 'fetched.json', 'notes.txt']);
  });

  it('stops where another process took its folder', async () => {
    const { entry, mirror } = await smallSet();
    const folder = makeFolder();
    const files = fetchDataset(entry, folder, { mirror });
    await files.next();
    const path = join(folder, '.fetching.lock');
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"token":"./, '"token":"x'));
    await expect(files.next()).rejects.toThrow('is fetching into this folder');
    expect(existsSync(path)).toBe(true);
  });

  it('of several that begin at once has one at work', async () => {
    const { entry, mirror } = await smallSet();
    const folder = makeFolder();
    writeFileSync(join(folder, '.fetching.lock'), 'nobody');
    const runs = await Promise.allSettled(
      Array.from({ length: 8 }, () => collect(fetchDataset(entry, folder, { mirror }))),
    );
    const finished = runs.filter(({ status }) => status === 'fulfilled');
    expect(finished.length).toBeGreaterThan(0);
    for (const run of runs) {
      if (run.status === 'rejected') expect(run.reason.message).toContain('is fetching into this folder');
    }
    expect(readdirSync(folder).sort()).toEqual(['Test', 'Train', 'fetched.json', 'notes.txt']);
  });

  it('keeps archives when told so, and unpacks one that was put there by hand', async () => {
    const { entry, asked, mirror } = await smallSet();
    const folder = makeFolder();
    await collect(fetchDataset(entry, folder, { mirror, keepArchives: true }));
    expect(existsSync(join(folder, 'Train.zip'))).toBe(true);
    const byHand = makeFolder({ 'Train.zip': readFileSync(join(folder, 'Train.zip')) });
    const only = { ...entry, files: entry.files.slice(0, 1) };
    const [file] = await collect(fetchDataset(only, byHand));
    expect(file).toMatchObject({ state: 'fetched', path: join(byHand, 'Train') });
    expect(asked).toHaveLength(3);
    await expect(collect(fetchDataset(only, makeFolder()))).rejects.toThrow(
      /Small is given to people only: download Train\.zip from https:\/\/example\.org into /,
    );
  });
});

describe('pipeline fetch', () => {
  it('lists the data sets', async () => {
    const { out } = await runProgram(['fetch', '--list']);
    for (const { name } of catalogue) expect(out).toContain(name);
    const lines = jsonLines((await runProgram(['fetch', '--list', '--json'])).out);
    expect(lines.map(({ name }) => name)).toEqual(catalogue.map(({ name }) => name));
  });

  it('fetches from a mirror, and says in one line what is wrong with it', async () => {
    const server = await startServer(serve(Buffer.from('not MNIST')));
    const to = makeFolder();
    const { error, out, code } = await runProgram(['fetch', 'mnist', '--mirror', server.url, '--to', to]);
    expect(error?.message).toMatch(
      /^http:\S+train-images-idx3-ubyte\.gz: expected 9912422 bytes, the server has a file of 9$/,
    );
    expect(out).toMatch(/^MNIST .*\nlicence: .*yann\.lecun\.com/);
    expect(code).toBe(1);
    expect(readdirSync(to)).toEqual([]);
  });

  it('names the known sets, and refuses other places than http', async () => {
    for (const [args, message] of [
      [[], /expected the name of a data set: nmnist, /],
      [['minst'], /no data set named "minst"; there are nmnist, /],
      [['mnist', '--mirror', 'file:///etc'], /--mirror: expected an http or https URL/],
    ] as const) {
      const { error } = await runProgram(['fetch', ...args]);
      expect(error).toBeInstanceOf(OptionError);
      expect(error?.message).toMatch(message);
    }
  });
});

describe('the catalogue', () => {
  it('has https places, whole checksums, and names that stay in their folder', () => {
    for (const { files, page } of catalogue) {
      expect(page).toMatch(/^https?:\/\//);
      for (const { name, url, md5, sha256 } of files) {
        expect(name).toMatch(/^[\w.-]+$/);
        if (url !== undefined) expect(url).toMatch(/^https:\/\//);
        if (md5 !== undefined) expect(md5).toMatch(/^[0-9a-f]{32}$/);
        if (sha256 !== undefined) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      }
    }
  });
});
