import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { FormatError } from '../../errors.ts';
import { expecting } from '../archives/expecting.ts';
import type { RemoteFile } from './catalogue.ts';

/** What a file was compared with: its documented checksum, its documented length, or neither. */
export type Verification = 'sha256' | 'md5' | 'length' | 'none';

/** A file that is as documented. */
export interface VerifiedFile {
  readonly bytes: number;
  readonly sha256: string;
  readonly verified: Verification;
}

/** Reads a file once and compares it with all that is documented of it; a difference is a FormatError. */
export async function verifyFile(path: string, expected: RemoteFile): Promise<VerifiedFile> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  let bytes = 0;
  const blocks = createReadStream(path, { highWaterMark: 1 << 20 });
  try {
    for await (const block of blocks as AsyncIterable<Buffer>) {
      sha256.update(block);
      if (expected.md5 !== undefined) md5.update(block);
      bytes += block.length;
    }
  } catch (error) {
    expecting('a file', path)(error as Error);
  }
  const found = { bytes, md5: md5.digest('hex'), sha256: sha256.digest('hex') };
  for (const [fact, name] of [
    ['bytes', 'length'],
    ['sha256', 'SHA-256'],
    ['md5', 'MD5'],
  ] as const) {
    if (expected[fact] === undefined || expected[fact] === found[fact]) continue;
    throw new FormatError(`${expected.name}: expected ${name} ${expected[fact]}, found ${found[fact]}`, {
      path,
    });
  }
  const { bytes: length } = expected;
  const verified = expected.sha256
    ? 'sha256'
    : expected.md5
      ? 'md5'
      : length !== undefined
        ? 'length'
        : 'none';
  return { bytes, sha256: found.sha256, verified };
}
