/** The TensorFlow engine: libtensorflow through the binding and the kernels of @tensorflow/tfjs-node. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { engine, type KernelBackend, registerBackend, setBackend } from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';
import {
  findTensorflow,
  packageNames,
  QUIETLY_ADDON,
  type TensorflowInstallation,
} from './tensorflow/installation.ts';
import { findNvidiaGpu } from './tensorflow/nvidia.ts';
import { probeBinding } from './tensorflow/probe.ts';

export { findTensorflow } from './tensorflow/installation.ts';

/** What to do to get the engine. */
export const howToInstall = 'pipeline engines install tensorflow, with --gpu for an NVIDIA GPU';

/** Makes libtensorflow the backend; gives what is running, in words. */
export async function startTensorflow(): Promise<string> {
  const found = findTensorflow();
  if (found === undefined) {
    throw new EngineError(
      `engine tensorflow: expected an installation or ${packageNames.join(' or ')}, found none; ${howToInstall}`,
    );
  }
  if (engine().registryFactory['tensorflow'] === undefined) load(found);
  if (!(await setBackend('tensorflow'))) {
    throw new EngineError(`engine tensorflow: ${found.name} does not start`);
  }
  const { isUsingGpuDevice, binding } = engine().backend as TensorflowBackend;
  if (!isUsingGpuDevice) await refuseIdleGpu(found);
  const place = isUsingGpuDevice ? `the GPU ${findNvidiaGpu()?.name ?? ''}`.trimEnd() : 'the processor';
  return `libtensorflow ${binding.TF_Version} on ${place}`;
}

/** The backend of @tensorflow/tfjs-node, as far as it is used here. */
interface TensorflowBackend extends KernelBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

/**
 * Registers the package's backend and kernels. Its own entry would load all of tfjs and a copy of tfjs-core, whose tensors
 * mean nothing to ours: its modules get our core in place of `@tensorflow/tfjs`.
 */
function load({ name, folder, binding: path }: TensorflowInstallation): void {
  if (path === undefined) {
    throw new EngineError(
      `engine tensorflow: expected ${name} with its addon, found none in ${join(folder, 'lib')}: its install script did not run; ${howToInstall}`,
    );
  }
  // All of the GPU's memory is taken at once otherwise.
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  const ours = createRequire(import.meta.url);
  const theirs = createRequire(join(folder, 'package.json'));
  try {
    defineRemovedUtilities(ours('node:util') as Record<string, unknown>);
    const core = ours.resolve('@tensorflow/tfjs-core');
    ours(core);
    for (const part of ['@tensorflow/tfjs', '@tensorflow/tfjs-core']) {
      theirs.cache[theirs.resolve(part)] = ours.cache[core]!;
    }
    replaceMessages(theirs);
    const binding = loadQuietly(theirs, path);
    const { NodeJSKernelBackend } = theirs('./dist/nodejs_kernel_backend.js') as BackendModule;
    theirs('./dist/register_all_kernels.js');
    registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, name));
  } catch (error) {
    throw new EngineError(`engine tensorflow: ${name} does not load: ${firstLine(error)}`, { cause: error });
  }
}

/** What libtensorflow says while it is loaded is for those who ask for it with TF_CPP_MIN_LOG_LEVEL. */
function loadQuietly(theirs: NodeJS.Require, path: string): unknown {
  const addon = join(dirname(path), QUIETLY_ADDON);
  const asked = process.env['TF_CPP_MIN_LOG_LEVEL'] !== undefined;
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  if (asked || !existsSync(addon)) return theirs(path);
  return (theirs(addon) as (load: () => unknown) => unknown)(() => theirs(path));
}

interface BackendModule {
  readonly NodeJSKernelBackend: new (binding: unknown, packageName: string) => KernelBackend;
}

/** The messages of TensorBoard, which need a package of their own and are not used here. */
function replaceMessages(theirs: NodeJS.Require): void {
  const Module = theirs('node:module') as typeof import('node:module');
  const path = theirs.resolve('./dist/proto/api_pb.js');
  const empty = new Module(path);
  empty.loaded = true;
  theirs.cache[path] ??= empty;
}

/** tfjs-node 4.22 calls two functions that Node 23 removed. */
function defineRemovedUtilities(util: Record<string, unknown>): void {
  util['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  util['isArray'] ??= Array.isArray;
}

/** Whether an installation is one for a GPU. */
export function isForGpu({ note, name }: TensorflowInstallation): boolean {
  return note?.gpu ?? name === '@tensorflow/tfjs-node-gpu';
}

/** A GPU that is there and idle is what nobody wants and few notice. */
async function refuseIdleGpu(installation: TensorflowInstallation): Promise<void> {
  const gpu = findNvidiaGpu();
  if (gpu === undefined) return;
  const reason = isForGpu(installation)
    ? ((await probeBinding(installation.binding!)).reason ?? 'TensorFlow does not say why')
    : 'the installed libtensorflow is for processors';
  throw new EngineError(
    `engine tensorflow: ${gpu.name} is there and unused: ${reason}; pipeline engines install tensorflow --gpu, or CUDA_VISIBLE_DEVICES=-1 to compute on the processor`,
  );
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
}
