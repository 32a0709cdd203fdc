import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../errors.ts';

/** Bytes of one read from disk: below this, a read costs more than its bytes. */
const BLOCK_BYTES = 1 << 20;

/**
 * The bytes of a file, as long as it was when it was opened, in blocks. While one is used the next is read into a
 * second buffer; both are used again, so a block is valid until the next is asked for. Ending the iteration early
 * closes the file.
 * @param blockBytes size of a block, but for the last
 * @param start first byte to give
 * @param end byte to stop before, where the file is longer
 */
export async function* fileBlocks(
  path: string,
  blockBytes: number = BLOCK_BYTES,
  start = 0,
  end: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  const { handle, size: fileSize } = await openFile(path);
  const size = Math.min(fileSize, end);
  let reading: Promise<Uint8Array> | undefined;
  try {
    let free = allocate(Math.max(0, Math.min(size - start, blockBytes)));
    let next = size - start > blockBytes ? allocate(blockBytes) : free;
    const read = (buffer: Uint8Array, position: number): Promise<Uint8Array> =>
      readBlock(handle, buffer.subarray(0, size - position), position);
    reading = read(free, start);
    for (let position = start; position < size; ) {
      const block = await reading;
      if (block.length === 0) return;
      position += block.length;
      if (position < size) reading = read(next, position);
      yield block;
      [free, next] = [next, free];
    }
  } catch (cause) {
    throw new InputError(`file cannot be read: ${(cause as Error).message}`, path, { cause });
  } finally {
    await reading?.catch(() => undefined);
    await handle.close();
  }
}

function allocate(bytes: number): Uint8Array {
  return Buffer.allocUnsafeSlow(bytes);
}

function readBlock(handle: FileHandle, buffer: Uint8Array, position: number): Promise<Uint8Array> {
  const reading = handle
    .read(buffer, 0, buffer.length, position)
    .then(({ bytesRead }) => buffer.subarray(0, bytesRead));
  reading.catch(() => undefined); // Told when it is awaited, which may be never.
  return reading;
}

async function openFile(path: string): Promise<{ handle: FileHandle; size: number }> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    const stat = await handle.stat();
    if (stat.isFile()) return { handle, size: stat.size };
  } catch (cause) {
    await handle?.close();
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = missing ? 'no such file' : `file cannot be opened: ${(cause as Error).message}`;
    throw new InputError(reason, path, { cause });
  }
  await handle.close();
  throw new InputError('a file expected, this is none', path);
}
