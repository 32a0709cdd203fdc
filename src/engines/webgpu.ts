/** The WebGPU engine: tfjs's backend on Dawn, any vendor's GPU, with the hot kernels in WGSL of our own. */
import {
  engine,
  env,
  findBackendFactory,
  registerBackend,
  removeBackend,
  setBackend,
} from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';
import type { KernelForms } from './kernels/kernel.ts';
import { describeAdapter, type FoundGpu, findGpu, isSoftware, loadTfjsBackend } from './webgpu/adapter.ts';
import { createBackend, DISPATCHES_A_SUBMIT, type WebGpuBackend } from './webgpu/backend.ts';
import { WebGpuDevice } from './webgpu/device.ts';
import { webgpuForms } from './webgpu/forms/index.ts';
import { repairs } from './webgpu/forms/repairs.ts';
import type { Gpu, GpuDevice } from './webgpu/gpu.ts';

/** What the engine would run on. */
export interface WebgpuState {
  readonly state: 'ready' | 'absent' | 'broken';
  readonly detail: string;
  readonly how?: string;
  /** True where the processor stands for a GPU. */
  readonly software?: boolean;
}

/**
 * Whether there is a GPU that the engine can use.
 * @param choice see `EngineOptions.adapter`
 */
export async function webgpuState(choice: string | undefined = chosenAdapter()): Promise<WebgpuState> {
  const found = await findGpu(choice);
  if ('state' in found) return found;
  return { state: 'ready', detail: describeAdapter(found.adapter), software: isSoftware(found.adapter.info) };
}

/** How the engine runs. */
export interface StartedWebgpu {
  readonly forms: KernelForms;
  readonly detail: string;
  stop(): void;
}

/**
 * Starts the engine.
 * @param choice see `EngineOptions.adapter`
 */
export async function startWebgpu(
  choice: string | undefined = chosenAdapter(),
  kernels: 'fused' | 'reference' = 'fused',
): Promise<StartedWebgpu> {
  if (engine().registry['webgpu'] !== undefined) {
    throw new EngineError(
      'engine webgpu: expected it to be stopped before it starts again, found it running',
    );
  }
  const found = await findGpu(choice);
  if ('state' in found) throw new EngineError(`engine webgpu: ${found.detail}; ${found.how}`);
  const gpuDevice = await requestDevice(found);
  const removeGlobals = defineGlobals(found.gpu.globals);
  try {
    const tfjs = await loadTfjsBackend();
    env().set('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE', DISPATCHES_A_SUBMIT);
    // A backend that was stopped leaves its maker behind.
    if (findBackendFactory('webgpu') !== null && findBackendFactory('webgpu') !== undefined)
      removeBackend('webgpu');
    const create = (): WebGpuBackend => createBackend(tfjs, gpuDevice, found.adapter.info);
    registerBackend('webgpu', () => withNavigator(found.instance, create));
    if (!(await setBackend('webgpu'))) throw new EngineError('engine webgpu: the backend does not start');
  } catch (error) {
    removeGlobals();
    gpuDevice.destroy();
    throw error;
  }
  const device = new WebGpuDevice(engine().backend as WebGpuBackend);
  const forms = kernels === 'reference' ? repairs(device) : webgpuForms(device);
  // Work of the device that outlives the process's end crashes in its driver.
  const destroy = (): void => gpuDevice.destroy();
  process.once('exit', destroy);
  const stop = (): void => {
    process.off('exit', destroy);
    removeGlobals();
  };
  return { forms, detail: `WebGPU on ${describeAdapter(found.adapter)}`, stop };
}

/** The adapter that the environment names, for commands that have no option for it. */
function chosenAdapter(): string | undefined {
  return process.env['RXSPIKE_GPU'] || undefined;
}

/** Limits of which the device gets all that the adapter has. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupsPerDimension',
] as const;

async function requestDevice({ adapter }: FoundGpu): Promise<GpuDevice> {
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  try {
    return await adapter.requestDevice({ requiredLimits });
  } catch (error) {
    const reason = String((error as Error).message).split('\n')[0];
    throw new EngineError(`engine webgpu: ${describeAdapter(adapter)} gives no device: ${reason}`, {
      cause: error,
    });
  }
}

/** What tfjs's backend takes from a browser as long as it runs; gives what removes it again. */
function defineGlobals(globals: Readonly<Record<string, unknown>>): () => void {
  const names = ['GPUBuffer', 'GPUTexture', 'GPUBufferUsage', 'GPUMapMode', 'GPUTextureUsage'];
  const removals = names.map((name) => define(globalThis, name, globals[name]));
  return () => {
    for (const remove of removals) remove();
  };
}

/** Runs what looks for a browser's `navigator.gpu`, which Node has not. */
function withNavigator<T>(gpu: Gpu, run: () => T): T {
  const { navigator } = globalThis as { navigator?: object };
  const remove =
    navigator === undefined ? define(globalThis, 'navigator', { gpu }) : define(navigator, 'gpu', gpu);
  try {
    return run();
  } finally {
    remove();
  }
}

function define(place: object, name: string, value: unknown): () => void {
  Object.defineProperty(place, name, { value, configurable: true, enumerable: false, writable: true });
  return () => Reflect.deleteProperty(place, name);
}
