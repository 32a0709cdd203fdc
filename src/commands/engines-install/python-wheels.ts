import { existsSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EngineError } from '../../errors.ts';
import { downloadFile } from '../../streams/fetch/download.ts';
import type { InstallWatch } from './install-watch.ts';
import { findWheel, PUBLIC_INDEX, parseRequirement } from './python-index.ts';
import { runProgram, telling } from './running-programs.ts';

/** Where wheels come from. */
export interface WheelSource {
  /** Folder that keeps what was downloaded. */
  readonly folder: string;
  /** Address of an index to ask instead of pip. */
  readonly index: string | undefined;
}

/** Any Python will do: only the libraries in C are taken. PyPI has wheels for this one if not for the Python that runs pip. */
const OTHER_PYTHON = [
  '--python-version',
  '3.12',
  '--implementation',
  'cp',
  '--abi',
  'cp312',
  '--abi',
  'none',
];
const PLATFORMS: Readonly<Record<string, readonly string[]>> = {
  x64: ['manylinux_2_28_x86_64', 'manylinux_2_27_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64'],
  arm64: [
    'manylinux_2_28_aarch64',
    'manylinux_2_27_aarch64',
    'manylinux_2_17_aarch64',
    'manylinux2014_aarch64',
  ],
};

/** Downloads the wheel of a requirement, by pip where it is (it knows a person's index), else from the index itself. */
export async function fetchWheel(
  requirement: string,
  { folder, index }: WheelSource,
  watch: InstallWatch,
): Promise<string> {
  const own = join(folder, requirement.replace(/[^\w.-]+/g, '_'));
  await mkdir(own, { recursive: true });
  const here = (await readdir(own)).find((name) => name.endsWith('.whl'));
  if (here !== undefined) return join(own, here);
  const byPip =
    index === undefined ? await fetchByPip(requirement, own, watch) : { found: undefined, fault: '' };
  if (byPip.found !== undefined) return byPip.found;
  try {
    const file = await findWheel(parseRequirement(requirement), index ?? PUBLIC_INDEX, watch.signal);
    const { path } = await downloadFile(file, own, {
      signal: watch.signal,
      onProgress: (done, total) => watch.download(file.name, done, total),
      onRetry: (reason) => watch.note(`${reason}: trying again`),
    });
    return path;
  } catch (error) {
    if (byPip.fault === '' || !(error instanceof Error)) throw error;
    throw new EngineError(`${error.message}; ${byPip.fault}`, { cause: error });
  }
}

async function fetchByPip(
  requirement: string,
  folder: string,
  watch: InstallWatch,
): Promise<{ readonly found: string | undefined; readonly fault: string }> {
  const platforms = (PLATFORMS[process.arch] ?? []).flatMap((name) => ['--platform', name]);
  const temporary = join(folder, 'pip');
  await mkdir(temporary, { recursive: true });
  const plain = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--progress-bar=off'];
  let fault = 'no pip is here';
  for (const extra of [[], [...OTHER_PYTHON, ...platforms]]) {
    watch.step(`pip downloads ${requirement}`);
    const args = [...plain, '--disable-pip-version-check', ...extra, '--dest', temporary, requirement];
    const { status, err } = await runProgram('python3', args, { signal: watch.signal });
    if (status === undefined || /No module named pip/.test(err)) break;
    fault = `pip: ${telling(err)}`;
    const name = (await readdir(temporary)).find((file) => file.endsWith('.whl'));
    if (status !== 0 || name === undefined || !existsSync(join(temporary, name))) continue;
    const path = join(folder, basename(name));
    await rename(join(temporary, name), path);
    return { found: path, fault: '' };
  }
  return { found: undefined, fault };
}
