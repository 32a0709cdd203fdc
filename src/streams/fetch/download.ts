/**
 * Downloads one file over HTTP, whatever the server does. What has come lies in `NAME.part`, with what the server said
 * of it in `NAME.part.json`: a later attempt, or a later run, asks for the rest on the condition that the file is
 * still the same (`Range` with `If-Range`), and starts anew where the server has another file or no ranges. The file
 * takes its name when its length and checksum are right.
 */
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FormatError, InputError } from '../../errors.ts';
import { expecting } from '../archives/expecting.ts';
import { writeFileAtomic } from '../atomic-file.ts';
import type { RemoteFile } from './catalogue.ts';
import { type VerifiedFile, verifyFile } from './checksums.ts';
import { parseContentRange, requestFile, TransferFault } from './request.ts';

/** How patient a download is, and who watches. */
export interface DownloadOptions {
  /** Attempts without progress before the download is given up; default 5. */
  readonly attempts?: number;
  /** Silence after which an attempt is given up, in milliseconds; default 30,000. */
  readonly stallMillis?: number;
  /** Pause before the second attempt in milliseconds, doubled for each further one; default 1000. */
  readonly backoffMillis?: number;
  readonly signal?: AbortSignal;
  /** Called as bytes come; `total` where the server or the catalogue says it. */
  readonly onProgress?: (bytes: number, total: number | undefined) => void;
  /** Called when an attempt has failed and another follows. */
  readonly onRetry?: (reason: string) => void;
}

/** A file that was downloaded. */
export interface DownloadedFile extends VerifiedFile {
  readonly path: string;
  /** Bytes that this run did not have to download. */
  readonly resumedBytes: number;
}

/** Progress that is worth a fresh set of attempts. */
const PROGRESS_BYTES = 1 << 20;
/** No data set's file is larger; a body without end is. */
const MOST_BYTES = 2 ** 36;
const LONGEST_PAUSE_MILLIS = 60_000;

/** What the server said of the part that has come. */
interface PartNote {
  readonly url: string;
  readonly validator?: string;
  readonly total?: number;
}

/** Downloads a file to a folder that exists, in place of a file of its name. */
export async function downloadFile(
  file: RemoteFile & { readonly url: string },
  folder: string,
  options: DownloadOptions = {},
): Promise<DownloadedFile> {
  const path = join(folder, file.name);
  const part = `${path}.part`;
  const transfer = new Transfer(file, part, options);
  await transfer.run();
  let verified: VerifiedFile;
  try {
    verified = await verifyFile(part, file);
  } catch (error) {
    await transfer.discard();
    if (!(error instanceof FormatError)) throw error;
    // Parts of two versions of a file may have met: once more in one piece.
    if (transfer.joined) return downloadFile(file, folder, options);
    throw new FormatError(error.message, { path: file.url }, { cause: error });
  }
  const { resumedBytes } = transfer;
  await rename(part, path);
  await transfer.discard();
  return { path, ...verified, resumedBytes };
}

/** The attempts at one file. */
class Transfer {
  readonly #file: RemoteFile & { readonly url: string };
  readonly #part: string;
  readonly #options: DownloadOptions;
  /** Bytes of a run before this one that are in the part. */
  resumedBytes = 0;
  /** Whether the part came in more than one piece. */
  joined = false;

  constructor(file: RemoteFile & { readonly url: string }, part: string, options: DownloadOptions) {
    this.#file = file;
    this.#part = part;
    this.#options = options;
  }

