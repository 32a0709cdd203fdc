import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, sep } from 'node:path';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { engine, env, setBackend } from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';
import type { HostMemory } from './kernels/kernel.ts';
import { withThreadWorkers } from './wasm-threads.ts';

/** The backend's thread pool holds eight and the caller. */
const MAXIMUM_THREADS = 8;

/** How the backend runs: its memory, its threads, and why they are fewer than asked for. */
export interface StartedWasm {
  readonly memory: HostMemory;
  readonly threads: number;
  readonly note: string | undefined;
}

/**
 * Starts tfjs's WebAssembly backend with SIMD.
 * @param threads default: as many as the process may use
 */
export async function startWasm(threads: number = availableParallelism()): Promise<StartedWasm> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  wasm.setWasmPaths(join(folder, 'dist') + sep);
  let note: string | undefined;
  const wanted = Math.min(threads, MAXIMUM_THREADS);
  if (wanted > 1) {
    try {
      env().set('WASM_HAS_MULTITHREAD_SUPPORT', true);
      wasm.setThreadsCount(wanted);
      await withThreadWorkers(wanted, startBackend);
    } catch (error) {
      note = `threads do not start here: ${error instanceof Error ? error.message : error}`;
    }
  }
  if (wanted <= 1 || note !== undefined) {
    env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    await startBackend();
  }
  return { memory: wasmMemory(engine().backend as BackendWasm), threads: note ? 1 : wanted, note };
}

async function startBackend(): Promise<void> {
  if (!(await setBackend('wasm'))) throw new EngineError('engine wasm: tfjs-backend-wasm does not start');
}

function wasmMemory(backend: BackendWasm): HostMemory {
  const wasm = backend.wasm as unknown as { _malloc(bytes: number): number };
  const allocate = wasm._malloc.bind(wasm);
  wasm._malloc = (bytes) => {
    const address = allocate(bytes);
    if (address === 0 && bytes > 0) {
      throw new EngineError(`engine wasm: no ${bytes} bytes left of its 4 GiB; a smaller batch needs less`);
    }
    return address;
  };
  return {
    view: (tensor) => backend.typedArrayFromHeap(tensor) as Float32Array,
    allocate: (shape) => backend.makeOutput(shape, 'float32'),
  };
}
