import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CacheFolder } from './cache-folder.ts';
import type { CacheableRecording } from './cacheable-recording.ts';
import { ContentHashes } from './content-hash.ts';
import { type CachedSample, decodeSampleFile, encodeSampleFile } from './sample-file.ts';

/** Changes with the form of the entries, which are then no longer found. */
const ENTRY_VERSION = 1;

/** What a disk cache did in this run. */
export interface DiskCacheCounters {
  /** Samples that were served. */
  hits: number;
  /** Samples that were not there. */
  misses: number;
  /** Entries that were not as they had been written, removed. */
  damaged: number;
}

/**
 * Binned samples on disk, an Arrow file each, shared by all runs of a machine. The key is a hash of what the events
 * hang on (the file's content, how it is decoded) and of what is made of them, so that neither a changed recording nor
 * a changed transform is ever served stale frames.
 */
export class DiskSampleCache {
  readonly counters: DiskCacheCounters = { hits: 0, misses: 0, damaged: 0 };
  readonly #folder: CacheFolder;
  readonly #hashes: ContentHashes;
  readonly #transform: object;
  readonly #path: string;
  #made = false;
  #fault: Error | undefined;

  /**
   * @param path folder of the cache, made where it does not exist
   * @param limitBytes size that the folder may have
   * @param transform all that turns events into frames, as plain data
   */
  constructor(path: string, limitBytes: number, transform: object) {
    this.#folder = new CacheFolder(samplesIn(path), limitBytes);
    this.#hashes = new ContentHashes(join(path, 'files.txt'));
    this.#transform = transform;
    this.#path = path;
  }

  /** Bytes that did not fit beside the entries in use. */
  get refusedBytes(): number {
    return this.#folder.refusedBytes;
  }

  /** The reason why nothing is written any more: a disk that is full, a folder of someone else. */
  get fault(): Error | undefined {
    return this.#fault;
  }

  /** The key of a recording's sample; undefined where it is not worth keeping. */
  async keyOf(recording: CacheableRecording): Promise<string | undefined> {
    if (recording.contentKey === undefined) return undefined;
    if (!this.#made) this.#tried(() => mkdirSync(this.#path, { recursive: true }));
    this.#made = true;
    const content = await recording.contentKey((path) => this.#hashes.hashFile(path));
    const facts = JSON.stringify([ENTRY_VERSION, content, this.#transform]);
    return createHash('sha256').update(facts).digest('hex');
  }

  /** The sample under a key, or undefined; a damaged entry is removed and counts as absent. */
  async get(key: string): Promise<CachedSample | undefined> {
    const bytes = await this.#folder.get(key).catch((error: Error) => this.#failed(error));
    const sample = bytes && decodeSampleFile(key, bytes);
    if (sample !== undefined) {
      this.counters.hits++;
      return sample;
    }
    this.counters.misses++;
    if (bytes !== undefined) {
      this.counters.damaged++;
      this.#tried(() => this.#folder.remove(key));
    }
    return undefined;
  }

  /** Keeps a sample where there is room; a disk that cannot be written ends the keeping, not the run. */
  async put(key: string, sample: CachedSample): Promise<void> {
    if (this.#fault !== undefined) return;
    await this.#folder.put(key, encodeSampleFile(key, sample)).catch((error: Error) => this.#failed(error));
  }

  #tried(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  #failed(error: Error): undefined {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    this.#fault ??= error;
    return undefined;
  }
}

/** The folder of the entries in a cache. */
export function samplesIn(path: string): string {
  return join(path, 'samples');
}

/** Where caches lie when no folder is named: `rxspike` in XDG_CACHE_HOME, in LOCALAPPDATA on Windows, or in ~/.cache. */
export function defaultCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const windows = process.platform === 'win32' ? env['LOCALAPPDATA'] : undefined;
  return join(env['XDG_CACHE_HOME'] || windows || join(homedir(), '.cache'), 'rxspike');
}