  /** Attempts until the part is complete. */
  async run(): Promise<void> {
    const { attempts = 5, backoffMillis = 1000, signal, onRetry } = this.#options;
    this.resumedBytes = await this.#partBytes();
    for (let failures = 0; ; ) {
      signal?.throwIfAborted();
      const before = await this.#partBytes();
      try {
        await this.#attempt(before);
        return;
      } catch (error) {
        if (signal?.aborted || !(error instanceof TransferFault)) throw error;
        failures = (await this.#partBytes()) - before >= PROGRESS_BYTES ? 1 : failures + 1;
        if (!error.passing || failures >= attempts) {
          throw new InputError(error.message, this.#file.url, { cause: error });
        }
        onRetry?.(error.message);
        const pause = Math.max(error.retryAfterMillis ?? 0, backoffMillis * 2 ** (failures - 1));
        const waiting = signal === undefined ? {} : { signal };
        await sleep(Math.min(pause, LONGEST_PAUSE_MILLIS), undefined, waiting);
      }
    }
  }

  /** Removes the part and its note. */
  async discard(): Promise<void> {
    this.resumedBytes = 0;
    await rm(this.#part, { force: true });
    await rm(`${this.#part}.json`, { force: true });
  }

  async #partBytes(): Promise<number> {
    return stat(this.#part).then(
      ({ size }) => size,
      () => 0,
    );
  }

  /** One request and its body, from where the part ends where that can be. */
  async #attempt(partBytes: number): Promise<void> {
    const { url, bytes: length } = this.#file;
    const note = partBytes > 0 ? await this.#readNote() : undefined;
    const known = this.#file.sha256 ?? this.#file.md5;
    const start = note !== undefined && (note.validator !== undefined || known !== undefined) ? partBytes : 0;
    if (start > 0 && start === note?.total) return;
    const headers: Record<string, string> = {};
    if (start > 0) headers['range'] = `bytes=${start}-`;
    if (start > 0 && note?.validator !== undefined) headers['if-range'] = note.validator;
    const { stallMillis = 30_000, signal } = this.#options;
    const response = await requestFile(url, {
      headers,
      stallMillis,
      ...(signal === undefined ? {} : { signal }),
    });
    const { status } = response;
    const validator = validatorOf(response.headers);
    if (status === 416 && parseContentRange(response.headers.get('content-range'))?.total === start) {
      await response.cancel();
      return; // The first answer announced more than there is.
    }
    if (status === 206) {
      const range = parseContentRange(response.headers.get('content-range'));
      const same = note?.validator === undefined || validator === undefined || validator === note.validator;
      if (range?.start !== start || !same || (note?.total ?? range.total) !== range.total) {
        await response.cancel();
        await this.discard();
        throw new TransferFault('the file changed while it was downloaded: starting anew', true);
      }
      this.joined = true;
      await this.#receive(response.body, start, range.total ?? length);
      return;
    }
    if (status !== 200) {
      await response.cancel();
      if (status === 416) await this.discard();
      throw TransferFault.ofStatus(status, response.headers);
    }
    const announced = Number(response.headers.get('content-length') ?? Number.NaN);
    const total = Number.isSafeInteger(announced) ? announced : undefined;
    if (total !== undefined && length !== undefined && total !== length) {
      await response.cancel();
      throw new TransferFault(`expected ${length} bytes, the server has a file of ${total}`, false);
    }
    await this.#startAnew({
      url,
      ...(validator === undefined ? {} : { validator }),
      ...(total === undefined ? {} : { total }),
    });
    await this.#receive(response.body, 0, total ?? length);
  }

  /** Appends a body to the part, which has `start` bytes. */
  async #receive(body: AsyncIterable<Uint8Array>, start: number, total: number | undefined): Promise<void> {
    const { onProgress } = this.#options;
    const part = await open(this.#part, 'a').catch(expecting('a file that can be written', this.#part));
    let bytes = start;
    try {
      for await (const block of body) {
        bytes += block.length;
        if (bytes > (total ?? MOST_BYTES)) {
          throw new TransferFault(
            `expected ${total ?? `at most ${MOST_BYTES}`} bytes, the server sends more`,
            false,
          );
        }
        await part.writeFile(block).catch(expecting('a disk with room', this.#part));
        onProgress?.(bytes, total);
      }
    } finally {
      await part.close();
    }
    if (total !== undefined && bytes < total) {
      throw new TransferFault(`the server ended after ${bytes} of ${total} bytes`, true);
    }
  }

  async #readNote(): Promise<PartNote | undefined> {
    try {
      const note = JSON.parse(await readFile(`${this.#part}.json`, 'utf8')) as PartNote;
      return note.url === this.#file.url ? note : undefined;
    } catch {
      return undefined; // Without it the part is worth nothing.
    }
  }

  /** Notes what the server says of the file whose bytes come now, without those that came before. */
  async #startAnew(note: PartNote): Promise<void> {
    await this.discard();
    await writeFileAtomic(`${this.#part}.json`, JSON.stringify(note));
  }
}

/** What tells one version of a file from another, as `If-Range` takes it: a strong ETag, or else a date. */
function validatorOf(headers: Headers): string | undefined {
  const tag = headers.get('etag');
  if (tag?.startsWith('"')) return tag;
  return headers.get('last-modified') ?? undefined;
}
