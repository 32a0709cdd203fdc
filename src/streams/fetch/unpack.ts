/**
 * Unpacks archives that nobody vouches for into a folder: names that leave it are refused, links and devices are left
 * out, and what an archive grows to is bounded. The folder is complete when it takes its name.
 */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { type Entry, open as openZip, type ZipFile } from 'yauzl';
import { FormatError, InputError, RxspikeError } from '../../errors.ts';
import { unpackFile } from '../archives/gzip.ts';

/** Times its own length that an archive may grow: recordings shrink to a third, empty frames to a tenth. */
const MOST_GROWTH = 100;
/** Bytes that even a small archive may grow to. */
const SMALL_BYTES = 1 << 26;
const MOST_FILES = 2_000_000;
/** Archives in archives: a data set of archives by class, no deeper. */
const MOST_LEVELS = 2;

const ARCHIVE = /\.(zip|tar|tgz|tar\.gz)$/i;

/** What unpacking did. */
export interface Unpacked {
  /** Folder that the archive became. */
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
  /** Links and devices that were left out. */
  readonly skipped: number;
}

export interface UnpackOptions {
  readonly signal?: AbortSignal;
  /** Called when all is unpacked, before the folder takes this path. */
  readonly onReady?: (folder: string) => Promise<void>;
  /** Called now and then with the number of files so far. */
  readonly onProgress?: (files: number) => void;
}

/** True where the name is that of an archive which `unpackArchive` reads. */
export function isArchive(name: string): boolean {
  return ARCHIVE.test(name);
}

/**
 * Unpacks an archive, and archives in it, beside itself: into the one folder that it holds, or a folder of its own name.
 * A folder of that name that is there already is an InputError.
 */
