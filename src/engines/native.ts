/** The native engine: tfjs's CPU backend with its hot kernels in C++ and oneDNN, on all cores. */
import { availableParallelism } from 'node:os';
import { engine, registerBackend, setBackend } from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';
import type { KernelForms } from './kernels/kernel.ts';
import { type Addon, findAddon, loadAddon } from './native/addon.ts';
import { NativeBackend } from './native/backend.ts';
import { nativeForms } from './native/fused-kernels.ts';
import { registerTfjsKernels } from './native/tfjs-kernels.ts';

/** What to do to get the engine. */
export const howToBuildNative = 'npm run build:native says what is missing and builds it';

/** The addon as found. */
export interface NativeState {
  readonly state: 'ready' | 'absent' | 'broken';
  readonly detail: string;
}

/** Whether the addon is built and loads. */
export function nativeState(): NativeState {
  const path = findAddon();
  if (path === undefined) return { state: 'absent', detail: 'not built' };
  try {
    const { levels, oneDnnVersion } = loadAddon(path);
    return { state: 'ready', detail: `${levels[0]} and oneDNN ${oneDnnVersion}, multi-threaded` };
  } catch (error) {
    return { state: 'broken', detail: `${path} does not load: ${firstLine(error)}` };
  }
}

/** How the engine runs. */
export interface StartedNative {
  readonly forms: KernelForms;
  readonly threads: number;
  readonly detail: string;
}

/**
 * Starts the engine.
 * @param threads default: as many as the process may use
 */
export async function startNative(threads: number = availableParallelism()): Promise<StartedNative> {
  const path = findAddon();
  if (path === undefined) throw new EngineError(`engine native: not built; ${howToBuildNative}`);
  const addon = load(path);
  await import('@tensorflow/tfjs-backend-cpu');
  registerTfjsKernels('native');
  const level = addon.levels[0]!;
  registerBackend('native', () => new NativeBackend(addon, { threads, level }));
  if (!(await setBackend('native'))) throw new EngineError('engine native: the backend does not start');
  return {
    forms: nativeForms(engine().backend as NativeBackend),
    threads,
    detail: `C++ with ${level} and oneDNN ${addon.oneDnnVersion}, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
  };
}

function load(path: string): Addon {
  // The threads of OpenMP spin after their work for a while that would take a core from JavaScript.
  process.env['GOMP_SPINCOUNT'] ??= '10000';
  try {
    return loadAddon(path);
  } catch (error) {
    throw new EngineError(`engine native: ${path} does not load: ${firstLine(error)}`, { cause: error });
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
}
