import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../errors.ts';

/** Bytes of one read from disk: below this, a read costs more than its bytes. */
export const BLOCK_BYTES: number = 1 << 20;

/**
 * The bytes of a file in blocks. While one is used the next is read into a second buffer; both are used again, so a
 * block is valid until the next is asked for. Ending the iteration early closes the file.
 * @param blockBytes size of a block, but for the last
 */
export async function* fileBlocks(
  path: string,
  blockBytes: number = BLOCK_BYTES,
): AsyncGenerator<Uint8Array> {
  const handle = await openForReading(path);
  let reading: Promise<number> | undefined;
  try {
    const { size } = await handle.stat();
    const length = Math.min(blockBytes, Math.max(1, size));
    const buffers = [
      Buffer.allocUnsafeSlow(length),
      Buffer.allocUnsafeSlow(size > length ? length : 1),
    ] as const;
    const read = (buffer: Buffer): Promise<number> => {
      const result = handle.read(buffer, 0, buffer.length, null).then(({ bytesRead }) => bytesRead);
      result.catch(() => undefined); // Told when it is awaited, which may be never.
      return result;
    };
    reading = read(buffers[0]);
    for (let turn = 0; ; turn ^= 1) {
      const bytesRead = await reading;
      if (bytesRead === 0) return;
      reading = read(buffers[(turn ^ 1) as 0 | 1]);
      yield buffers[turn as 0 | 1].subarray(0, bytesRead);
    }
  } catch (cause) {
    throw new InputError(`file cannot be read: ${(cause as Error).message}`, path, { cause });
  } finally {
    await reading?.catch(() => undefined);
    await handle.close();
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    if ((await handle.stat()).isFile()) return handle;
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = missing ? 'no such file' : `file cannot be opened: ${(cause as Error).message}`;
    throw new InputError(reason, path, { cause });
  }
  await handle.close();
  throw new InputError('a file expected, this is none', path);
}
