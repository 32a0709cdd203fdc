import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Entry, open, type ZipFile } from 'yauzl';
import { FormatError } from '../../errors.ts';

/**
 * Takes files out of a wheel, which is a zip archive; yauzl compares their lengths and refuses names that leave a folder.
 * @param placeOf where in the folder a member of the wheel goes, or undefined for one that is not wanted
 * @returns the places that were written
 */
export async function extractWheel(
  wheel: string,
  folder: string,
  placeOf: (member: string) => string | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const zip = await openWheel(wheel);
  const places: string[] = [];
  try {
    for (let entry = await nextEntry(zip); entry !== undefined; entry = await nextEntry(zip)) {
      signal.throwIfAborted();
      const place = entry.fileName.endsWith('/') ? undefined : placeOf(entry.fileName);
      if (place === undefined) continue;
      const path = join(folder, place);
      await mkdir(dirname(path), { recursive: true });
      await pipeline(await contentOf(zip, entry), createWriteStream(path), { signal });
      places.push(place);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw damaged(wheel, error as Error);
  } finally {
    zip.close();
  }
  return places;
}

/** Refuses what is no wheel, before anything is fetched for it. */
export async function checkWheel(wheel: string): Promise<void> {
  (await openWheel(wheel)).close();
}

function openWheel(wheel: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    open(wheel, { lazyEntries: true, autoClose: false }, (error, opened) =>
      error ? reject(damaged(wheel, error)) : resolve(opened),
    );
  });
}

function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      zip.removeListener('entry', onEntry);
      zip.removeListener('end', onEnd);
      zip.removeListener('error', onError);
      act();
    };
    const onEntry = (entry: Entry): void => settle(() => resolve(entry));
    const onEnd = (): void => settle(() => resolve(undefined));
    const onError = (error: Error): void => settle(() => reject(error));
    zip.on('entry', onEntry);
    zip.on('end', onEnd);
    zip.on('error', onError);
    zip.readEntry();
  });
}

function contentOf(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
}

function damaged(path: string, cause: NodeJS.ErrnoException): FormatError {
  const found =
    cause.code === 'ENOENT'
      ? 'no such file'
      : cause.message.startsWith('End of central directory')
        ? 'no zip archive, or one that was cut'
        : cause.message;
  return new FormatError(`expected a wheel, found ${found}`, { path }, { cause });
}
