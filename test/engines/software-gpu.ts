/**
 * A GPU for the tests: the machine's own, or else SwiftShader, which computes on the processor. It comes inside npm's
 * `@sparticuz/chromium`, with a Vulkan loader.
 */
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { brotliDecompressSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { webgpuState } from '../../src/engines/webgpu.ts';

/** Keeps a library loaded after the one who opened it closes it (glibc's RTLD_NODELETE). */
const NO_DELETE = 0x1000;

/** What a process needs to see the software GPU from its start. */
export interface SoftwareGpu {
  readonly environment: Readonly<Record<string, string>>;
}

let found: Promise<SoftwareGpu | string> | undefined;

/** Makes a GPU of some kind known to this process; gives a reason where there is none. */
export function softwareGpu(): Promise<SoftwareGpu | string> {
  found ??= find();
  return found;
}

async function find(): Promise<SoftwareGpu | string> {
  if ((await webgpuState()).state === 'ready') return { environment: {} };
  let folder: string;
  try {
    folder = await unpacked();
  } catch (error) {
    return `no GPU, and no SwiftShader: ${(error as Error).message.split('\n')[0]}`;
  }
  const driver = join(folder, 'vk_swiftshader_icd.json');
  process.env['VK_ICD_FILENAMES'] = driver;
  try {
    // The loader stays in the process, where Dawn finds it by its name.
    process.dlopen({ exports: {} }, join(folder, 'libvulkan.so.1'), constants.dlopen.RTLD_NOW | NO_DELETE);
  } catch {
    // It is no addon, but loaded.
  }
  const { state, detail } = await webgpuState();
  if (state !== 'ready') return detail;
  return { environment: { VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: folder } };
}

/** The folder with SwiftShader, unpacked once for all processes. */
async function unpacked(): Promise<string> {
  const require = createRequire(import.meta.url);
  const root = dirname(dirname(dirname(require.resolve('@sparticuz/chromium'))));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const folder = join(tmpdir(), `rxspike-swiftshader-${version}`);
  if (existsSync(folder)) return folder;
  const archive = brotliDecompressSync(readFileSync(join(root, 'bin', 'swiftshader.tar.br')));
  const fresh = mkdtempSync(`${folder}-`);
  const entries = extract();
  Readable.from([archive]).pipe(entries);
  for await (const entry of entries) {
    const path = join(fresh, entry.header.name);
    mkdirSync(dirname(path), { recursive: true });
    await finished(entry.pipe(createWriteStream(path)));
  }
  try {
    renameSync(fresh, folder);
  } catch {
    // Another process was first.
    rmSync(fresh, { recursive: true });
  }
  return folder;
}
