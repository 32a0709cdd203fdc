/**
 * SHA-256 of files by what `stat` says of them: a file is read once, and never again while its path, size, inode and
 * times of modification and change stay the same, in this run or a later one. What is known stands in a file of lines,
 * to which concurrent runs append; a damaged line counts as absent.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, createReadStream, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { expecting } from '../archives/expecting.ts';
import { writeFileAtomic } from '../atomic-file.ts';

/** A file that changed this short a time ago may change again without `stat` telling. */
const SETTLED_MILLIS = 2000;
/** Lines that are kept; beyond twice as many the file is rewritten with the newest. */
const MOST_LINES = 500_000;
/** Bytes beyond which the file is none of ours: twice as many lines have half as many. */
const MOST_BYTES = 2 ** 28;

/** Content hashes of files. */
export class ContentHashes {
  readonly #memo: string | undefined;
  readonly #reading = new Map<string, Promise<string>>();
  #known: Map<string, string> | undefined;
  #appending = true;

  /** @param memo file that keeps what is known; without it nothing is kept beyond this run */
  constructor(memo?: string) {
    this.#memo = memo;
  }

  /** SHA-256 of a file's content, 64 hexadecimal digits. */
  async hashFile(path: string): Promise<string> {
    this.#known ??= this.#load();
    const { identity, settled, size } = identify(path);
    const known = this.#known.get(identity);
    if (known !== undefined) return known;
    const reading = this.#reading.get(identity) ?? readHash(path, size);
    this.#reading.set(identity, reading);
    try {
      const content = await reading;
      if (settled && !this.#known.has(identity) && identify(path).identity === identity) {
        this.#known.set(identity, content);
        this.#append(identity, content);
      }
      return content;
    } finally {
      this.#reading.delete(identity);
    }
  }

  #load(): Map<string, string> {
    const lines = this.#readLines();
    const known = new Map<string, string>();
    for (const line of lines) {
      const [identity, content, sum] = line.split(' ');
      if (sum !== undefined && sum === checksum(`${identity} ${content}`)) known.set(identity!, content!);
    }
    if (lines.length > 2 * MOST_LINES) this.#compact(known);
    return known;
  }

  /** The lines that are kept; none where there is no such file, or one that is not ours. */
  #readLines(): string[] {
    try {
      if (this.#memo === undefined || statSync(this.#memo).size > MOST_BYTES) return [];
      return readFileSync(this.#memo, 'latin1').split('\n');
    } catch {
      return [];
    }
  }

  /** Rewrites the file; what others append meanwhile is hashed again one day. */
  #compact(known: Map<string, string>): void {
    const lines = [...known].slice(-MOST_LINES).map(([identity, content]) => lineOf(identity, content));
    writeFileAtomic(this.#memo!, lines.join('')).catch(() => undefined); // Tried again by the next run.
  }

  /** One write to the end of the file, which no other write can divide. */
  #append(identity: string, content: string): void {
    if (this.#memo === undefined || !this.#appending) return;
    try {
      appendFileSync(this.#memo, lineOf(identity, content));
    } catch {
      this.#appending = false; // A full or read-only disk: this run remembers, the next hashes again.
    }
  }
}

/** A stream costs as much as the bytes of a small file. */
const SMALL_BYTES = 1 << 20;

async function readHash(path: string, size: number): Promise<string> {
  const hash = createHash('sha256');
  if (size <= SMALL_BYTES)
    return hash.update(await readFile(path).catch(expecting('a file', path))).digest('hex');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash).catch(expecting('a file', path));
  return hash.digest('hex');
}

/** What tells this file, as it is now, from every other. */
function identify(path: string): { identity: string; settled: boolean; size: number } {
  const { size, mtimeMs, ctimeMs, ino, dev } = statSync(path, { throwIfNoEntry: false }) ?? missing(path);
  const facts = JSON.stringify([resolve(path), size, mtimeMs, ctimeMs, ino, dev]);
  return {
    size,
    identity: createHash('sha256').update(facts).digest('base64url').slice(0, 27),
    settled: Date.now() - Math.max(mtimeMs, ctimeMs) > SETTLED_MILLIS,
  };
}

function missing(path: string): never {
  return expecting('a file', path)(new Error('no such file'));
}

function lineOf(identity: string, content: string): string {
  const facts = `${identity} ${content}`;
  return `${facts} ${checksum(facts)}\n`;
}

function checksum(text: string): string {
  return crc32(text).toString(16);
}
