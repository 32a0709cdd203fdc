import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { InputError } from '../../../src/errors.ts';

/** A file that grows. */
export interface FileSink {
  /** Fails where an earlier write did. */
  write(bytes: Uint8Array | string): void;
  /** Ends the file; fulfilled when all is written. */
  end(): Promise<void>;
}

/** Opens a file to append to; `new` refuses one that is there. */
export async function openFileSink(path: string, mode: 'append' | 'new'): Promise<FileSink> {
  const flags = mode === 'append' ? 'a' : 'ax';
  const handle = await open(path, flags).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'EEXIST' ? 'a file is there already' : `cannot be written: ${cause.message}`;
    throw new InputError(why, path, { cause });
  });
  const stream = createWriteStream(path, { fd: handle, flags });
  const done = finished(stream);
  let failure: Error | undefined;
  done.catch((error: Error) => {
    failure = new InputError(`cannot be written: ${error.message}`, path, { cause: error });
  });
  return {
    write: (bytes) => {
      if (failure !== undefined) throw failure;
      stream.write(bytes);
    },
    end: async () => {
      stream.end();
      await done.catch(() => {
        throw failure;
      });
    },
  };
}
