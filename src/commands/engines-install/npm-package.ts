import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PackageName } from '../../engines/tensorflow/installation.ts';
import { EngineError } from '../../errors.ts';
import { unpackArchive } from '../../streams/fetch/unpack.ts';
import { runProgram, telling } from './running-programs.ts';

/** Version of the packages that the engine knows: their kernels and binding are used one by one. */
export const PACKAGE_VERSION = '4.22.0';

/** SHA-512 of the packages as published, in base 64. */
const INTEGRITY: Readonly<Record<PackageName, string>> = {
  '@tensorflow/tfjs-node':
    'uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==',
  '@tensorflow/tfjs-node-gpu':
    'p//NN6DGiN4hInUmIkRffaFVMcdTREUMjPyjW04J7OXvB2zBlQimj61eFKSgRrH3f5TnOfKzb0n56he/B6a4bw==',
};

/**
 * Fetches a package with npm, which knows a person's registry and proxies, runs none of its scripts, and unpacks it.
 * @returns the folder that it became, inside `folder`
 */
export async function fetchPackage(name: PackageName, folder: string, signal: AbortSignal): Promise<string> {
  const wanted = `${name}@${PACKAGE_VERSION}`;
  const [command, ...first] = npmCommand();
  const args = [
    ...first,
    'pack',
    wanted,
    '--pack-destination',
    folder,
    '--ignore-scripts',
    '--loglevel=error',
  ];
  const { status, err } = await runProgram(command!, args, { cwd: folder, signal });
  if (status === undefined) throw new EngineError(`${wanted}: expected npm, found no program of that name`);
  const archive = join(folder, `${name.replace('@', '').replace('/', '-')}-${PACKAGE_VERSION}.tgz`);
  if (status !== 0 || !existsSync(archive)) throw new EngineError(`${wanted}: npm pack: ${telling(err)}`);
  const found = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64');
  if (found !== INTEGRITY[name]) {
    throw new EngineError(`${wanted}: expected SHA-512 ${INTEGRITY[name]}, found ${found}`);
  }
  const { folder: unpacked } = await unpackArchive(archive, { signal });
  await rm(archive);
  return unpacked;
}

/** The npm that runs this, or the one beside this Node, or the one on the path. */
function npmCommand(): string[] {
  const own = process.env['npm_execpath'];
  if (own?.endsWith('.js') && /npm/.test(own)) return [process.execPath, own];
  const beside = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  if (existsSync(beside)) return [process.execPath, beside];
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
}
