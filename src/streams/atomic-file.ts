import { randomBytes } from 'node:crypto';
import { closeSync, fdatasync, openSync, renameSync, rmSync, writev, writevSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { InputError } from '../errors.ts';

/** A write that takes longer waited for a disk; to wait for another thread, or for a turn, takes up to as long. */
const SLOW_WRITE_MILLIS = 20;
/** Signals and sockets are heard after so many bytes, however fast they are written. */
const TURN_BYTES = 1 << 20;

/** A file under a temporary name beside its own, which it takes over whole or not at all. */
export interface AtomicFile {
  /** Appends bytes, or overwrites those at `byteOffset`. */
  write(bytes: Uint8Array, byteOffset?: number): Promise<void>;
  /** Appends parts, one behind the other, at once. */
  writeAll(parts: readonly Uint8Array[]): Promise<void>;
  /**
   * Gives the file its name, in place of a file that had it.
   * @param durable waits for the disk first, so that the file is whole even after a loss of power
   */
  commit(durable: boolean): Promise<void>;
  /** Removes what was written; does nothing after `commit`. */
  abort(): Promise<void>;
}

const writeElsewhere = promisify(writev);
const syncData = promisify(fdatasync);

/**
 * Starts a file at `path`; its directory exists. What memory takes is done at once, since to ask another thread for it takes
 * longer; after a slow write, another thread does the next.
 */
export async function openAtomicFile(path: string): Promise<AtomicFile> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  let fd: number | undefined;
  try {
    fd = openSync(temporary, 'wx');
  } catch (cause) {
    throw new InputError(`file cannot be written: ${reasonOf(cause as NodeJS.ErrnoException)}`, path, {
      cause,
    });
  }
  const close = (): void => {
    const opened = fd;
    fd = undefined;
    if (opened !== undefined) closeSync(opened);
  };
  let slow = false;
  let sinceTurn = 0;
  const store = async (parts: readonly Uint8Array[], byteOffset?: number): Promise<void> => {
    const began = performance.now();
    let place = byteOffset;
    for (let rest = parts.filter(({ length }) => length > 0); rest.length > 0; ) {
      const written = slow
        ? (await writeElsewhere(fd!, rest, place)).bytesWritten
        : writevSync(fd!, rest, place);
      rest = behind(rest, written);
      if (place !== undefined) place += written;
      sinceTurn += written;
    }
    slow = performance.now() - began > SLOW_WRITE_MILLIS;
    if (sinceTurn < TURN_BYTES) return;
    sinceTurn = 0;
    await nextTurn();
  };
  return {
    write: (bytes, byteOffset) => store([bytes], byteOffset),
    writeAll: (parts) => store(parts),
    commit: async (durable) => {
      if (durable) await syncData(fd!);
      close();
      renameSync(temporary, path);
    },
    abort: async () => {
      close();
      rmSync(temporary, { force: true });
    },
  };
}

/** What follows the first `bytes` bytes of the parts. */
function behind(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skipped = bytes;
  let whole = 0;
  while (whole < parts.length && skipped >= parts[whole]!.length) skipped -= parts[whole++]!.length;
  const [cut, ...rest] = parts.slice(whole);
  return cut === undefined ? [] : [cut.subarray(skipped), ...rest];
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

/** Without the temporary name, which nobody asked for. */
function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  return code === 'ENOENT' ? 'its folder does not exist' : message.replace(/, open '.*'$/, '');
}