export async function unpackArchive(path: string, options: UnpackOptions = {}): Promise<Unpacked> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const unpacking = new Unpacking(options);
  try {
    await mkdir(temporary);
    await unpacking.unpack(path, temporary, 1);
    const folder = await settle(temporary, path, options.onReady);
    return { folder, files: unpacking.files, bytes: unpacking.bytes, skipped: unpacking.skipped };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Moves what was unpacked beside the archive: its one folder, or all of it under the archive's name. */
async function settle(
  temporary: string,
  path: string,
  onReady?: (folder: string) => Promise<void>,
): Promise<string> {
  const entries = await readdir(temporary, { withFileTypes: true });
  const [only] = entries;
  const single = entries.length === 1 && only!.isDirectory() ? only!.name : undefined;
  const folder = join(dirname(path), single ?? basename(path).replace(ARCHIVE, ''));
  const taken = await stat(folder).catch(() => undefined);
  if (taken !== undefined)
    throw new InputError(`exists already: remove it to unpack ${basename(path)} anew`, folder);
  await onReady?.(folder);
  await rename(single === undefined ? temporary : join(temporary, single), folder);
  return folder;
}

/** Unpacks one member, whose content is opened when its place is ready: an error before that would find no listener. */
type Take = (name: string, open: () => Promise<AsyncIterable<Buffer>>) => Promise<void>;

/** The work on one archive and those in it. */
class Unpacking {
  files = 0;
  bytes = 0;
  skipped = 0;
  #mostBytes = 0;
  readonly #options: UnpackOptions;

  constructor(options: UnpackOptions) {
    this.#options = options;
  }

  async unpack(path: string, folder: string, level: number): Promise<void> {
    if (level === 1) this.#mostBytes = Math.max(SMALL_BYTES, MOST_GROWTH * (await stat(path)).size);
    const inner: string[] = [];
    const take: Take = async (name, content) => {
      const place = this.#placeOf(path, folder, name);
      await this.#write(path, place, content);
      if (isArchive(place)) inner.push(place);
    };
    if (/\.zip$/i.test(path)) await this.#unpackZip(path, take);
    else await this.#unpackTar(path, take);
    if (level === MOST_LEVELS) return;
    for (const archive of inner) {
      const own = `${archive}.tmp`;
      await mkdir(own);
      await this.unpack(archive, own, level + 1);
      await settle(own, archive);
      await rm(own, { recursive: true, force: true });
      await rm(archive);
    }
  }

  /** Where a member goes; a name that leads out of the folder is a FormatError. */
  #placeOf(path: string, folder: string, name: string): string {
    const normal = posix.normalize(name.replaceAll('\\', '/'));
    const leaves =
      normal.startsWith('/') || normal === '..' || normal.startsWith('../') || /^[a-z]:/i.test(normal);
    if (leaves || normal.includes('\0') || normal === '.') {
      throw new FormatError(
        `expected names within the archive, found ${JSON.stringify(name.slice(0, 200))}`,
        { path },
      );
    }
    return join(folder, normal);
  }

  async #write(path: string, place: string, open: Parameters<Take>[1]): Promise<void> {
    this.#options.signal?.throwIfAborted();
    if (++this.files > MOST_FILES)
      throw new FormatError(`expected at most ${MOST_FILES} files, found more`, { path });
    if (this.files % 100 === 0) this.#options.onProgress?.(this.files);
    await mkdir(dirname(place), { recursive: true });
    await pipeline(this.#counted(path, await open()), createWriteStream(place));
  }

  /** The blocks of a member, as long as the archive does not grow beyond its bound. */
  async *#counted(path: string, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const block of content) {
      this.bytes += block.length;
      if (this.bytes > this.#mostBytes) {
        throw new FormatError(`expected at most ${this.#mostBytes} bytes unpacked, found more`, { path });
      }
      yield block;
    }
  }

  async #unpackTar(path: string, take: Take): Promise<void> {
    const archive = extract();
    const file = await unpackFile(path);
    const feeding = pipeline(Readable.from(file), archive).catch(() => undefined);
    try {
      for await (const entry of archive) {
        const { type, name } = entry.header;
        if (type === 'file' || type === 'contiguous-file') {
          await take(name, () => Promise.resolve(entry as AsyncIterable<Buffer>));
          continue;
        }
        if (type !== 'directory') this.skipped++;
        entry.resume();
      }
    } catch (cause) {
      throw unpackFault('tar', path, cause as Error, file.position);
    } finally {
      archive.destroy();
      await feeding;
    }
  }

  async #unpackZip(path: string, take: Take): Promise<void> {
    const zip = await new Promise<ZipFile>((resolve, reject) => {
      const options = { lazyEntries: true, autoClose: false };
      openZip(path, options, (error, found) =>
        error ? reject(unpackFault('zip', path, error, 0)) : resolve(found),
      );
    });
    let offset = 0;
    try {
      for await (const entry of zipEntries(zip)) {
        offset = entry.relativeOffsetOfLocalHeader;
        const kind = (entry.externalFileAttributes >>> 28) & 15;
        if (entry.fileName.endsWith('/')) continue;
        if (kind !== 0 && kind !== 8) {
          this.skipped++; // Unix keeps the type of a file there: 8 is a plain one, 10 a link.
          continue;
        }
        const content = (): Promise<Readable> =>
          new Promise((resolve, reject) => {
            zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
          });
        await take(entry.fileName, content);
      }
    } catch (cause) {
      throw unpackFault('zip', path, cause as Error, offset);
    } finally {
      zip.close();
    }
  }
}

/** The entries of an archive, the next one read when it is asked for. */
async function* zipEntries(zip: ZipFile): AsyncGenerator<Entry> {
  let settle: { resolve: (entry: Entry | undefined) => void; reject: (error: Error) => void } | undefined;
  zip.on('entry', (entry: Entry) => settle?.resolve(entry));
  zip.on('end', () => settle?.resolve(undefined));
  zip.on('error', (error: Error) => settle?.reject(error));
  for (;;) {
    const entry = await new Promise<Entry | undefined>((resolve, reject) => {
      settle = { resolve, reject };
      zip.readEntry();
    });
    if (entry === undefined) return;
    yield entry;
  }
}

function unpackFault(kind: string, path: string, cause: Error, byteOffset: number): Error {
  const { code, name } = cause as NodeJS.ErrnoException;
  if (cause instanceof RxspikeError || name === 'AbortError') return cause;
  if (code === 'ENOSPC' || code === 'EACCES' || code === 'EDQUOT' || code === 'ENAMETOOLONG') {
    return new InputError(`cannot be unpacked: ${cause.message}`, path, { cause });
  }
  return new FormatError(`${kind} archive is damaged (${cause.message})`, { path, byteOffset }, { cause });
}
