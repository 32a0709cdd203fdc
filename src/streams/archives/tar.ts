import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { FormatError, InputError, RxspikeError } from '../../errors.ts';
import { unpackFile } from './gzip.ts';
import type { Member } from './tree.ts';

/** Unpacked bytes that an archive may hold in memory: a tar cannot be read in another order than its own. */
const MOST_BYTES = 2 ** 30;

/** The regular files of a tar archive, gzip or not, read once and kept in memory; nothing is written to disk. */
export async function readTar(path: string): Promise<Member[]> {
  const members: Member[] = [];
  const archive = extract();
  const file = await unpackFile(path);
  // The iteration below reports what fails here.
  const feeding = pipeline(Readable.from(file), archive).catch(() => undefined);
  let bytes = 0;
  try {
    for await (const entry of archive) {
      if (entry.header.type !== 'file') {
        entry.resume();
        continue;
      }
      const blocks: Buffer[] = [];
      for await (const block of entry as AsyncIterable<Buffer>) {
        blocks.push(block);
        bytes += block.length;
        if (bytes > MOST_BYTES) {
          throw new InputError(
            `archive holds more than ${MOST_BYTES} bytes: unpack it and give the folder`,
            path,
          );
        }
      }
      const content = Buffer.concat(blocks);
      const name = posix.normalize(entry.header.name);
      if (/^(\.\.)?\//.test(name)) throw new Error(`invalid relative path: ${name}`);
      members.push({ name, where: `${path}/${name}`, read: () => Promise.resolve(content) });
    }
  } catch (cause) {
    if (cause instanceof RxspikeError) throw cause;
    const fault = `tar archive is damaged (${(cause as Error).message})`;
    throw new FormatError(fault, { path, byteOffset: file.position }, { cause });
  } finally {
    archive.destroy();
    await feeding;
  }
  return members;
}
