import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, InputError, RxspikeError } from '../../../src/errors.ts';
import { compareNames, openTree } from '../../../src/streams/archives/tree.ts';
import { temporaryFolders } from '../temporary-folder.ts';
import { makeTar, makeZip } from './make-archive.ts';

const makeFolder = temporaryFolders();

/** Names and texts of all members. */
async function contents(path: string): Promise<Record<string, string>> {
  const tree = await openTree(path);
  try {
    const read = async (member: (typeof tree.members)[number]): Promise<[string, string]> => [
      member.name,
      Buffer.from(await member.read()).toString(),
    ];
    return Object.fromEntries(await Promise.all(tree.members.map(read)));
  } finally {
    await tree.close();
  }
}

const failure = (path: string): Promise<unknown> => contents(path).catch((error: unknown) => error);

describe('openTree', () => {
  it('lists folders and every kind of archive alike', async () => {
    const folder = makeFolder({
      'a/one.txt': 'plain',
      'stored.zip': makeZip([{ name: 'b/two.txt', content: 'zipped' }]),
      'packed.zip': makeZip([{ name: 'three.txt', content: 'deflated', deflate: true }]),
      'c/four.tar': await makeTar({ 'd/four.txt': 'tarred' }),
      'five.tar.gz': gzipSync(await makeTar({ './five.txt': 'packed', 'd/.hidden': '' })),
      '.hidden': '',
      '__MACOSX/a': '',
    });
    expect(await contents(folder)).toEqual({
      'a/one.txt': 'plain',
      'c/four/d/four.txt': 'tarred',
      'five/five.txt': 'packed',
      'packed/three.txt': 'deflated',
      'stored/b/two.txt': 'zipped',
    });
    expect(await contents(join(folder, 'stored.zip'))).toEqual({ 'stored/b/two.txt': 'zipped' });
  });

  it('reads zip archives that lie stored in a zip, and says what to do where they are compressed', async () => {
    const inner = makeZip([
      { name: 'x/1.bin', content: 'first', deflate: true },
      { name: 'x/2.bin', content: 'second' },
    ]);
    const folder = makeFolder({
      'outer.zip': makeZip([
        { name: 'lead.txt', content: 'something before it' },
        { name: 'set/inner.zip', content: inner },
      ]),
      'twice.zip': makeZip([{ name: 'a.zip', content: makeZip([{ name: 'b.zip', content: inner }]) }]),
      'compressed.zip': makeZip([{ name: 'inner.zip', content: inner, deflate: true }]),
    });
    expect(await contents(join(folder, 'outer.zip'))).toEqual({
      'outer/lead.txt': 'something before it',
      'outer/set/inner/x/1.bin': 'first',
      'outer/set/inner/x/2.bin': 'second',
    });
    for (const name of ['twice.zip', 'compressed.zip']) {
      expect(String(await failure(join(folder, name)))).toMatch(
        /zip inside a zip, compressed or nested twice: unpack/,
      );
    }
  });

  it('follows links, also those that lead in circles', async () => {
    const folder = makeFolder({ 'data/a/1.bin': 'x' });
    mkdirSync(join(folder, 'use'));
    symlinkSync(join(folder, 'data'), join(folder, 'use/data'));
    symlinkSync(folder, join(folder, 'data/a/back'));
    expect(await contents(join(folder, 'use'))).toEqual({ 'data/a/1.bin': 'x' });
  });

  it('reports what is no folder or archive, and damaged archives, in one line', async () => {
    const tar = await makeTar({ 'a.txt': 'x'.repeat(2000) });
    const packed = gzipSync(tar);
    const zip = makeZip([{ name: 'a.txt', content: 'x'.repeat(2000), deflate: true }]);
    const folder = makeFolder({
      'note.txt': '',
      'cut.tar.gz': packed.subarray(0, packed.length - 12),
      'cut.tar': tar.subarray(0, 1000),
      'noise.tar': Buffer.alloc(2048, 7),
      'escaping.tar': await makeTar({ 'a/../../evil.txt': 'x' }),
      'cut.zip': zip.subarray(0, zip.length - 30),
      'empty.zip': '',
      'escaping.zip': makeZip([{ name: '../../evil.txt', content: 'x' }]),
      'absolute.zip': makeZip([{ name: '/etc/evil', content: 'x' }]),
      'short.zip': makeZip([{ name: 'a', content: 'x'.repeat(999), deflate: true, saidBytes: 10 }]),
      'long.zip': makeZip([{ name: 'a', content: 'x', deflate: true, saidBytes: 2 ** 31 }]),
    });
    for (const name of [
      'cut.tar.gz',
      'cut.tar',
      'noise.tar',
      'escaping.tar',
      'cut.zip',
      'empty.zip',
      'escaping.zip',
      'absolute.zip',
      'short.zip',
      'long.zip',
    ]) {
      const error = await failure(join(folder, name));
      expect(error, name).toBeInstanceOf(FormatError);
      expect((error as Error).message, name).toMatch(/^[^\n]*\.(zip|tar|tar\.gz)(\/a)?: [^\n]* at byte \d+$/);
    }
    expect(await failure(join(folder, 'note.txt'))).toBeInstanceOf(InputError);
    expect(await failure(join(folder, 'absent'))).toBeInstanceOf(InputError);
  });

  it('survives any change of an archive with an error of ours or the content', async () => {
    const sources = {
      'a.zip': makeZip([
        { name: 'd/a', content: 'x'.repeat(200), deflate: true },
        { name: 'd/b', content: 'y'.repeat(50) },
      ]),
      'a.tar.gz': gzipSync(await makeTar({ 'd/a': 'x'.repeat(200), 'd/b': 'y'.repeat(50) })),
    };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...(Object.keys(sources) as (keyof typeof sources)[])),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        fc.option(fc.nat()),
        async (name, changes, cut) => {
          const source = Buffer.from(sources[name]);
          for (const [at, value] of changes) source[at % source.length] = value;
          const folder = makeFolder({
            [name]: cut === null ? source : source.subarray(0, cut % source.length),
          });
          const outcome = await failure(folder);
          if (outcome instanceof Error) expect(outcome).toBeInstanceOf(RxspikeError);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('compareNames', () => {
  it('orders numbers by value', () => {
    expect(['b/10.bin', 'b/9.bin', 'a/100', 'B/1', 'b/09.bin'].sort(compareNames)).toEqual([
      'a/100',
      'B/1',
      'b/09.bin',
      'b/9.bin',
      'b/10.bin',
    ]);
  });
});
