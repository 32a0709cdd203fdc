/**
 * A folder of entries by key, bounded in size and shared by any number of processes without a lock: an entry is
 * written under a temporary name and renamed, so that a reader, or a killed writer, leaves it whole or absent. Who
 * reads an entry that was last used before this cache was opened marks it as used now; room is made by removing the
 * entries that were not used for longest, but never one that was used since, since the run's next epoch wants it.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  futimesSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A temporary file this old belongs to no one that still writes. */
const LEFTOVER_MILLIS = 3_600_000;
/** Room is made for more than the next entry, so that it is not made for every one. */
const KEPT_SHARE = 0.9;
/** Share of the limit after whose writing the folder is looked at anew, for what other processes wrote. */
const RESCAN_SHARE = 1 / 16;

const ENTRY = /^[0-9a-f]{64}\.arrow$/;

/** What a cache folder holds. */
export interface CacheUsage {
  readonly entries: number;
  readonly bytes: number;
}

interface EntryFile {
  readonly path: string;
  readonly bytes: number;
  readonly usedMillis: number;
}

/** Entries of bytes under keys of 64 hexadecimal digits. */
export class CacheFolder {
  readonly path: string;
  readonly limitBytes: number;
  readonly #openedMillis = Date.now() - 1000; // Clocks of file systems lag behind.
  /** Size of the folder as far as known. */
  #bytes: number | undefined;
  #writtenSinceScan = 0;
  #scanning: Promise<void> | undefined;
  #full = false;
  #refusedBytes = 0;

  /** @param limitBytes size that the entries of the folder may have together */
  constructor(path: string, limitBytes: number) {
    this.path = path;
    this.limitBytes = limitBytes;
  }

  /** Bytes that were offered and did not fit beside what is in use. */
  get refusedBytes(): number {
    return this.#refusedBytes;
  }

  /** The bytes of an entry, or undefined where there is none. */
  async get(key: string): Promise<Uint8Array | undefined> {
    // Names are looked up at once: a hop to another thread and back takes longer. Only the bytes may come from a disk.
    let file: number;
    try {
      file = openSync(this.#pathOf(key), 'r');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    try {
      const { size, mtimeMs } = fstatSync(file);
      if (size > this.limitBytes) return undefined;
      if (mtimeMs < this.#openedMillis) markUsed(file);
      return await readWhole(file, size);
    } finally {
      closeSync(file);
    }
  }

  /** Keeps an entry where there is room for it beside those in use; errors of the file system are thrown. */
  async put(key: string, bytes: Uint8Array): Promise<boolean> {
    if (this.#full || bytes.length > this.limitBytes) return this.#refuse(bytes.length);
    if (this.#bytes === undefined || this.#writtenSinceScan > RESCAN_SHARE * this.limitBytes)
      await this.#scan();
    if (this.#bytes! + bytes.length > this.limitBytes) await this.#scan(bytes.length);
    if (this.#bytes! + bytes.length > this.limitBytes) {
      this.#full = true;
      return this.#refuse(bytes.length);
    }
    this.#bytes! += bytes.length;
    this.#writtenSinceScan += bytes.length;
    const path = this.#pathOf(key);
    const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(temporary, bytes, { flag: 'wx' });
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    return true;
  }

  /** Forgets an entry. */
  remove(key: string): void {
    rmSync(this.#pathOf(key), { force: true });
  }

  #pathOf(key: string): string {
    return join(this.path, key.slice(0, 2), `${key}.arrow`);
  }

  #refuse(bytes: number): false {
    this.#refusedBytes += bytes;
    return false;
  }

  /** Measures the folder, and makes room for `needed` bytes where there is none; one at a time. */
  async #scan(needed = 0): Promise<void> {
    while (this.#scanning !== undefined) await this.#scanning;
    if (needed > 0 && this.#bytes! + needed <= this.limitBytes) return;
    this.#scanning = this.#measure(needed).finally(() => {
      this.#scanning = undefined;
    });
    await this.#scanning;
  }

  async #measure(needed: number): Promise<void> {
    const files: EntryFile[] = [];
    for await (const file of entryFiles(this.path)) files.push(file);
    let bytes = sum(files);
    if (bytes + needed > this.limitBytes) {
      const idle = files.filter(({ usedMillis }) => usedMillis < this.#openedMillis);
      idle.sort((a, b) => a.usedMillis - b.usedMillis);
      for (const file of idle) {
        if (bytes + needed <= KEPT_SHARE * this.limitBytes) break;
        rmSync(file.path, { force: true });
        bytes -= file.bytes;
      }
    }
    this.#bytes = bytes;
    this.#writtenSinceScan = 0;
  }
}

/** What the entries in a folder amount to; nothing where there is no such folder. */
export async function cacheUsage(path: string): Promise<CacheUsage> {
  const files: EntryFile[] = [];
  for await (const file of entryFiles(path)) files.push(file);
  return { entries: files.length, bytes: sum(files) };
}

/** Removes the entries of a folder, and nothing else that may lie there. */
export async function clearCache(path: string): Promise<CacheUsage> {
  let [entries, bytes] = [0, 0];
  for await (const file of entryFiles(path, 0)) {
    rmSync(file.path, { force: true });
    entries++;
    bytes += file.bytes;
  }
  return { entries, bytes };
}

function sum(files: readonly EntryFile[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}

/** The entries of a folder; temporary files older than `leftoverMillis` are removed on the way. */
async function* entryFiles(path: string, leftoverMillis = LEFTOVER_MILLIS): AsyncGenerator<EntryFile> {
  for (const folder of namesIn(path).filter((name) => /^[0-9a-f]{2}$/.test(name))) {
    await nextTurn();
    for (const name of namesIn(join(path, folder))) {
      const file = join(path, folder, name);
      const facts = statSync(file, { throwIfNoEntry: false });
      if (facts === undefined) continue; // Another process was faster.
      if (ENTRY.test(name)) yield { path: file, bytes: facts.size, usedMillis: facts.mtimeMs };
      else if (name.endsWith('.tmp') && facts.mtimeMs < Date.now() - leftoverMillis)
        rmSync(file, { force: true });
    }
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** A file that belongs to another user can be read without being marked. */
function markUsed(file: number): void {
  const now = new Date();
  try {
    futimesSync(file, now, now);
  } catch {}
}

/** The bytes of a file; fewer where it ends early, which the entry's checksum then tells. */
function readWhole(file: number, size: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(size);
  return new Promise((resolve, reject) => {
    read(file, bytes, 0, size, 0, (error, bytesRead) => {
      if (error) reject(error);
      else resolve(bytes.subarray(0, bytesRead));
    });
  });
}
