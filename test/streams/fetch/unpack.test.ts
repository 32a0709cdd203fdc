import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { RxspikeError } from '../../../src/errors.ts';
import { unpackArchive } from '../../../src/streams/fetch/unpack.ts';
import { makeTar, makeZip } from '../archives/make-archive.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const makeFolder = temporaryFolders();

/** The plain files below a folder. */
function contents(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
}

async function unpack(name: string, bytes: Uint8Array) {
  const folder = makeFolder({ [name]: bytes });
  const outcome = await unpackArchive(join(folder, name)).catch((error: Error) => error);
  return { folder, outcome, names: readdirSync(folder) };
}

describe('unpackArchive', () => {
  it('gives the one folder of an archive its name, and else takes that of the archive', async () => {
    const one = await unpack('Train.zip', makeZip([{ name: 'Train/0/1.bin', content: 'x', deflate: true }]));
    expect(one.outcome).toMatchObject({ folder: join(one.folder, 'Train'), files: 1, bytes: 1, skipped: 0 });
    expect(contents(join(one.folder, 'Train'))).toEqual({ '0/1.bin': 'x' });
    const two = await unpack('set.tar.gz', gzipSync(await makeTar({ 'a/1': 'one', './b': 'two' })));
    expect(contents(join(two.folder, 'set'))).toEqual({ 'a/1': 'one', b: 'two' });
    expect(two.names.sort()).toEqual(['set', 'set.tar.gz']);
  });

  it('unpacks archives of an archive, one level deep', async () => {
    const inner = makeZip([{ name: 'train/cars/1.dat', content: 'c', deflate: true }]);
    const { folder, outcome } = await unpack(
      'outer.zip',
      makeZip([
        { name: 'read.me', content: 'hi' },
        { name: 'n-cars_train.zip', content: inner, deflate: true },
        { name: 'deep.zip', content: makeZip([{ name: 'x.zip', content: inner }]), deflate: true },
      ]),
    );
    expect(outcome).toMatchObject({ folder: join(folder, 'outer') });
    const found = contents(join(folder, 'outer'));
    expect(Object.keys(found)).toEqual(['deep/x.zip', 'read.me', 'train/cars/1.dat']);
  });

  it('leaves out links and devices, and never writes outside', async () => {
    const archive = pack();
    archive.entry({ name: 'good', type: 'file' }, 'x');
    archive.entry({ name: 'link', type: 'symlink', linkname: '/etc/passwd' });
    archive.entry({ name: 'hard', type: 'link', linkname: '../../secret' });
    archive.entry({ name: 'link/through', type: 'file' }, 'y');
    archive.finalize();
    const blocks: Buffer[] = [];
    for await (const block of archive) blocks.push(block as Buffer);
    const { folder, outcome } = await unpack('links.tar', Buffer.concat(blocks));
    expect(outcome).toMatchObject({ files: 2, skipped: 2 });
    expect(contents(join(folder, 'links'))).toEqual({ good: 'x', 'link/through': 'y' });
    const zipped = makeZip([
      { name: 'a', content: 'x' },
      { name: 'z', content: '/etc/passwd' },
    ]);
    const second = zipped.lastIndexOf('PK\x01\x02');
    zipped.writeUInt32LE(((0o120777 << 16) >>> 0) as number, second + 38);
    const zip = await unpack('links.zip', zipped);
    expect(zip.outcome).toMatchObject({ files: 1, skipped: 1 });
  });

  it.each([
    ['up.tar', () => makeTar({ 'a/../../evil': 'x' })],
    ['absolute.tar', () => makeTar({ '/tmp/rxspike-evil': 'x' })],
    ['drive.tar', () => makeTar({ 'C:/evil': 'x' })],
    ['slashes.tar', () => makeTar({ '..\\..\\evil': 'x' })],
    ['up.zip', async () => makeZip([{ name: '../evil', content: 'x' }])],
    ['absolute.zip', async () => makeZip([{ name: '/tmp/rxspike-evil', content: 'x' }])],
  ])('refuses names that lead out: %s', async (name, make) => {
    const { folder, outcome, names } = await unpack(name, await make());
    expect(outcome).toBeInstanceOf(RxspikeError);
    expect((outcome as Error).message).toContain(name);
    expect(names).toEqual([name]);
    expect(existsSync(join(folder, '..', 'evil'))).toBe(false);
    expect(existsSync('/tmp/rxspike-evil')).toBe(false);
  });

  it('bounds what an archive grows to', async () => {
    const bomb = gzipSync(await makeTar({ zeros: new Uint8Array(80e6) }), { level: 9 });
    const { outcome, names } = await unpack('bomb.tar.gz', bomb);
    expect((outcome as Error).message).toMatch(
      /bomb\.tar\.gz: expected at most 67108864 bytes unpacked, found more$/,
    );
    expect(names).toEqual(['bomb.tar.gz']);
    const liar = await unpack(
      'liar.zip',
      makeZip([{ name: 'a', content: 'x'.repeat(999), deflate: true, saidBytes: 10 }]),
    );
    expect(liar.outcome).toBeInstanceOf(RxspikeError);
  });

  it('replaces nothing that is there', async () => {
    const folder = makeFolder({
      'Train.zip': makeZip([{ name: 'Train/1', content: 'new' }]),
      'Train/1': 'old',
    });
    await expect(unpackArchive(join(folder, 'Train.zip'))).rejects.toThrow(
      /Train: exists already: remove it/,
    );
    expect(readFileSync(join(folder, 'Train/1'), 'utf8')).toBe('old');
  });

  it('survives any change of an archive, with an error of ours or files within its folder', async () => {
    const sources = {
      'a.zip': makeZip([
        { name: 'd/a', content: 'x'.repeat(200), deflate: true },
        { name: 'd/b', content: 'y'.repeat(50) },
      ]),
      'a.tar.gz': gzipSync(await makeTar({ 'd/a': 'x'.repeat(200), 'd/b': 'y'.repeat(50) })),
      'a.tar': await makeTar({ 'd/a': 'x'.repeat(200), 'd/b': 'y'.repeat(50) }),
    };
    const folder = makeFolder();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...(Object.keys(sources) as (keyof typeof sources)[])),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        fc.option(fc.nat()),
        async (name, changes, cut) => {
          const source = Buffer.from(sources[name]);
          for (const [at, value] of changes) source[at % source.length] = value;
          const path = join(folder, `${round++}-${name}`);
          writeFileSync(path, cut === null ? source : source.subarray(0, cut % source.length));
          const outcome = await unpackArchive(path).catch((error: Error) => error);
          if (outcome instanceof Error) expect(outcome, String(outcome.stack)).toBeInstanceOf(RxspikeError);
          expect(readdirSync(folder).filter((file) => file.endsWith('.tmp'))).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
