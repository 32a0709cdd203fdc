import { link, mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EngineError } from '../../errors.ts';
import { downloadFile } from '../../streams/fetch/download.ts';
import { unpackArchive } from '../../streams/fetch/unpack.ts';
import { buildBinding, NODE_API } from './build-binding.ts';
import type { InstallWatch } from './install-watch.ts';
import { PACKAGE_VERSION } from './npm-package.ts';

/** The libtensorflow that the packages of 4.22 download; its GPU form is for CUDA 11.2 and cuDNN 8.1. */
export const OWN_LIBRARY = '2.9.1';
/** The newest compute capability that CUDA 11.2 compiles for. */
export const OWN_COMPUTE_CAPABILITY = 8.6;

/** Brings what the package's own install script would: its libtensorflow, and the binding as its makers compiled it. */
export async function takeOwnLibrary(
  folder: string,
  { gpu, downloads }: { readonly gpu: boolean; readonly downloads: string },
  watch: InstallWatch,
): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new EngineError(
      `its own libtensorflow is taken on Linux x64, this is ${process.platform} ${process.arch}`,
    );
  }
  const kind = gpu ? 'gpu' : 'cpu';
  const name = `libtensorflow-${kind}-linux-x86_64-${OWN_LIBRARY}.tar.gz`;
  watch.step(`downloading ${name}`);
  const archive = await download(`${storage()}tensorflow/libtensorflow/${name}`, downloads, watch);
  await unpackInto(archive, join(folder, 'deps'), watch.signal);
  await linkNames(join(folder, 'deps', 'lib'));
  const addon = `${kind.toUpperCase()}-linux-${PACKAGE_VERSION}.tar.gz`;
  try {
    const place = `tf-builds/pre-built-binary/napi-v${NODE_API}/${PACKAGE_VERSION}/${addon}`;
    const packed = await download(`${storage()}${place}`, downloads, watch);
    await unpackInto(packed, join(folder, 'lib', `napi-v${NODE_API}`), watch.signal);
  } catch (error) {
    watch.signal.throwIfAborted();
    watch.note(`${(error as Error).message}: compiling the binding`);
    await buildBinding(folder, watch.signal);
  }
}

/** The place that the packages download from, or the mirror that their own settings name. */
function storage(): string {
  const named = process.env['TFJS_NODE_CDN_STORAGE'] || process.env['CDN_STORAGE'];
  return `${(named ?? 'https://storage.googleapis.com').replace(/\/*$/, '')}/`;
}

async function download(url: string, folder: string, watch: InstallWatch): Promise<string> {
  const name = basename(new URL(url).pathname);
  const { path } = await downloadFile({ name, url }, folder, {
    attempts: 2,
    signal: watch.signal,
    onProgress: (done, total) => watch.download(name, done, total),
  });
  return path;
}

async function unpackInto(archive: string, place: string, signal: AbortSignal): Promise<void> {
  // An archive is unpacked beside itself: in a folder where nothing else is.
  const folder = await mkdtemp(join(dirname(archive), 'unpacking-'));
  try {
    const own = join(folder, basename(archive));
    await link(archive, own);
    const unpacked = await unpackArchive(own, { signal });
    await mkdir(dirname(place), { recursive: true });
    await rm(place, { recursive: true, force: true });
    await rename(unpacked.folder, place);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Links are left out of unpacked archives: `libtensorflow.so.2.9.1` gets the names that linkers and loaders ask for. */
async function linkNames(folder: string): Promise<void> {
  const files = await readdir(folder);
  for (const file of files) {
    const found = /^(lib\w+\.so)\.(\d+)(\.[\d.]+)?$/.exec(file);
    if (found === null) continue;
    for (const name of [found[1]!, `${found[1]}.${found[2]}`]) {
      if (!files.includes(name)) await symlink(file, join(folder, name));
    }
  }
}
