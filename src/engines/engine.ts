/**
 * Tensor engines: which are here, and the one that runs. An engine is a tfjs backend that knows our kernels; models
 * are written against tfjs and the kernels and run on any of them. A process runs one engine at a time.
 */
import {
  engine,
  findBackendFactory,
  registerBackend,
  removeBackend,
  setBackend,
} from '@tensorflow/tfjs-core';
import { EngineError, OptionError } from '../errors.ts';
import { type EngineName, engineNames } from './engine-names.ts';
import { registerGradients } from './gradients.ts';
import './kernels/index.ts';
import { KernelForms, registerKernels } from './kernels/kernel.ts';

export { type EngineName, engineNames } from './engine-names.ts';

/** An engine, here or not. */
export interface EngineInfo {
  readonly name: string;
  readonly title: string;
  readonly state: 'ready' | 'absent' | 'broken';
  readonly detail: string;
  /** How to get it, where it is not ready. */
  readonly how?: string;
  /** True for the one that `auto` takes. */
  readonly default?: boolean;
}

/** The engine that runs. */
export interface RunningEngine {
  readonly name: string;
  readonly threads: number;
  /** What runs, in words, with what is less than asked for. */
  readonly detail: string;
  /** Frees the engine with all its tensors and ends its threads. */
  stop(): void;
}

/** Options of an engine's start. */
export interface EngineOptions {
  /** Threads to use; default: as many as the process may use. Engines that cannot choose ignore it. */
  readonly threads?: number;
  /** `reference` runs every kernel in plain tfjs operations; for checks. Default `fused`. */
  readonly kernels?: 'fused' | 'reference';
  /**
   * The GPU of engine `webgpu`: `high-performance`, `low-power`, or a part of its name. Default the environment's
   * RXSPIKE_GPU, else `high-performance`.
   */
  readonly adapter?: string;
}

/** All engines, in the order in which `auto` tries them. */
export async function listEngines(): Promise<EngineInfo[]> {
  const { webgpuState } = await import('./webgpu.ts');
  const { software = false, ...webgpu } = { name: 'webgpu', title: 'WebGPU', ...(await webgpuState()) };
  const fastest = await inOrder<EngineInfo>(await tensorflowInfo(), [await nativeInfo(), webgpu]);
  const engines: EngineInfo[] = [
    ...fastest,
    { name: 'wasm', title: 'WebAssembly', state: 'ready', detail: 'SIMD and threads, always here' },
    { name: 'cpu', title: 'JavaScript', state: 'ready', detail: 'the reference, slow' },
  ];
  const taken = engines.find((info) => info.state === 'ready' && !(info === webgpu && software));
  return engines.map((info) => ({ ...info, default: info === taken }));
}

async function nativeInfo(): Promise<EngineInfo> {
  const { howToBuildNative, nativeState } = await import('./native.ts');
  const found = { name: 'native', title: 'C++ and oneDNN', ...nativeState() };
  return found.state === 'ready' ? found : { ...found, how: howToBuildNative };
}

async function tensorflowInfo(): Promise<EngineInfo> {
  const { findTensorflow, howToInstall, startTensorflow } = await import('./tensorflow.ts');
  const base = { name: 'tensorflow', title: 'libtensorflow' };
  if (findTensorflow() === undefined) {
    return { ...base, state: 'absent', detail: 'not installed', how: howToInstall };
  }
  const { backendName } = engine();
  try {
    return { ...base, state: 'ready', detail: await startTensorflow() };
  } catch (error) {
    return { ...base, state: 'broken', detail: (error as Error).message, how: howToInstall };
  } finally {
    if (backendName !== null && backendName !== undefined) await setBackend(backendName);
  }
}

/**
 * Starts an engine and makes it the one that tfjs uses.
 * @param name `auto` takes the first that is here and starts: tensorflow for a GPU, native, webgpu on a GPU,
 *   tensorflow for the processor, wasm
 */
