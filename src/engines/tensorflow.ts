import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { engine, setBackend } from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';

/** Packages that bring libtensorflow, best first. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** The installed package that brings libtensorflow, or undefined. */
export function findTensorflow(): (typeof PACKAGES)[number] | undefined {
  const require = createRequire(import.meta.url);
  return PACKAGES.find((name) => {
    try {
      return require.resolve(`${name}/package.json`) !== '';
    } catch {
      return false;
    }
  });
}

/** Loads the installed package and makes it the backend; gives what is running, in words. */
export async function startTensorflow(): Promise<string> {
  const name = findTensorflow();
  if (name === undefined) {
    throw new EngineError(
      `engine tensorflow: expected ${PACKAGES.join(' or ')}, found neither; ${howToInstall}`,
    );
  }
  requireOneCore(name);
  await defineRemovedUtilities();
  try {
    await import(name);
  } catch (error) {
    throw new EngineError(`engine tensorflow: ${name} does not load: ${firstLine(error)}`, { cause: error });
  }
  if (!(await setBackend('tensorflow'))) throw new EngineError(`engine tensorflow: ${name} does not start`);
  const backend = engine().backend as unknown as { readonly isUsingGpuDevice?: boolean };
  return `libtensorflow through ${name}, ${backend.isUsingGpuDevice ? 'on the GPU' : 'on the processor'}`;
}

/** What to do to get the engine. */
export const howToInstall =
  'npm install @tensorflow/tfjs-node (or @tensorflow/tfjs-node-gpu with CUDA), and let it run its install script';

/** Tensors of one copy of tfjs-core mean nothing to another. */
function requireOneCore(name: string): void {
  const core = '@tensorflow/tfjs-core';
  const ours = createRequire(import.meta.url);
  const theirs = createRequire(`${dirname(ours.resolve(`${name}/package.json`))}/`);
  const found = theirs.resolve(core);
  if (found !== ours.resolve(core)) {
    throw new EngineError(
      `engine tensorflow: expected ${name} to share our ${core}, found its own at ${found}`,
    );
  }
}

/** tfjs-node 4.22 calls two functions that Node 23 removed. */
async function defineRemovedUtilities(): Promise<void> {
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  util['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  util['isArray'] ??= Array.isArray;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
}
