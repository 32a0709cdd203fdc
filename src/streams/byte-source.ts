import { open } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import { expecting } from './archives/expecting.ts';

/** Bytes that can be read in any order: an open file, or bytes in memory. */
export interface ByteSource {
  /** Named in errors. */
  readonly path: string | undefined;
  /** Path of the file that holds exactly these bytes; undefined for bytes in memory. */
  readonly file: string | undefined;
  /** Length in bytes. */
  readonly size: number;
  /** The bytes from `start` to `end`, or fewer where the end of the source is nearer; nobody else writes to them. */
  read(start: number, end: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Opens a file, as long as it is now. */
export async function openByteSource(path: string): Promise<ByteSource> {
  const handle = await open(path).catch(expecting('a file', path));
  const { size } = await handle.stat();
  return {
    path,
    file: path,
    size,
    async read(start, end) {
      const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(end, size) - start));
      let length = 0;
      while (length < bytes.length) {
        const { bytesRead } = await handle
          .read(bytes, length, bytes.length - length, start + length)
          .catch((cause: Error) => {
            throw new InputError(`file cannot be read: ${cause.message}`, path, { cause });
          });
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return bytes.subarray(0, length);
    },
    close: () => handle.close(),
  };
}

/** Bytes in memory. */
export function memorySource(bytes: Uint8Array, path?: string): ByteSource {
  return {
    path,
    file: undefined,
    size: bytes.length,
    read: async (start, end) => bytes.subarray(start, Math.max(start, end)),
    close: () => Promise.resolve(),
  };
}
