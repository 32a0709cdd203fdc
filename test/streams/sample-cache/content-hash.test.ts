import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { ContentHashes } from '../../../src/streams/sample-cache/content-hash.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const makeFolder = temporaryFolders();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('ContentHashes', () => {
  it('hashes content, whatever the name', async () => {
    const folder = makeFolder({ a: 'same', b: 'same', c: 'other' });
    const hashes = new ContentHashes(join(folder, 'files.txt'));
    const found = await Promise.all(['a', 'b', 'c', 'a'].map((name) => hashes.hashFile(join(folder, name))));
    expect(found).toEqual([sha256('same'), sha256('same'), sha256('other'), sha256('same')]);
    await expect(hashes.hashFile(join(folder, 'd'))).rejects.toThrow(InputError);
  });

  it('sees a change of size or time, and one within a clock tick of the last', async () => {
    const folder = makeFolder({ a: 'first' });
    const path = join(folder, 'a');
    const memo = join(folder, 'files.txt');
    expect(await new ContentHashes(memo).hashFile(path)).toBe(sha256('first'));
    const { atime, mtime } = statSync(path);
    writeFileSync(path, 'other');
    utimesSync(path, atime, mtime);
    expect(await new ContentHashes(memo).hashFile(path)).toBe(sha256('other'));
    appendFileSync(path, '!');
    expect(await new ContentHashes(memo).hashFile(path)).toBe(sha256('other!'));
  });

  it('remembers what has settled, and no line that was damaged', async () => {
    // A file that has not changed for two seconds: one that came with the checkout.
    const path = new URL(import.meta.url).pathname;
    const memo = join(makeFolder(), 'files.txt');
    const content = await new ContentHashes(memo).hashFile(path);
    const line = readFileSync(memo, 'latin1');
    expect(line.split(' ')[1]).toBe(content);
    expect(await new ContentHashes(memo).hashFile(path)).toBe(content);
    expect(readFileSync(memo, 'latin1')).toBe(line);
    for (let at = 0; at < line.length - 1; at += 9) {
      writeFileSync(memo, `${line.slice(0, at)}${line[at] === '1' ? '2' : '1'}${line.slice(at + 1)}`);
      expect(await new ContentHashes(memo).hashFile(path)).toBe(content);
      truncateSync(memo, at);
      expect(await new ContentHashes(memo).hashFile(path)).toBe(content);
    }
  });

  it('works where nothing can be kept', async () => {
    const folder = makeFolder({ a: 'x' });
    expect(await new ContentHashes(join(folder, 'none', 'files.txt')).hashFile(join(folder, 'a'))).toBe(
      sha256('x'),
    );
    expect(await new ContentHashes().hashFile(join(folder, 'a'))).toBe(sha256('x'));
  });
});
