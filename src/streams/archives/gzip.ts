import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip, type Gunzip } from 'node:zlib';
import { FormatError } from '../../errors.ts';
import { expecting } from './expecting.ts';

/** The bytes of a file, unpacked on the way where its content is gzip. */
export interface UnpackedFile extends AsyncIterable<Buffer> {
  /** Bytes of the file itself that have been consumed; near a fault where unpacking fails. */
  readonly position: number;
}

/** Reads a file block by block, gzip or not; a damaged or cut gzip file throws a FormatError. */
export async function unpackFile(path: string): Promise<UnpackedFile> {
  const gzip = await startsAsGzip(path).catch(expecting('a file', path));
  const unzip = gzip ? createGunzip({ chunkSize: 1 << 18 }) : undefined;
  let position = 0;
  return {
    get position() {
      return unzip?.bytesWritten ?? position;
    },
    async *[Symbol.asyncIterator]() {
      const file = createReadStream(path, { highWaterMark: 1 << 20 });
      try {
        if (unzip === undefined) {
          for await (const block of file) {
            position += (block as Buffer).length;
            yield block as Buffer;
          }
        } else {
          file.on('error', (error) => unzip.destroy(error));
          yield* file.pipe(unzip) as AsyncIterable<Buffer>;
        }
      } catch (cause) {
        throw unzip === undefined ? cause : gzipFault(path, unzip, cause as NodeJS.ErrnoException);
      } finally {
        file.destroy();
        unzip?.destroy();
      }
    },
  };
}

async function startsAsGzip(path: string): Promise<boolean> {
  const handle = await open(path);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
}

function gzipFault(path: string, unzip: Gunzip, cause: NodeJS.ErrnoException): Error {
  if (cause.code?.startsWith('Z_') !== true) return cause;
  const fault =
    cause.code === 'Z_BUF_ERROR' ? 'gzip data ends early' : `gzip data is damaged (${cause.message})`;
  return new FormatError(fault, { path, byteOffset: unzip.bytesWritten }, { cause });
}

/**
 * A whole file in memory, unpacked where it is gzip.
 * @param mostBytes length above which the file is refused, so that a small file cannot unpack without end
 */
export async function readUnpacked(path: string, mostBytes: number): Promise<Uint8Array> {
  const file = await unpackFile(path);
  const blocks: Buffer[] = [];
  let bytes = 0;
  for await (const block of file) {
    blocks.push(block);
    bytes += block.length;
    if (bytes > mostBytes) {
      throw new FormatError(`expected at most ${mostBytes} bytes, found more`, {
        path,
        byteOffset: file.position,
      });
    }
  }
  return Buffer.concat(blocks, bytes);
}
