/**
 * The hot loops of decoders in three implementations that give the same events: TypeScript, which says what the result
 * is; and one C source (native/decoders), compiled to WebAssembly and, where the native engine builds, to an addon. The
 * best that works is used; RXSPIKE_DECODERS names another.
 */
import { OptionError } from '../../../errors.ts';
import { aedat2Records } from '../aedat2/records.ts';
import { aedat4Records } from '../aedat4/event-packet.ts';
import { decodeLz4Block } from '../aedat4/lz4-block.ts';
import { dvsEvents } from '../event-stream/events.ts';
import { nmnistRecords } from '../nmnist/records.ts';
import { datRecords } from '../prophesee/dat-records.ts';
import { evt2Words } from '../prophesee/evt2-words.ts';
import { evt3Words } from '../prophesee/evt3-words.ts';
import { evt21Words } from '../prophesee/evt21-words.ts';
import { addonLoops } from './addon.ts';
import type { Kernel } from './kernel.ts';
import { wasmLoops } from './wasm.ts';

/** Kernels by format, and the LZ4 block of AEDAT 4. */
export interface Loops {
  readonly aedat2: Kernel;
  readonly aedat4: Kernel;
  readonly dat: Kernel;
  /** Event Stream of a DVS. */
  readonly es: Kernel;
  readonly evt2: Kernel;
  readonly evt21: Kernel;
  readonly evt3: Kernel;
  readonly nmnist: Kernel;
  readonly lz4Block: Lz4Block;
}

/**
 * Decodes the LZ4 block from `start` to `end` of `source` to `output` from `written` on, up to `limit`; what is
 * written before `written` may be referred to, and LZ4_SLACK_BYTES behind `limit` overwritten. Gives the new end of
 * the output, or a negative number: -1 literals, -2 a match, -3 the end of the block is not valid.
 */
export type Lz4Block = (
  source: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  written: number,
  limit: number,
) => number;

/** Implementations, the best first. */
export const IMPLEMENTATIONS = ['addon', 'wasm', 'typescript'] as const;
export type Implementation = (typeof IMPLEMENTATIONS)[number];

const typescriptLoops: Loops = {
  aedat2: aedat2Records,
  aedat4: aedat4Records,
  dat: datRecords,
  es: dvsEvents,
  evt2: evt2Words,
  evt21: evt21Words,
  evt3: evt3Words,
  nmnist: nmnistRecords,
  lz4Block: decodeLz4Block,
};

const loaders: Readonly<Record<Implementation, () => Loops | undefined>> = {
  addon: addonLoops,
  wasm: wasmLoops,
  typescript: () => typescriptLoops,
};

let chosen: { readonly name: Implementation; readonly loops: Loops } | undefined;

/** The loops that decoders made from now on use. */
export function loops(): Loops {
  chosen ??= choose();
  return chosen.loops;
}

/** Which implementation `loops` gives. */
export function implementation(): Implementation {
  chosen ??= choose();
  return chosen.name;
}

/** Makes decoders use one implementation, or the best again; false where it does not work here. */
export function useImplementation(name: Implementation | undefined): boolean {
  if (name === undefined) {
    chosen = undefined;
    return true;
  }
  const loaded = loaders[name]();
  if (loaded !== undefined) chosen = { name, loops: loaded };
  return loaded !== undefined;
}

function choose(): { name: Implementation; loops: Loops } {
  const asked = process.env['RXSPIKE_DECODERS'];
  const candidates = IMPLEMENTATIONS.filter((name) => asked === undefined || name === asked);
  if (candidates.length === 0) {
    throw new OptionError(`RXSPIKE_DECODERS is one of ${IMPLEMENTATIONS.join(', ')}, not ${asked}`);
  }
  for (const name of candidates) {
    const loaded = loaders[name]();
    if (loaded !== undefined) return { name, loops: loaded };
  }
  throw new OptionError(`RXSPIKE_DECODERS: ${asked} does not work here`);
}
