/**
 * Installs the TensorFlow engine: the package from npm, a libtensorflow that serves this machine, and a convolution as
 * proof. All is made beside its place and renamed when it works; downloads stay until then, so that a stopped run goes on.
 */
import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { INSTALLED, type InstallationNote, type PackageName } from '../../engines/tensorflow/installation.ts';
import { findNvidiaGpu, type NvidiaGpu } from '../../engines/tensorflow/nvidia.ts';
import { type ProbedBinding, probeBinding } from '../../engines/tensorflow/probe.ts';
import { EngineError, OptionError, RxspikeError } from '../../errors.ts';
import { expecting } from '../../streams/archives/expecting.ts';
import { NODE_API } from './build-binding.ts';
import type { InstallWatch } from './install-watch.ts';
import { fetchPackage, PACKAGE_VERSION } from './npm-package.ts';
import { OWN_COMPUTE_CAPABILITY, OWN_LIBRARY, takeOwnLibrary } from './own-library.ts';
import { checkWheel } from './wheel-files.ts';
import { takeWheelLibrary } from './wheel-library.ts';

/** What to install, and where. */
export interface TensorflowInstall {
  /** Folder of engines; the engine becomes `tensorflow` in it. */
  readonly folder: string;
  readonly gpu: boolean;
  /** `own` is what the package downloads, `wheel` PyPI's, a path a wheel of TensorFlow; default: the first that computes. */
  readonly library: string;
  /** Index of Python packages to ask instead of pip. */
  readonly index?: string;
}

/** An installation that computed. */
export interface Installed {
  readonly folder: string;
  readonly note: InstallationNote;
  readonly probe: ProbedBinding;
}

/** A libtensorflow that may do. */
interface Candidate {
  readonly name: string;
  /** Why it cannot do. */
  readonly unfit?: string;
  /** Brings libtensorflow and the binding into the package's folder, and says where from. */
  take(place: string): Promise<string>;
}

/** Installs the engine in place of an earlier installation. */
export async function installTensorflow(options: TensorflowInstall, watch: InstallWatch): Promise<Installed> {
  const gpu = findNvidiaGpu();
  if (gpu !== undefined && !options.gpu) {
    throw new OptionError(
      `${gpu.name} is here: --gpu installs what uses it; CUDA_VISIBLE_DEVICES=-1 installs for the processor`,
    );
  }
  const { folder, library } = options;
  const downloads = join(folder, 'downloads');
  const all = candidates(options, downloads, gpu, watch);
  if (library.endsWith('.whl')) await checkWheel(library);
  await mkdir(downloads, { recursive: true }).catch(expecting('a folder that can be written', folder));
  await removeLeftovers(folder);
  const faults = all.flatMap(({ name, unfit }) => (unfit === undefined ? [] : [`${name}: ${unfit}`]));
  const usable = all.filter(({ unfit }) => unfit === undefined);
  const packed = await mkdtemp(join(folder, '.tensorflow-'));
  try {
    if (usable.length > 0) watch.step(`fetching ${packageOf(options)} ${PACKAGE_VERSION}`);
    const source = usable.length > 0 ? await fetchPackage(packageOf(options), packed, watch.signal) : '';
    for (const candidate of usable) {
      // What was wrong with those before it is told now; what is wrong with the last is the error.
      for (const fault of faults.splice(0)) watch.note(fault);
      const made = await attempt(source, candidate, options, gpu, watch);
      if (typeof made === 'string') faults.push(made);
      else {
        await rm(downloads, { recursive: true, force: true });
        return made;
      }
    }
  } finally {
    await rm(packed, { recursive: true, force: true });
  }
  throw new EngineError(`tensorflow is not installed: ${faults.join('; ')}`);
}

