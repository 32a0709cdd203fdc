import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, sep } from 'node:path';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { engine, env, setBackend } from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';
import type { KernelForms } from './kernels/kernel.ts';
import { WasmDevice } from './wasm/device.ts';
import { wasmForms } from './wasm/forms/index.ts';
import { withThreadWorkers } from './wasm/threads.ts';
import type { WasmMemory } from './wasm/web-assembly.ts';

/** The backend's pool has room for the caller and eight. */
const MAXIMUM_THREADS = 8;

/** The WebAssembly backend as it runs. */
export interface StartedWasm {
  readonly threads: number;
  /** Why threads are fewer than asked for. */
  readonly note: string | undefined;
  readonly forms: KernelForms;
  /** Ends the threads of our own. */
  stop(): void;
}

/**
 * Starts tfjs's WebAssembly backend with SIMD and threads, and our kernels in its memory.
 * @param threads default: as many as the process may use
 */
export async function startWasm(threads: number = availableParallelism()): Promise<StartedWasm> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  if (engine().registry['wasm'] !== undefined) {
    throw new EngineError('engine wasm: expected it to be stopped before it starts again, found it running');
  }
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  wasm.setWasmPaths(join(folder, 'dist') + sep);
  // With one thread too: this build has the memory that other programs can share.
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', true);
  const start = (count: number): Promise<WasmMemory> => {
    wasm.setThreadsCount(count);
    return withThreadWorkers(count, startBackend);
  };
  const wanted = Math.min(threads, MAXIMUM_THREADS);
  try {
    return running(await start(wanted), wanted, undefined);
  } catch (error) {
    if (wanted === 1) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return running(await start(1), 1, `threads do not start here: ${reason}`);
  }
}

async function startBackend(): Promise<void> {
  if (!(await setBackend('wasm'))) throw new EngineError('engine wasm: tfjs-backend-wasm does not start');
}

function running(memory: WasmMemory, threads: number, note: string | undefined): StartedWasm {
  const device = new WasmDevice(engine().backend as BackendWasm, memory, threads);
  return { threads, note, forms: wasmForms(device), stop: () => device.stop() };
}
