import { mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EngineError, FormatError } from '../../errors.ts';
import { buildBinding, NODE_API } from './build-binding.ts';
import type { InstallWatch } from './install-watch.ts';
import { requirementsOf } from './python-index.ts';
import { fetchWheel, type WheelSource } from './python-wheels.ts';
import { extractWheel } from './wheel-files.ts';

/** The TensorFlow of PyPI whose headers the binding of 4.22 was compiled and tested with. */
export const WHEEL_LIBRARY = '2.21.0';

/** Headers that the binding includes; the others are thousands. */
const HEADERS =
  /^tensorflow\/include\/(tensorflow\/c\/|tensorflow\/core\/platform\/|tsl\/platform\/|xla\/tsl\/c\/)/;

/** What is wanted of the wheels. */
export interface WheelLibrary extends WheelSource {
  readonly gpu: boolean;
  /** A wheel of TensorFlow that is here already, instead of a downloaded one. */
  readonly wheel?: string;
}

/** Takes libtensorflow, with CUDA's libraries where asked for, out of PyPI's wheels, and compiles the binding; gives the source in words. */
export async function takeWheelLibrary(
  folder: string,
  options: WheelLibrary,
  watch: InstallWatch,
): Promise<string> {
  if (process.platform !== 'linux') {
    throw new EngineError(`PyPI's libtensorflow is taken on Linux, this is ${process.platform}`);
  }
  // PyPI has a processor's wheel of its own on x64 alone; elsewhere the only one has no CUDA in it.
  const distribution = options.gpu || process.arch !== 'x64' ? 'tensorflow' : 'tensorflow-cpu';
  const wheel = options.wheel ?? (await fetchWheel(`${distribution}==${WHEEL_LIBRARY}`, options, watch));
  const library = join(folder, 'deps', 'lib');
  await mkdir(library, { recursive: true });
  watch.step(`unpacking ${basename(wheel)}`);
  const places = await extractOrForget(wheel, folder, memberPlace, options, watch.signal);
  const metadata = places.find((place) => place.endsWith('METADATA'));
  if (!places.includes(join('deps', 'lib', 'libtensorflow_cc.so.2')) || metadata === undefined) {
    throw new FormatError('expected libtensorflow_cc.so.2 in the wheel, found none', { path: wheel });
  }
  await symlink('libtensorflow_cc.so.2', join(library, 'libtensorflow.so'));
  await symlink('libtensorflow_framework.so.2', join(library, 'libtensorflow_framework.so'));
  if (options.gpu) await takeCuda(folder, await readFile(join(folder, metadata), 'utf8'), options, watch);
  watch.step('compiling the binding');
  await mkdir(join(folder, 'lib', `napi-v${NODE_API}`), { recursive: true });
  await buildBinding(folder, watch.signal);
  await rm(join(folder, 'deps', 'include'), { recursive: true, force: true });
  return `PyPI ${basename(wheel).split('-').slice(0, 2).join(' ').replaceAll('_', '-')}`;
}

async function takeCuda(
  folder: string,
  metadata: string,
  options: WheelLibrary,
  watch: InstallWatch,
): Promise<void> {
  const wanted = requirementsOf(metadata, 'and-cuda');
  if (wanted.length === 0)
    throw new EngineError('the wheel names no libraries of CUDA: it has none for this machine');
  // The compiler's wheel is for XLA, which engines that run operation by operation do not use.
  for (const requirement of wanted.filter((name) => !name.startsWith('nvidia-cuda-nvcc'))) {
    const wheel = await fetchWheel(requirement, options, watch);
    watch.step(`unpacking ${basename(wheel)}`);
    const place = (member: string): string | undefined =>
      /^nvidia\/.*\.so(\.\d+)*$/.test(member) ? join('deps', 'lib', basename(member)) : undefined;
    await extractOrForget(wheel, folder, place, options, watch.signal);
  }
}

function memberPlace(member: string): string | undefined {
  if (/^tensorflow\/libtensorflow_(cc|framework)\.so\.2$/.test(member)) {
    return join('deps', 'lib', basename(member));
  }
  if (HEADERS.test(member)) return join('deps', member.replace('tensorflow/', ''));
  return /\.dist-info\/(METADATA|LICENSE)$/.test(member) ? join('deps', basename(member)) : undefined;
}

/** A downloaded wheel that is damaged is not kept for the next attempt. */
async function extractOrForget(
  wheel: string,
  folder: string,
  placeOf: (member: string) => string | undefined,
  options: WheelLibrary,
  signal: AbortSignal,
): Promise<string[]> {
  try {
    return await extractWheel(wheel, folder, placeOf, signal);
  } catch (error) {
    if (error instanceof FormatError && wheel !== options.wheel) await rm(wheel, { force: true });
    throw error;
  }
}
