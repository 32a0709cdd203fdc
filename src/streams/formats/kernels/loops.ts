/**
 * The hot loops of decoders and encoders in three implementations that give the same: TypeScript, which says what the result
 * is; and one C source (native/decoders), compiled to WebAssembly and, where the native engine builds, to an addon. The
 * best that works is used; RXSPIKE_DECODERS names another.
 */
import { OptionError } from '../../../errors.ts';
import { aedat2Records, encodeAedat2 } from '../aedat2/records.ts';
import { aedat4Records, encodeAedat4 } from '../aedat4/event-packet.ts';
import { decodeLz4Block } from '../aedat4/lz4-block.ts';
import { packLz4Block } from '../aedat4/lz4-pack.ts';
import { dvsEvents, encodeDvs } from '../event-stream/events.ts';
import { encodeNmnist, nmnistRecords } from '../nmnist/records.ts';
import { datRecords, encodeDat } from '../prophesee/dat-records.ts';
import { encodeEvt2 } from '../prophesee/evt2-encoder.ts';
import { evt2Words } from '../prophesee/evt2-words.ts';
import { encodeEvt3 } from '../prophesee/evt3-encoder.ts';
import { evt3Words } from '../prophesee/evt3-words.ts';
import { evt21Words } from '../prophesee/evt21-words.ts';
import { addonLoops } from './addon.ts';
import type { DECODED, ENCODED, EncodeKernel, Kernel } from './kernel.ts';
import { wasmLoops } from './wasm.ts';

/** Kernels by format, and the LZ4 blocks of AEDAT 4; Event Stream is that of a DVS. */
export interface Loops {
  readonly decode: Readonly<Record<(typeof DECODED)[number], Kernel>>;
  readonly encode: Readonly<Record<(typeof ENCODED)[number], EncodeKernel>>;
  readonly lz4Block: Lz4Block;
  readonly lz4Pack: Lz4Pack;
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

/**
 * Packs `block` as an LZ4 block to `output` from `start` on, which has room for `lz4MostBytes`; gives the end.
 * @param table of LZ4_TABLE_LENGTH, whatever stands in it
 */
export type Lz4Pack = (block: Uint8Array, output: Uint8Array, start: number, table: Int32Array) => number;

/** Implementations, the best first. */
export const IMPLEMENTATIONS = ['addon', 'wasm', 'typescript'] as const;
export type Implementation = (typeof IMPLEMENTATIONS)[number];

const typescriptLoops: Loops = {
  decode: {
    aedat2: aedat2Records,
    aedat4: aedat4Records,
    dat: datRecords,
    es: dvsEvents,
    evt2: evt2Words,
    evt21: evt21Words,
    evt3: evt3Words,
    nmnist: nmnistRecords,
  },
  encode: {
    aedat2: encodeAedat2,
    aedat4: encodeAedat4,
    dat: encodeDat,
    es: encodeDvs,
    evt2: encodeEvt2,
    evt3: encodeEvt3,
    nmnist: encodeNmnist,
  },
  lz4Block: decodeLz4Block,
  lz4Pack: packLz4Block,
};

const loaders: Readonly<Record<Implementation, () => Loops | undefined>> = {
  addon: addonLoops,
  wasm: wasmLoops,
  typescript: () => typescriptLoops,
};

let chosen: { readonly name: Implementation; readonly loops: Loops } | undefined;

/** The loops that decoders and encoders made from now on use. */
export function loops(): Loops {
  chosen ??= choose();
  return chosen.loops;
}

/** Which implementation `loops` gives. */
export function implementation(): Implementation {
  chosen ??= choose();
  return chosen.name;
}

/** Makes decoders and encoders use one implementation, or the best again; false where it does not work here. */
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
