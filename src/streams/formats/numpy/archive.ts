import { Readable } from 'node:stream';
import { type Entry, fromRandomAccessReader, RandomAccessReader, type ZipFile } from 'yauzl';
import type { ByteSource } from '../../byte-source.ts';
import { viewOf } from '../byte-window.ts';

/** The start of a zip archive, and of each member's own header of so many bytes. */
export const ZIP_MAGIC = 0x04034b50;
const LOCAL_BYTES = 30;
/** Bit of a member's flags. */
const ENCRYPTED = 1;
const BLOCK_BYTES = 1 << 18;
/** Arrays that an archive may hold; more are no recording. */
const MOST_MEMBERS = 1000;

/** The arrays of an archive (`.npz`): their names without `.npy`, each opened as a stream of its own. */
export interface ArrayArchive {
  readonly names: readonly string[];
  open(name: string): Promise<ByteCursor>;
  /** The bytes of an array that is stored as it is; undefined for one that is packed, or not whole. */
  stored(name: string): Promise<ByteSource | undefined>;
  close(): void;
}

/** Opens an archive; throws whatever yauzl throws where it is damaged. */
export async function openArchive(source: ByteSource): Promise<ArrayArchive> {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    const options = { lazyEntries: true, autoClose: false };
    fromRandomAccessReader(new SourceReader(source), source.size, options, (error, found) =>
      error ? reject(error) : resolve(found),
    );
  });
  const entries = new Map<string, Entry>();
  await new Promise<void>((resolve, reject) => {
    zip.on('entry', (entry: Entry) => {
      if (entry.fileName.endsWith('.npy')) entries.set(entry.fileName.slice(0, -4), entry);
      if (entries.size > MOST_MEMBERS) reject(new Error(`more than ${MOST_MEMBERS} arrays`));
      else zip.readEntry();
    });
    zip.on('end', resolve);
    zip.on('error', reject);
    zip.readEntry();
  });
  return {
    names: [...entries.keys()],
    open: (name) =>
      new Promise((resolve, reject) => {
        zip.openReadStream(entries.get(name)!, (error, stream) =>
          error ? reject(error) : resolve(new ByteCursor(stream)),
        );
      }),
    stored: async (name) => {
      const { compressionMethod, generalPurposeBitFlag, relativeOffsetOfLocalHeader, uncompressedSize } =
        entries.get(name)!;
      if (compressionMethod !== 0 || (generalPurposeBitFlag & ENCRYPTED) !== 0) return undefined;
      const head = await source.read(relativeOffsetOfLocalHeader, relativeOffsetOfLocalHeader + LOCAL_BYTES);
      const view = viewOf(head);
      if (head.length < LOCAL_BYTES || view.getUint32(0, true) !== ZIP_MAGIC) return undefined;
      const names = view.getUint16(26, true) + view.getUint16(28, true);
      const start = relativeOffsetOfLocalHeader + LOCAL_BYTES + names;
      return start + uncompressedSize > source.size ? undefined : partOf(source, start, uncompressedSize);
    },
    close: () => zip.close(),
  };
}

/** Some bytes of a source, as a source. */
function partOf(source: ByteSource, offset: number, size: number): ByteSource {
  return {
    path: source.path,
    file: undefined,
    size,
    read: (start, end) => source.read(offset + start, offset + Math.min(end, size)),
    close: () => Promise.resolve(),
  };
}

/** Takes stretches of any length from a stream, one after the other; one is awaited at a time. */
export class ByteCursor {
  readonly #blocks: AsyncIterator<Buffer>;
  readonly #stream: Readable;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(stream: Readable) {
    this.#stream = stream;
    this.#blocks = stream[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, or fewer where the stream ends. */
  async take(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#rest.length === 0) {
        const next = await this.#blocks.next();
        if (next.done === true) break;
        this.#rest = next.value;
      }
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** Puts bytes back that have been taken. */
  giveBack(bytes: Uint8Array): void {
    this.#rest = Buffer.concat([bytes, this.#rest]);
  }

  close(): void {
    this.#stream.destroy();
  }
}

/** A source as yauzl reads it; it never closes the source. */
class SourceReader extends RandomAccessReader {
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    super();
    this.#source = source;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const source = this.#source;
    async function* blocks(): AsyncGenerator<Uint8Array> {
      for (let at = start; at < end; ) {
        const block = await source.read(at, Math.min(end, at + BLOCK_BYTES));
        if (block.length === 0) throw new Error('unexpected end of file');
        at += block.length;
        yield block;
      }
    }
    return Readable.from(blocks(), { objectMode: false });
  }
}
