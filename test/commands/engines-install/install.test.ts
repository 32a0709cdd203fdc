import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EngineError, OptionError } from '../../../src/errors.ts';
import { temporaryFolders } from '../../streams/temporary-folder.ts';
import { runProgram } from '../run-program.ts';

const makeFolder = temporaryFolders();
afterEach(() => vi.unstubAllEnvs());

/** An npm that runs a script in place of `npm pack`. */
function standInNpm(script: string): void {
  const path = join(makeFolder(), 'npm-cli.js');
  writeFileSync(path, script);
  vi.stubEnv('npm_execpath', path);
}

describe('pipeline engines install', () => {
  it.each([
    [['jax'], 'no engine named "jax" to install; there is tensorflow'],
    [['tensorflow', '--index', 'pypi'], '--index: expected an http or https URL, found "pypi"'],
    [
      ['tensorflow', '--library', 'latest'],
      '--library: expected auto, own, wheel or a file that ends with .whl',
    ],
  ])('refuses %j', async (args, message) => {
    const folder = makeFolder();
    const { error } = await runProgram(['engines', 'install', ...args, '--to', folder]);
    expect(error).toBeInstanceOf(OptionError);
    expect(error!.message).toContain(message);
  });

  it('refuses a wheel that is none before it fetches anything, in one line', async () => {
    standInNpm("console.error('not reached'); process.exit(1);");
    const folder = makeFolder({ 'text.whl': 'not a zip' });
    mkdirSync(join(folder, 'folder.whl'));
    for (const [name, found] of [
      ['none.whl', 'no such file'],
      ['text.whl', 'no zip archive, or one that was cut'],
      ['folder.whl', 'EISDIR: illegal operation on a directory, read'],
    ] as const) {
      const wheel = join(folder, name);
      const to = ['--to', join(folder, 'engines')];
      const { error, err } = await runProgram([
        'engines',
        'install',
        'tensorflow',
        '--library',
        wheel,
        ...to,
      ]);
      expect(error?.message).toBe(`${wheel}: expected a wheel, found ${found}`);
      expect(err).toBe('');
      expect(existsSync(join(folder, 'engines'))).toBe(false);
    }
  });

  it('says in one line why npm gives no package, and leaves nothing', async () => {
    standInNpm("console.error('npm error code E404\\nnpm error 404 Not Found'); process.exit(1);");
    const folder = makeFolder();
    const { error } = await runProgram([
      'engines',
      'install',
      'tensorflow',
      '--library',
      'wheel',
      '--to',
      folder,
    ]);
    expect(error).toBeInstanceOf(EngineError);
    expect(error!.message).toContain('@tensorflow/tfjs-node@4.22.0: npm pack: npm error 404 Not Found');
    expect(error!.message).not.toContain('\n');
    expect(readdirSync(folder)).toStrictEqual(['downloads']);
  });

  it('refuses a package that is not as published', async () => {
    standInNpm(`
      const { writeFileSync } = require('node:fs');
      const folder = process.argv[process.argv.indexOf('--pack-destination') + 1];
      writeFileSync(folder + '/tensorflow-tfjs-node-4.22.0.tgz', 'something else');`);
    const folder = makeFolder();
    const { error } = await runProgram([
      'engines',
      'install',
      'tensorflow',
      '--library',
      'wheel',
      '--to',
      folder,
    ]);
    expect(error!.message).toContain('expected SHA-512 uHrXeUlf');
    expect(existsSync(join(folder, 'tensorflow'))).toBe(false);
  });

  it('asks for --gpu where a GPU would be left unused', async () => {
    const bin = makeFolder({ 'nvidia-smi': '#!/bin/sh\necho "NVIDIA Example 1, 9.0"\n' });
    chmodSync(join(bin, 'nvidia-smi'), 0o755);
    vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
    const { error } = await runProgram(['engines', 'install', 'tensorflow', '--to', makeFolder()]);
    expect(error).toBeInstanceOf(OptionError);
    expect(error!.message).toContain('NVIDIA Example 1 is here: --gpu');
  });

  it('does not try a library that is too old for the GPU', async () => {
    standInNpm("console.error('not reached'); process.exit(1);");
    const bin = makeFolder({ 'nvidia-smi': '#!/bin/sh\necho "NVIDIA Example 1, 9.0"\n' });
    chmodSync(join(bin, 'nvidia-smi'), 0o755);
    vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
    const args = ['engines', 'install', 'tensorflow', '--gpu', '--library', 'own', '--to', makeFolder()];
    const { error } = await runProgram(args);
    expect(error!.message).toContain('compute capability 8.6 and less, too old for NVIDIA Example 1 with 9');
  });
});
