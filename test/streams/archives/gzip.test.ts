import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FormatError, InputError } from '../../../src/errors.ts';
import { readUnpacked } from '../../../src/streams/archives/gzip.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const makeFolder = temporaryFolders();
const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) >> 3));

describe('readUnpacked', () => {
  it('reads a file as it is, or unpacked, by its content', async () => {
    const folder = makeFolder({ plain: content, 'packed.bin': gzipSync(content), empty: '' });
    expect(Buffer.compare(await readUnpacked(join(folder, 'plain'), 1e6), content)).toBe(0);
    expect(Buffer.compare(await readUnpacked(join(folder, 'packed.bin'), 1e6), content)).toBe(0);
    expect(await readUnpacked(join(folder, 'empty'), 1e6)).toHaveLength(0);
  });

  it('reports a cut, a damaged and an overlong file with its place', async () => {
    const packed = gzipSync(content);
    const damaged = Buffer.from(packed);
    damaged.fill(0xff, 2000, 2100);
    const folder = makeFolder({ cut: packed.subarray(0, 1000), damaged, packed });
    const failure = (name: string, most = 1e6): Promise<unknown> =>
      readUnpacked(join(folder, name), most).catch((error: unknown) => error);
    expect(await failure('cut')).toStrictEqual(
      new FormatError('gzip data ends early', { path: join(folder, 'cut'), byteOffset: 1000 }),
    );
    expect(((await failure('damaged')) as Error).message).toMatch(
      /damaged: gzip data is damaged \(.*\) at byte \d+$/,
    );
    expect(((await failure('packed', 1000)) as Error).message).toMatch(
      /expected at most 1000 bytes, found more at byte/,
    );
    expect(await failure('none')).toBeInstanceOf(InputError);
  });
});
