/** zstd frames by Node where it can (22.15 and later), else by the reference encoder as WebAssembly. */
import * as zlib from 'node:zlib';

/** As Node's own. */
const LEVEL = 3;

type PackZstd = (content: Uint8Array) => Uint8Array;

// Not in the types of the oldest version of Node that is supported.
const { zstdCompressSync } = zlib as { zstdCompressSync?: PackZstd };
let pack: PackZstd | undefined = zstdCompressSync && ((content) => zstdCompressSync(content));
let loading: Promise<void> | undefined;

/** Loads the encoder where Node has none; to be awaited before `packZstd`. */
export function loadZstdEncoder(): Promise<void> {
  loading ??= pack === undefined ? load() : Promise.resolve();
  return loading;
}

async function load(): Promise<void> {
  const { compress, init } = await import('@bokuweb/zstd-wasm');
  await init();
  pack = (content) => compress(content, LEVEL);
}

/** What packs a content as one zstd frame. */
export function packZstd(): PackZstd {
  if (pack === undefined)
    throw new Error('zstd is not loaded: await the prepareEncoder() of the format first');
  return pack;
}
