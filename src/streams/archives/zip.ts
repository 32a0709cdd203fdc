import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { type Entry, fromRandomAccessReader, RandomAccessReader, type ZipFile } from 'yauzl';
import { FormatError, InputError, RxspikeError } from '../../errors.ts';
import { expecting } from './expecting.ts';
import type { Member } from './tree.ts';

/** Unpacked bytes of one member: far above any recording of a data set, far below what harms. */
const MOST_MEMBER_BYTES = 2 ** 28;
/** Compression method of a member that lies in the archive as it is. */
const STORED = 0;
const BLOCK_BYTES = 1 << 18;

/** A zip archive, whose members are read when asked for. */
export interface ZipArchive {
  readonly members: Member[];
  close(): Promise<void>;
}

/** Lists a zip archive, and zip archives inside it; reads no member. */
export async function openZip(path: string): Promise<ZipArchive> {
  const handle = await open(path).catch(expecting('a zip archive', path));
  const opened: ZipFile[] = [];
  const close = async (): Promise<void> => {
    for (const zip of opened.splice(0)) zip.close();
    await handle.close();
  };
  try {
    const { size } = await handle.stat();
    return { members: await listZip({ path, handle, opened }, '', 0, size), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An open file, and the archives that were found in it. */
interface Opened {
  readonly path: string;
  readonly handle: FileHandle;
  readonly opened: ZipFile[];
}

/** Members of the archive at a range of the file, their names after `prefix`. */
async function listZip(file: Opened, prefix: string, start: number, bytes: number): Promise<Member[]> {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    const options = { lazyEntries: true, autoClose: false };
    fromRandomAccessReader(new FileRange(file.handle, start), bytes, options, (error, found) => {
      if (error) reject(zipFault(file.path, error, start + bytes));
      else resolve(found);
    });
  });
  file.opened.push(zip);
  const members: Member[] = [];
  for (const entry of await readEntries(zip, file.path, start)) {
    if (entry.fileName.endsWith('/')) continue;
    const name = prefix + entry.fileName;
    const where = `${file.path}/${name}`;
    if (!/\.zip$/i.test(name)) {
      members.push({ name, where, read: () => readEntry(zip, entry, where, start) });
    } else if (entry.compressionMethod === STORED && prefix === '') {
      const inner = start + (await dataStart(file, entry, start));
      members.push(...(await listZip(file, `${name.slice(0, -4)}/`, inner, entry.compressedSize)));
    } else {
      // A deeper one could hide itself in itself.
      throw new InputError(
        'zip inside a zip, compressed or nested twice: unpack it and give the folder',
        where,
      );
    }
  }
  return members;
}

function readEntries(zip: ZipFile, path: string, start: number): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    zip.on('entry', (entry: Entry) => {
      entries.push(entry);
      zip.readEntry();
    });
    zip.on('end', () => resolve(entries));
    zip.on('error', (error: Error) => reject(zipFault(path, error, start)));
    zip.readEntry();
  });
}

async function readEntry(zip: ZipFile, entry: Entry, where: string, start: number): Promise<Uint8Array> {
  const byteOffset = start + entry.relativeOffsetOfLocalHeader;
  if (entry.uncompressedSize > MOST_MEMBER_BYTES) {
    const fault = `zip member of at most ${MOST_MEMBER_BYTES} bytes expected, found ${entry.uncompressedSize}`;
    throw new FormatError(fault, { path: where, byteOffset });
  }
  try {
    const stream = await new Promise<Readable>((resolve, reject) => {
      zip.openReadStream(entry, (error, found) => (error ? reject(error) : resolve(found)));
    });
    const blocks: Buffer[] = [];
    for await (const block of stream) blocks.push(block as Buffer);
    return Buffer.concat(blocks);
  } catch (cause) {
    throw zipFault(where, cause as Error, byteOffset);
  }
}

/** Where a member's data starts in its archive: after a local header of its own length. */
async function dataStart(file: Opened, entry: Entry, start: number): Promise<number> {
  const header = Buffer.alloc(30);
  await file.handle.read(header, 0, 30, start + entry.relativeOffsetOfLocalHeader);
  return entry.relativeOffsetOfLocalHeader + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
}

function zipFault(path: string, cause: Error, byteOffset: number): Error {
  if (cause instanceof RxspikeError) return cause;
  return new FormatError(`zip archive is damaged (${cause.message})`, { path, byteOffset }, { cause });
}

/** The bytes of an open file from `start` on, as yauzl reads them; it never closes the file. */
class FileRange extends RandomAccessReader {
  readonly #handle: FileHandle;
  readonly #start: number;

  constructor(handle: FileHandle, start: number) {
    super();
    this.#handle = handle;
    this.#start = start;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#blocks(this.#start + start, this.#start + end), { objectMode: false });
  }

  /** Without this override each of the many small reads of a listing would open a stream. */
  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.#handle.read(buffer, offset, length, this.#start + position).then(
      ({ bytesRead }) => callback(bytesRead < length ? new Error('unexpected end of file') : null),
      (error: Error) => callback(error),
    );
  }

  async *#blocks(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end; ) {
      const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, end - at));
      const { bytesRead } = await this.#handle.read(block, 0, block.length, at);
      if (bytesRead === 0) return;
      yield block.subarray(0, bytesRead);
      at += bytesRead;
    }
  }
}
