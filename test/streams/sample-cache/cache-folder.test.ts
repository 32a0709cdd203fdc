import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { CacheFolder, cacheUsage, clearCache } from '../../../src/streams/sample-cache/cache-folder.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const makeFolder = temporaryFolders();

const keyOf = (number: number): string => number.toString(16).padStart(64, '0');
const pathOf = (folder: string, number: number): string => join(folder, '00', `${keyOf(number)}.arrow`);
const block = (value: number): Uint8Array => new Uint8Array(100).fill(value);

/** A folder whose entries 0 to `count` - 1 were last used that many hours ago, 0 longest. */
async function usedBefore(count: number): Promise<string> {
  const folder = join(makeFolder(), 'deep', 'samples');
  const cache = new CacheFolder(folder, 1e6);
  for (let i = 0; i < count; i++) {
    await cache.put(keyOf(i), block(i));
    const used = Date.now() / 1000 - 3600 * (count - i);
    utimesSync(pathOf(folder, i), used, used);
  }
  return folder;
}

async function held(folder: string, count: number): Promise<number[]> {
  const cache = new CacheFolder(folder, 1e6);
  const found = await Promise.all(Array.from({ length: count }, (_, i) => cache.get(keyOf(i))));
  return found.flatMap((bytes, i) => (bytes === undefined ? [] : [i]));
}

describe('CacheFolder', () => {
  it('gives what was put, to every process', async () => {
    const folder = await usedBefore(2);
    const other = new CacheFolder(folder, 1e6);
    expect(Array.from((await other.get(keyOf(1)))!)).toEqual(Array.from(block(1)));
    expect(await other.get(keyOf(7))).toBeUndefined();
    expect(await cacheUsage(folder)).toEqual({ entries: 2, bytes: 200 });
    expect(await cacheUsage(join(folder, 'absent'))).toEqual({ entries: 0, bytes: 0 });
    other.remove(keyOf(1));
    other.remove(keyOf(1));
    expect(await held(folder, 2)).toEqual([0]);
  });

  it('makes room by what was not used for longest', async () => {
    const folder = await usedBefore(10);
    const cache = new CacheFolder(folder, 1000);
    await cache.get(keyOf(0));
    expect(await cache.put(keyOf(10), block(10))).toBe(true);
    // Nine tenths of the limit are kept.
    expect(await held(folder, 11)).toEqual([0, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('throws out nothing that was used since it was opened, and says what did not fit', async () => {
    const folder = join(makeFolder(), 'samples');
    const cache = new CacheFolder(folder, 350);
    const kept = await Promise.all(Array.from({ length: 6 }, (_, i) => cache.put(keyOf(i), block(i))));
    expect(kept).toEqual([true, true, true, false, false, false]);
    expect(cache.refusedBytes).toBe(300);
    expect(await cacheUsage(folder)).toEqual({ entries: 3, bytes: 300 });
    expect(await cache.put(keyOf(9), new Uint8Array(351))).toBe(false);
  });

  it('notices what others write into the same folder', async () => {
    const folder = join(makeFolder(), 'samples');
    const [one, two] = [new CacheFolder(folder, 4000), new CacheFolder(folder, 4000)];
    for (let i = 0; i < 40; i++) {
      await one.put(keyOf(2 * i), block(1));
      await two.put(keyOf(2 * i + 1), block(2));
    }
    // A sixteenth of the limit, and an entry, may be written by each before it looks again.
    expect((await cacheUsage(folder)).bytes).toBeLessThanOrEqual(4000 + 2 * (4000 / 16 + 100));
  });

  it('lets concurrent writers of one entry leave it whole', async () => {
    const folder = join(makeFolder(), 'samples');
    const caches = Array.from({ length: 8 }, () => new CacheFolder(folder, 1e6));
    await Promise.all(caches.map((cache) => cache.put(keyOf(1), block(5))));
    expect(readFileSync(pathOf(folder, 1))).toEqual(Buffer.from(block(5)));
    expect(readdirSync(join(folder, '00'))).toHaveLength(1);
  });

  it('removes what killed writers left, and clears nothing that is not its own', async () => {
    const folder = await usedBefore(2);
    mkdirSync(join(folder, 'other'));
    const left = join(folder, '00', `${keyOf(1)}.arrow.0011.tmp`);
    for (const path of [left, join(folder, '00', 'notes.txt'), join(folder, 'other', 'mine')]) {
      writeFileSync(path, 'x');
    }
    await cacheUsage(folder);
    expect(existsSync(left)).toBe(true); // its writer may be at work
    utimesSync(left, 1, 1);
    await cacheUsage(folder);
    expect(existsSync(left)).toBe(false);
    expect(await clearCache(folder)).toEqual({ entries: 2, bytes: 200 });
    expect(readdirSync(join(folder, '00'))).toEqual(['notes.txt']);
    expect(existsSync(join(folder, 'other', 'mine'))).toBe(true);
  });
});

describe('a writer that is killed', () => {
  it('leaves no entry that is not whole', async () => {
    const source = fileURLToPath(
      new URL('../../../src/streams/sample-cache/cache-folder.ts', import.meta.url),
    );
    const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    const { outputText } = ts.transpileModule(readFileSync(source, 'utf8'), { compilerOptions });
    const folder = makeFolder({
      'cache-folder.mjs': outputText,
      'writer.mjs': `
        import { CacheFolder } from './cache-folder.mjs';
        const cache = new CacheFolder('samples', 1e9);
        const block = new Uint8Array(200_000);
        for (let i = 0; ; i++) {
          await cache.put((i % 5).toString(16).padStart(64, '0'), block.fill(i));
          if (i === 20) process.stdout.write('writing');
        }`,
    });
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, ['writer.mjs'], { cwd: folder });
      const closed = once(child, 'close');
      await Promise.race([once(child.stdout, 'data'), closed]);
      child.kill('SIGKILL');
      await closed;
      for (let i = 0; i < 5; i++) {
        const bytes = readFileSync(pathOf(join(folder, 'samples'), i));
        expect(bytes.length).toBe(200_000);
        expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
      }
    }
  });
});
