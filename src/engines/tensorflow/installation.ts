/**
 * Where libtensorflow and its binding are: in the folder that `pipeline engines install` fills, or in a package that
 * the project has. The folder lies outside of every `node_modules`, so that no `npm ci` wipes it, and serves an
 * rxspike that is installed globally.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** Packages that bring the binding, best first. */
export const packageNames = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** A package that brings the binding. */
export type PackageName = (typeof packageNames)[number];

/** File that the installer writes last, beside the `node_modules` of an installation. */
export const INSTALLED = 'installed.json';

/** An addon beside the binding, of one function that calls another with standard error turned aside. */
export const QUIETLY_ADDON = 'quietly.node';

/** What the installer knows of an installation. */
export interface InstallationNote {
  readonly package: PackageName;
  readonly packageVersion: string;
  /** Version of libtensorflow. */
  readonly library: string;
  /** Where libtensorflow is from, such as `PyPI tensorflow-cpu`. */
  readonly source: string;
  readonly gpu: boolean;
  readonly date: string;
}

/** An installed package. */
export interface TensorflowInstallation {
  readonly name: PackageName;
  /** Folder of the package. */
  readonly folder: string;
  /** The addon; absent where the package's own installation did not make it. */
  readonly binding: string | undefined;
  /** Present where `pipeline engines install` made it. */
  readonly note?: InstallationNote;
}

/**
 * The folder of installed engines: RXSPIKE_ENGINES, or `rxspike/engines` in XDG_DATA_HOME, in LOCALAPPDATA on Windows, or
 * in ~/.local/share.
 */
export function enginesFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env['RXSPIKE_ENGINES']) return env['RXSPIKE_ENGINES'];
  const windows = process.platform === 'win32' ? env['LOCALAPPDATA'] : undefined;
  const data = env['XDG_DATA_HOME'] || windows || join(homedir(), '.local', 'share');
  return join(data, 'rxspike', 'engines');
}

/** The installation that `--engine tensorflow` takes, or undefined. */
export function findTensorflow(engines: string = enginesFolder()): TensorflowInstallation | undefined {
  return installationIn(join(engines, 'tensorflow')) ?? installationInProject();
}

/** The installation in a folder that the installer filled, or undefined. */
export function installationIn(folder: string): TensorflowInstallation | undefined {
  const note = readNote(join(folder, INSTALLED));
  if (note === undefined) return undefined;
  const place = join(folder, 'node_modules', ...note.package.split('/'));
  return { name: note.package, folder: place, binding: bindingIn(place), note };
}

function installationInProject(): TensorflowInstallation | undefined {
  const require = createRequire(import.meta.url);
  for (const name of packageNames) {
    try {
      const folder = dirname(require.resolve(`${name}/package.json`));
      return { name, folder, binding: bindingIn(folder) };
    } catch {
      // Not this one.
    }
  }
  return undefined;
}

/** The addon of the newest Node-API in a package's folder. */
function bindingIn(folder: string): string | undefined {
  const lib = join(folder, 'lib');
  if (!existsSync(lib)) return undefined;
  const levels = readdirSync(lib).filter((name) => /^napi-v\d+$/.test(name));
  levels.sort((a, b) => Number(b.slice(6)) - Number(a.slice(6)));
  return levels.map((level) => join(lib, level, 'tfjs_binding.node')).find((path) => existsSync(path));
}

function readNote(path: string): InstallationNote | undefined {
  let note: Partial<InstallationNote>;
  try {
    note = JSON.parse(readFileSync(path, 'utf8')) as Partial<InstallationNote>;
  } catch {
    return undefined;
  }
  return packageNames.some((name) => name === note.package) ? (note as InstallationNote) : undefined;
}
