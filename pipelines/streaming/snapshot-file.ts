import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../../src/errors.ts';
import { writeFileAtomic } from '../../src/streams/atomic-file.ts';
import type { LiveInference } from './live-inference.ts';

/** The bytes of a snapshot that an earlier run left, undefined where none did; what it left unfinished is removed. */
export async function readSnapshot(path: string): Promise<Uint8Array | undefined> {
  await removeLeftovers(path);
  try {
    return await readFile(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new InputError(`cannot be read: ${message}`, path, { cause });
  }
}

/** Removes files that a run was writing to take the place of `path` when it was killed. */
async function removeLeftovers(path: string): Promise<void> {
  const [folder, name] = [dirname(path), basename(path)];
  for (const other of await readdir(folder).catch(() => [])) {
    if (other.startsWith(`${name}.`) && /^\.[0-9a-f]{12}\.tmp$/.test(other.slice(name.length)))
      await rm(join(folder, other), { force: true });
  }
}

/** Writes the state of live streams to a file, each time whole, one write at a time. */
export class SnapshotFile {
  readonly path: string;
  readonly #inference: Pick<LiveInference, 'snapshot'>;
  readonly #onFailure: (line: string) => void;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param onFailure told in a line of a write that failed; the streams go on */
  constructor(path: string, inference: Pick<LiveInference, 'snapshot'>, onFailure: (line: string) => void) {
    this.path = path;
    this.#inference = inference;
    this.#onFailure = onFailure;
  }

  /** Writes every so many milliseconds from now on. */
  every(millis: number): void {
    this.#timer = setInterval(() => this.write(), millis);
  }

  /** Writes now; while a write is under way, that one will do. */
  write(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** Writes a last time. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    await this.write();
  }

  async #write(): Promise<void> {
    try {
      await writeFileAtomic(this.path, await this.#inference.snapshot());
    } catch (error) {
      this.#onFailure((error as Error).message);
    }
  }
}
