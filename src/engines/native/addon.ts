/** The C++ side of the native engine: what the addon gives, and where it is built. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** An operand of an operation: an address, a count, a constant or a flag (0 or 1). */
export type Operand = number;

/** The addon. Its operations run one after the other on a thread of their own, each on all threads asked for. */
export interface Addon {
  /** Instruction sets that this processor has, the best first. */
  readonly levels: readonly string[];
  readonly oneDnnVersion: string;
  /** Starts the stream; gives the operations' names, by number. */
  start(threads: number, level: string): readonly string[];
  /** Ends the stream; what still waits is dropped. */
  stop(): void;
  submit(operation: number, ...operands: Operand[]): void;
  /** Submits operations, each its number and then its operands, which are copied. */
  submitAll(operations: Float64Array): void;
  /** Blocks until everything submitted is done. */
  wait(): void;
  /** Resolves when everything submitted so far is done. */
  drain(): Promise<void>;
  /** Zeroed memory whose pages come when they are touched. */
  reserve(bytes: number): ArrayBuffer;
  addressOf(memory: ArrayBufferView | ArrayBuffer): number;
}

/** Where the build puts the addon, from the package's root. */
const PLACE = join('native', 'build', 'rxspike.node');

/** Path of the built addon, or undefined. */
export function findAddon(): string | undefined {
  // From src/engines/native, or from the same folder in dist.
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const path = join(folder, PLACE);
    if (existsSync(path)) return path;
    if (dirname(folder) === folder) return undefined;
  }
}

/** Loads the addon; throws what the loader throws. */
export function loadAddon(path: string): Addon {
  return createRequire(import.meta.url)(path) as Addon;
}
