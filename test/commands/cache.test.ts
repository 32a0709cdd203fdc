import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import { CacheFolder } from '../../src/streams/sample-cache/cache-folder.ts';
import { samplesIn } from '../../src/streams/sample-cache/disk-sample-cache.ts';
import { temporaryFolders } from '../streams/temporary-folder.ts';
import { jsonLines, runProgram } from './run-program.ts';

const makeFolder = temporaryFolders();

describe('pipeline cache', () => {
  it('shows and clears the cache', async () => {
    const path = join(makeFolder(), 'cache');
    const options = ['--cache-dir', path];
    expect((await runProgram(['cache', ...options])).out).toBe(`${path}: 0 samples, 0.0 MiB\n`);
    await new CacheFolder(samplesIn(path), 1e9).put('ab'.repeat(32), new Uint8Array(2 ** 20));
    expect((await runProgram(['cache', ...options])).out).toBe(`${path}: 1 samples, 1.0 MiB\n`);
    const cleared = await runProgram(['cache', 'clear', '--json', ...options]);
    expect(jsonLines(cleared.out)).toEqual([
      { type: 'cache', path, action: 'clear', entries: 1, bytes: 2 ** 20 },
    ]);
    expect((await runProgram(['cache', ...options])).out).toBe(`${path}: 0 samples, 0.0 MiB\n`);
    expect((await runProgram(['cache', 'empty', ...options])).error).toBeInstanceOf(OptionError);
  });
});