/** Installs one of the candidates; gives why it does not do where it does not. */
async function attempt(
  source: string,
  candidate: Candidate,
  options: TensorflowInstall,
  gpu: NvidiaGpu | undefined,
  watch: InstallWatch,
): Promise<Installed | string> {
  const { folder } = options;
  const staging = await mkdtemp(join(folder, '.tensorflow-'));
  try {
    const installed = await make(staging, source, candidate, options, gpu, watch);
    await replace(staging, join(folder, 'tensorflow'));
    return installed;
  } catch (error) {
    watch.signal.throwIfAborted();
    if (!(error instanceof RxspikeError)) throw error;
    // A wheel that was named by its path is the subject of its own errors.
    const { message } = error;
    return message.startsWith(candidate.name) ? message : `${candidate.name}: ${message}`;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

function packageOf({ gpu }: TensorflowInstall): PackageName {
  return gpu ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
}

/** The libraries to try, best first. */
function candidates(
  { gpu, library, index }: TensorflowInstall,
  downloads: string,
  found: NvidiaGpu | undefined,
  watch: InstallWatch,
): Candidate[] {
  const capability = gpu ? (found?.computeCapability ?? 0) : 0;
  const own: Candidate = {
    name: `libtensorflow ${OWN_LIBRARY}`,
    ...(capability > OWN_COMPUTE_CAPABILITY && {
      unfit: `made for compute capability ${OWN_COMPUTE_CAPABILITY} and less, too old for ${found!.name} with ${capability}`,
    }),
    take: async (place) => {
      await takeOwnLibrary(place, { gpu, downloads }, watch);
      return 'the download of the package';
    },
  };
  const ofWheel = (name: string, wheel?: string): Candidate => ({
    name,
    take: (place) =>
      takeWheelLibrary(
        place,
        { gpu, folder: downloads, index, ...(wheel !== undefined && { wheel }) },
        watch,
      ),
  });
  const wheel = ofWheel('libtensorflow of PyPI');
  if (library === 'own') return [own];
  if (library === 'wheel') return [wheel];
  if (library === 'auto') return [own, wheel];
  if (!library.endsWith('.whl')) {
    throw new OptionError(
      `--library: expected auto, own, wheel or a file that ends with .whl, found "${library}"`,
    );
  }
  return [ofWheel(library, library)];
}

/** Makes a whole installation in a folder and has it compute. */
async function make(
  staging: string,
  packageFolder: string,
  { take }: Candidate,
  options: TensorflowInstall,
  found: NvidiaGpu | undefined,
  watch: InstallWatch,
): Promise<Installed> {
  const { gpu, folder } = options;
  const name = packageOf(options);
  await chmod(staging, 0o755); // Others may use an engine that an administrator installs.
  const scope = join(staging, 'node_modules', '@tensorflow');
  await mkdir(scope, { recursive: true });
  const place = join(staging, 'node_modules', ...name.split('/'));
  await cp(packageFolder, place, { recursive: true });
  await placeStandIns(scope);
  const source = await take(place);
  watch.step('convolving on it');
  const probe = await probeBinding(join(place, 'lib', `napi-v${NODE_API}`, 'tfjs_binding.node'));
  if (gpu && found !== undefined && !probe.gpu) {
    throw new EngineError(
      `${found.name} is there and unused: ${probe.reason ?? 'TensorFlow does not say why'}`,
    );
  }
  const date = new Date().toISOString();
  const note: InstallationNote = {
    package: name,
    packageVersion: PACKAGE_VERSION,
    library: probe.version,
    source,
    gpu,
    date,
  };
  await writeFile(join(staging, INSTALLED), `${JSON.stringify(note, null, 2)}\n`);
  return { folder: join(folder, 'tensorflow'), note, probe };
}

/** The package asks for these by name; the engine gives it its own tfjs in their place. */
async function placeStandIns(scope: string): Promise<void> {
  for (const part of ['tfjs', 'tfjs-core']) {
    const folder = join(scope, part);
    await mkdir(folder);
    const manifest = { name: `@tensorflow/${part}`, version: PACKAGE_VERSION, main: 'index.js' };
    await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest)}\n`);
    await writeFile(join(folder, 'index.js'), "throw new Error('stands for the tfjs of rxspike');\n");
  }
}

async function replace(made: string, place: string): Promise<void> {
  const old = `${made}-old`;
  const had = await rename(place, old).then(
    () => true,
    () => false,
  );
  await rename(made, place);
  if (had) await rm(old, { recursive: true, force: true });
}

/** What a killed run left; its downloads stay. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith('.tensorflow-')) await rm(join(folder, name), { recursive: true, force: true });
  }
}
