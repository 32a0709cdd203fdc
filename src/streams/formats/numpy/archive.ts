import { Readable } from 'node:stream';
import { type Entry, fromRandomAccessReader, RandomAccessReader, type ZipFile } from 'yauzl';
import type { ByteSource } from '../../byte-source.ts';

const BLOCK_BYTES = 1 << 18;
/** Arrays that an archive may hold; more are no recording. */
const MOST_MEMBERS = 1000;

/** The arrays of an archive (`.npz`): their names without `.npy`, each opened as a stream of its own. */
export interface ArrayArchive {
  readonly names: readonly string[];
  open(name: string): Promise<ByteCursor>;
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
    close: () => zip.close(),
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
