import { closeSync, openSync, read, readSync, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { InputError } from '../errors.ts';

/** Bytes of one read from disk: below this, a read costs more than its bytes. */
const BLOCK_BYTES = 1 << 20;

/** A read that takes longer came from a disk: what lies in memory is there several times sooner. */
const SLOW_READ_MILLIS = 2;

/** A buffer that no iteration uses: to touch fresh memory takes longer than to read into it. */
let spare: Uint8Array | undefined;

const readAhead = promisify(read);

/**
 * The bytes of a file, as long as it was when it was opened, in blocks. It is opened and, where it lies in memory, read
 * at once, since to ask another thread takes longer. After the first slow read, the next block is read into a second buffer
 * while one is used. Buffers are used again, so a block is valid until the next is asked for. Ending the iteration
 * early closes the file.
 * @param blockBytes size of a block, but for the last
 * @param start first byte to give
 * @param end byte to stop before, where the file is longer
 * @param slowMillis a read that takes longer is slow
 */
export async function* fileBlocks(
  path: string,
  blockBytes: number = BLOCK_BYTES,
  start = 0,
  end: number = Number.POSITIVE_INFINITY,
  slowMillis: number = SLOW_READ_MILLIS,
): AsyncGenerator<Uint8Array> {
  const { fd, size: fileSize } = openFile(path);
  const size = Math.min(fileSize, end);
  let reading: Promise<Uint8Array> | undefined;
  let slow = false;
  const buffer = takeSpare(blockBytes);
  let free = buffer.subarray(0, blockBytes);
  try {
    let next: Uint8Array | undefined;
    for (let position = start; position < size; ) {
      let block: Uint8Array;
      if (reading === undefined) {
        const began = performance.now();
        block = readAtOnce(fd, free.subarray(0, size - position), position);
        slow = performance.now() - began > slowMillis;
        // Signals and sockets are heard between blocks, however fast they come.
        await nextTurn();
      } else {
        block = await reading;
      }
      if (block.length === 0) return;
      position += block.length;
      if (slow && position < size) {
        next ??= allocate(blockBytes);
        reading = readBlock(fd, next.subarray(0, size - position), position);
      }
      yield block;
      if (next !== undefined) [free, next] = [next, free];
    }
  } catch (cause) {
    throw new InputError(`file cannot be read: ${(cause as Error).message}`, path, { cause });
  } finally {
    await reading?.catch(() => undefined);
    closeSync(fd);
    spare = buffer;
  }
}

function allocate(bytes: number): Uint8Array {
  return Buffer.allocUnsafeSlow(bytes);
}

function takeSpare(bytes: number): Uint8Array {
  const taken = spare;
  spare = undefined;
  return taken !== undefined && taken.length >= bytes ? taken : allocate(Math.max(bytes, BLOCK_BYTES));
}

function readAtOnce(fd: number, buffer: Uint8Array, position: number): Uint8Array {
  return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, position));
}

function readBlock(fd: number, buffer: Uint8Array, position: number): Promise<Uint8Array> {
  const reading = readAhead(fd, buffer, 0, buffer.length, position).then(({ bytesRead }) =>
    buffer.subarray(0, bytesRead),
  );
  reading.catch(() => undefined); // Told when it is awaited, which may be never.
  return reading;
}

function openFile(path: string): { readonly fd: number; readonly size: number } {
  try {
    // Looked at first: to open a pipe waits for its other end.
    const stat = statSync(path);
    if (stat.isFile()) return { fd: openSync(path, 'r'), size: stat.size };
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = missing ? 'no such file' : `file cannot be opened: ${(cause as Error).message}`;
    throw new InputError(reason, path, { cause });
  }
  throw new InputError('a file expected, this is none', path);
}
