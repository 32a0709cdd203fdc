import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { InputError } from '../errors.ts';

/** A write that takes longer waited for a disk: memory takes it several times sooner. */
const SLOW_WRITE_MILLIS = 2;
/** Signals and sockets are heard after so many bytes, however fast they are written. */
const TURN_BYTES = 1 << 20;

/** A file under a temporary name beside its own, which it takes over whole or not at all. */
export interface AtomicFile {
  /** Appends bytes, or overwrites those at `byteOffset`. */
  write(bytes: Uint8Array, byteOffset?: number): Promise<void>;
  /**
   * Gives the file its name, in place of a file that had it.
   * @param durable waits for the disk first, so that the file is whole even after a loss of power
   */
  commit(durable: boolean): Promise<void>;
  /** Removes what was written; does nothing after `commit`. */
  abort(): Promise<void>;
}

/** Starts a file at `path`; its directory exists. */
export async function openAtomicFile(path: string): Promise<AtomicFile> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx');
  } catch (cause) {
    throw new InputError(`file cannot be written: ${(cause as Error).message}`, path, { cause });
  }
  const close = async (): Promise<void> => {
    const opened = handle;
    handle = undefined;
    await opened?.close();
  };
  let slow = false;
  let sinceTurn = 0;
  /** At once, since to ask another thread for it takes longer; after a slow write, by another thread. */
  const append = async (bytes: Uint8Array): Promise<void> => {
    const began = performance.now();
    if (slow) await handle!.writeFile(bytes);
    else for (let at = 0; at < bytes.length; ) at += writeSync(handle!.fd, bytes, at);
    slow = performance.now() - began > SLOW_WRITE_MILLIS * Math.ceil(bytes.length / TURN_BYTES);
    sinceTurn += bytes.length;
    if (sinceTurn < TURN_BYTES) return;
    sinceTurn = 0;
    await nextTurn();
  };
  return {
    write: async (bytes, byteOffset) => {
      if (byteOffset === undefined) await append(bytes);
      else await handle!.write(bytes, 0, bytes.length, byteOffset);
    },
    commit: async (durable) => {
      if (durable) await handle!.datasync();
      await close();
      await rename(temporary, path);
    },
    abort: async () => {
      await close();
      await rm(temporary, { force: true });
    },
  };
}

/** Writes a whole file: a reader, or a killed process, leaves the old content or the new, never a part. */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  const file = await openAtomicFile(path);
  try {
    await file.write(typeof content === 'string' ? Buffer.from(content) : content);
    await file.commit(true);
  } catch (error) {
    await file.abort();
    throw error;
  }
}
