import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kernel } from './kernel.ts';
import type { Loops, Lz4Block } from './loops.ts';

type AddonKernel = (
  records: DataView,
  start: number,
  t: Uint32Array,
  x: Uint16Array,
  y: Uint16Array,
  on: Uint8Array,
  state: Int32Array,
) => number;

interface Addon extends Readonly<Record<Exclude<keyof Loops, 'lz4Block'>, AddonKernel>> {
  readonly lz4Block: Lz4Block;
}

/** Where the build puts the addon, from the package's root. */
const PLACE = join('native', 'build', 'decoders.node');

/** What an addon of these sources has. */
const NAMES = ['aedat2', 'aedat4', 'dat', 'es', 'evt2', 'evt21', 'evt3', 'nmnist', 'lz4Block'] as const;

/** The loops of the addon; undefined where it is not built, or of older sources, or this processor lacks what it needs. */
export function addonLoops(): Loops | undefined {
  const path = findAddon();
  if (path === undefined) return undefined;
  let addon: Addon;
  try {
    addon = createRequire(import.meta.url)(path) as Addon;
  } catch {
    return undefined;
  }
  if (NAMES.some((name) => typeof addon[name] !== 'function')) return undefined;
  return {
    aedat2: kernel(addon.aedat2),
    aedat4: kernel(addon.aedat4),
    dat: kernel(addon.dat),
    es: kernel(addon.es),
    evt2: kernel(addon.evt2),
    evt21: kernel(addon.evt21),
    evt3: kernel(addon.evt3),
    nmnist: kernel(addon.nmnist),
    lz4Block: addon.lz4Block,
  };
}

function kernel(run: AddonKernel): Kernel {
  return (records, start, { t, x, y, on }, state) => run(records, start, t, x, y, on, state);
}

function findAddon(): string | undefined {
  // From src/streams/formats/kernels, or from the same folder in dist.
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const path = join(folder, PLACE);
    if (existsSync(path)) return path;
    if (dirname(folder) === folder) return undefined;
  }
}
