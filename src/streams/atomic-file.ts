import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { InputError } from '../errors.ts';

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
  return {
    write: async (bytes, byteOffset) => {
      if (byteOffset === undefined) await handle!.writeFile(bytes);
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
