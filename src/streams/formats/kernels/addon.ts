import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DECODED, ENCODED, type EncodeKernel, type Kernel } from './kernel.ts';
import type { Loops, Lz4Block, Lz4Pack } from './loops.ts';

type AddonKernel = (
  records: DataView,
  start: number,
  t: Uint32Array,
  x: Uint16Array,
  y: Uint16Array,
  on: Uint8Array,
  state: Int32Array,
) => number;

type AddonEncodeKernel = (
  t: Uint32Array,
  x: Uint16Array,
  y: Uint16Array,
  on: Uint8Array,
  start: number,
  bytes: DataView,
  state: Int32Array,
) => number;

interface Addon {
  readonly decode: Readonly<Record<keyof Loops['decode'], AddonKernel>>;
  readonly encode: Readonly<Record<keyof Loops['encode'], AddonEncodeKernel>>;
  readonly lz4Block: Lz4Block;
  readonly lz4Pack: Lz4Pack;
}

/** Where the build puts the addon, from the package's root. */
const PLACE = join('native', 'build', 'decoders.node');

/** The loops of the addon; undefined where it is not built, or of older sources, or this processor lacks what it needs. */
export function addonLoops(): Loops | undefined {
  const path = findAddon();
  if (path === undefined) return undefined;
  let addon: Partial<Addon>;
  try {
    addon = createRequire(import.meta.url)(path) as Partial<Addon>;
  } catch {
    return undefined;
  }
  const { decode, encode, lz4Block, lz4Pack } = addon;
  if (!hasAll(decode, DECODED) || !hasAll(encode, ENCODED)) return undefined;
  if (lz4Block === undefined || lz4Pack === undefined) return undefined;
  return {
    decode: mapped(DECODED, decode, decoding),
    encode: mapped(ENCODED, encode, encoding),
    lz4Block,
    lz4Pack,
  };
}

function hasAll<Name extends string, Run>(
  kernels: Readonly<Partial<Record<Name, Run>>> | undefined,
  names: readonly Name[],
): kernels is Readonly<Record<Name, Run>> {
  return kernels !== undefined && names.every((name) => kernels[name] !== undefined);
}

function mapped<Name extends string, Run, Made>(
  names: readonly Name[],
  kernels: Readonly<Record<Name, Run>>,
  make: (run: Run) => Made,
): Readonly<Record<Name, Made>> {
  return Object.fromEntries(names.map((name) => [name, make(kernels[name])])) as Record<Name, Made>;
}

function decoding(run: AddonKernel): Kernel {
  return (records, start, { t, x, y, on }, state) => run(records, start, t, x, y, on, state);
}

function encoding(run: AddonEncodeKernel): EncodeKernel {
  return ({ t, x, y, on }, start, bytes, state) => run(t, x, y, on, start, bytes, state);
}

function findAddon(): string | undefined {
  // From src/streams/formats/kernels, or from the same folder in dist.
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const path = join(folder, PLACE);
    if (existsSync(path)) return path;
    if (dirname(folder) === folder) return undefined;
  }
}