export async function startEngine(name: EngineName, options: EngineOptions = {}): Promise<RunningEngine> {
  if (!engineNames.includes(name)) {
    throw new OptionError(`engine: expected one of ${engineNames.join(', ')}, found "${name}"`);
  }
  const { threads = 1 } = options;
  if (!Number.isInteger(threads) || threads < 1) {
    throw new OptionError(`threads: expected a whole number from 1, found ${threads}`);
  }
  registerGradients();
  if (name !== 'auto') return starters[name](options);
  const errors: string[] = [];
  const candidates = await inOrder<Exclude<EngineName, 'auto'>>('tensorflow', ['native', 'webgpu']);
  for (const candidate of [...candidates, 'wasm', 'cpu'] as const) {
    if (!(await isThere(candidate))) continue;
    try {
      const running = await starters[candidate](options);
      return errors.length === 0 ? running : { ...running, detail: [running.detail, ...errors].join('; ') };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      errors.push(error.message);
    }
  }
  throw new EngineError(`engine auto: none starts: ${errors.join('; ')}`);
}

/** On a GPU libtensorflow comes first; on the processor other engines are faster. */
async function inOrder<T>(tensorflow: T, others: readonly T[]): Promise<T[]> {
  const { findTensorflow, isForGpu } = await import('./tensorflow.ts');
  const found = findTensorflow();
  return found !== undefined && isForGpu(found) ? [tensorflow, ...others] : [...others, tensorflow];
}

/** Whether `auto` tries an engine: one that is not installed is not broken. */
async function isThere(name: EngineName): Promise<boolean> {
  if (name === 'tensorflow') return (await import('./tensorflow.ts')).findTensorflow() !== undefined;
  if (name === 'native') return (await import('./native.ts')).nativeState().state !== 'absent';
  if (name !== 'webgpu') return true;
  // Software in place of a GPU is slower than WebAssembly.
  const { state, software } = await (await import('./webgpu.ts')).webgpuState();
  return state === 'ready' && software !== true;
}

const starters: Record<Exclude<EngineName, 'auto'>, (options: EngineOptions) => Promise<RunningEngine>> = {
  tensorflow: async ({ kernels }) => {
    const { startTensorflow } = await import('./tensorflow.ts');
    const { tensorflowForms } = await import('./tensorflow/forms.ts');
    const { availableParallelism } = await import('node:os');
    const detail = await startTensorflow();
    const forms = kernels === 'reference' ? noForms : tensorflowForms();
    return running({ name: 'tensorflow', threads: availableParallelism(), detail, forms });
  },
  native: async ({ threads, kernels }) => {
    const { startNative } = await import('./native.ts');
    const started = await startNative(threads);
    return running({ name: 'native', ...started, ...(kernels === 'reference' && { forms: noForms }) });
  },
  webgpu: async ({ kernels, adapter }) => {
    const { startWebgpu } = await import('./webgpu.ts');
    return running({ name: 'webgpu', threads: 1, ...(await startWebgpu(adapter, kernels)) });
  },
  wasm: async ({ threads, kernels }) => {
    const { startWasm } = await import('./wasm.ts');
    const started = await startWasm(threads);
    const words = `WebAssembly SIMD, ${started.threads === 1 ? '1 thread' : `${started.threads} threads`}`;
    const detail = started.note === undefined ? words : `${words} (${started.note})`;
    const forms = kernels === 'reference' ? noForms : started.forms;
    return running({ name: 'wasm', threads: started.threads, detail, forms, stop: started.stop });
  },
  cpu: async () => {
    const { startCpu } = await import('./cpu.ts');
    await startCpu();
    return running({ name: 'cpu', threads: 1, detail: 'plain JavaScript, 1 thread' });
  },
};

const noForms = new KernelForms();

interface Started {
  readonly name: string;
  readonly threads: number;
  readonly detail: string;
  readonly forms?: KernelForms;
  stop?(): void;
}

function running({ name, threads, detail, forms = noForms, stop }: Started): RunningEngine {
  registerKernels(name, forms);
  const { backend } = engine();
  return {
    name,
    threads,
    detail,
    stop: () => {
      if (engine().registry[name] !== backend) return;
      stop?.();
      // tfjs forgets how to make a backend that it removes.
      const factory = findBackendFactory(name);
      removeBackend(name);
      registerBackend(name, factory);
    },
  };
}
