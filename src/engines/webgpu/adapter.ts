/** The packages of the engine and the GPU that it runs on. */
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { EngineError } from '../../errors.ts';
import type { Gpu, GpuAdapter, GpuPackage, TfjsPackage } from './gpu.ts';

const GPU_PACKAGE = 'webgpu';
const TFJS_PACKAGE = '@tensorflow/tfjs-backend-webgpu';

/** Where a GPU is looked for. */
export interface FoundGpu {
  readonly gpu: GpuPackage;
  readonly adapter: GpuAdapter;
  /** Keeps the adapter's instance alive. */
  readonly instance: Gpu;
}

/** Why there is none, and what to do. */
export interface MissingGpu {
  readonly state: 'absent' | 'broken';
  readonly detail: string;
  readonly how: string;
}

/**
 * The GPU to run on.
 * @param choice `high-performance` (the default), `low-power`, or a part of the GPU's name
 */
export async function findGpu(choice = 'high-performance'): Promise<FoundGpu | MissingGpu> {
  const missing = missingPackage();
  if (missing !== undefined) {
    return { state: 'absent', detail: `${missing} is not installed`, how: howToInstall };
  }
  let gpu: GpuPackage;
  try {
    gpu = (await import(GPU_PACKAGE)) as GpuPackage;
  } catch (error) {
    return {
      state: 'broken',
      detail: `${GPU_PACKAGE} does not load: ${firstLine(error)}`,
      how: howToInstall,
    };
  }
  if (!hasVulkan()) {
    return { state: 'absent', detail: 'no Vulkan on this machine', how: howToGetVulkan };
  }
  try {
    const { instance, adapter } = await request(gpu, choice);
    if (adapter !== null) return { gpu, instance, adapter };
    return { state: 'absent', detail: 'no GPU that WebGPU can use', how: howToGetVulkan };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { state: 'absent', detail: error.message, how: 'name one of these, or none' };
  }
}

/** Loads tfjs's backend. */
export async function loadTfjsBackend(): Promise<TfjsPackage> {
  requireOneCore();
  return (await import(TFJS_PACKAGE)) as TfjsPackage;
}

const howToInstall = `npm install ${GPU_PACKAGE}@0.6.2 ${TFJS_PACKAGE}@4.22.0`;

const howToGetVulkan =
  process.platform === 'linux'
    ? 'apt-get install libvulkan1 mesa-vulkan-drivers (on Debian 12 with -t bookworm-backports)'
    : "install the GPU's driver";

async function request(
  { create }: GpuPackage,
  choice: string,
): Promise<{ readonly instance: Gpu; readonly adapter: GpuAdapter | null }> {
  if (choice === 'high-performance' || choice === 'low-power') {
    const instance = create([]);
    return { instance, adapter: await instance.requestAdapter({ powerPreference: choice }) };
  }
  const named = async (name: string) => {
    const instance = create([`adapter=${name}`]);
    return { instance, adapter: await instance.requestAdapter({}) };
  };
  try {
    return await named(choice);
  } catch (error) {
    // Dawn takes case to matter, and says which names there are.
    const names = [...String(error).matchAll(/name: '([^']*)'/g)].map(([, name]) => name!);
    const meant = names.find((name) => name.toLowerCase().includes(choice.toLowerCase()));
    if (meant !== undefined) return named(meant);
    const found = names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ');
    throw new EngineError(`expected a GPU whose name has "${choice}", found ${found}`);
  }
}

/** What the engine runs on, in words. */
export function describeAdapter({ info }: GpuAdapter): string {
  const { description, device, vendor, architecture } = info;
  const name = [description, device, [vendor, architecture].join(' ').trim()].find((words) => words !== '');
  return `${name ?? 'a GPU without a name'}${isSoftware(info) ? ' (software)' : ''}`;
}

/** Whether the processor stands for a GPU. */
export function isSoftware({ isFallbackAdapter, architecture, description }: GpuAdapter['info']): boolean {
  return (
    isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe/i.test(`${architecture} ${description}`)
  );
}

function missingPackage(): string | undefined {
  const require = createRequire(import.meta.url);
  return [GPU_PACKAGE, TFJS_PACKAGE].find((name) => {
    try {
      return require.resolve(name) === '';
    } catch {
      return true;
    }
  });
}

/** Dawn prints a warning where there is no Vulkan library; so it is looked for first. */
function hasVulkan(): boolean {
  if (process.platform !== 'linux') return true;
  try {
    process.dlopen({ exports: {} }, 'libvulkan.so.1', constants.dlopen.RTLD_LAZY);
  } catch (error) {
    // Found, it is said to be no addon.
    return !String(error).includes('cannot open shared object');
  }
  return true;
}

/** Tensors of one copy of tfjs-core mean nothing to another. */
function requireOneCore(): void {
  const core = '@tensorflow/tfjs-core';
  const ours = createRequire(import.meta.url);
  const found = createRequire(ours.resolve(TFJS_PACKAGE)).resolve(core);
  if (found !== ours.resolve(core)) {
    throw new EngineError(`engine webgpu: expected ${TFJS_PACKAGE} to share our ${core}, found ${found}`);
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
}
