import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { InputError } from '../../errors.ts';
import { expecting } from '../archives/expecting.ts';
import { writeFileAtomic } from '../atomic-file.ts';
import type { CatalogueEntry, RemoteFile } from './catalogue.ts';
import { type Verification, type VerifiedFile, verifyFile } from './checksums.ts';
import { type DownloadOptions, downloadFile } from './download.ts';
import { lockFolder } from './folder-lock.ts';
import { isArchive, unpackArchive } from './unpack.ts';

/** What is in the folder of a data set, so that nothing is fetched twice. */
const RECORD = 'fetched.json';

export interface FetchOptions extends Omit<DownloadOptions, 'onProgress'> {
  /** Place of the files by their names, instead of the official one. */
  readonly mirror?: string;
  /** Keeps archives beside what was unpacked of them. */
  readonly keepArchives?: boolean;
  readonly onProgress?: (progress: FetchProgress) => void;
}

/** How far a file is. */
export interface FetchProgress {
  readonly file: string;
  readonly state: 'downloading' | 'unpacking';
  /** Bytes that have come, or files that were unpacked. */
  readonly done: number;
  readonly total?: number;
}

/** A file of a data set that is here. */
export interface FetchedFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly verified: Verification;
  /** Where it lies, or the folder that it became. */
  readonly path: string;
  /** `here` where there was nothing to do. */
  readonly state: 'fetched' | 'here';
  readonly resumedBytes: number;
  /** Links and devices in the archive that were left out. */
  readonly skipped: number;
}

const recordSchema = v.record(
  v.string(),
  v.object({
    bytes: v.number(),
    sha256: v.string(),
    verified: v.picklist(['sha256', 'md5', 'length', 'none']),
    place: v.string(),
  }),
);
type FetchRecord = v.InferOutput<typeof recordSchema>;

/**
 * Downloads the files of a data set to a folder, and unpacks its archives there; what is there already is left. While it
 * does, no other process can.
 */
export async function* fetchDataset(
  entry: CatalogueEntry,
  folder: string,
  options: FetchOptions = {},
): AsyncGenerator<FetchedFile> {
  await mkdir(folder, { recursive: true }).catch(expecting('a folder that can be written', folder));
  const lock = await lockFolder(folder);
  try {
    await removeLeftovers(folder);
    for (const file of entry.files) {
      options.signal?.throwIfAborted();
      await lock.check();
      yield (await alreadyHere(file, folder)) ?? (await fetchFile(entry, file, folder, options));
    }
  } finally {
    await lock.release();
  }
}

async function alreadyHere(file: RemoteFile, folder: string): Promise<FetchedFile | undefined> {
  const known = (await readRecord(folder))[file.name];
  if (known === undefined || (file.sha256 !== undefined && file.sha256 !== known.sha256)) return undefined;
  const path = join(folder, known.place);
  if (!existsSync(path)) return undefined;
  const { bytes, sha256, verified } = known;
  return { name: file.name, bytes, sha256, verified, path, state: 'here', resumedBytes: bytes, skipped: 0 };
}

async function fetchFile(
  entry: CatalogueEntry,
  file: RemoteFile,
  folder: string,
  { mirror, keepArchives = false, onProgress, ...options }: FetchOptions,
): Promise<FetchedFile> {
  const { name } = file;
  const url = mirror === undefined ? file.url : `${mirror.replace(/\/*$/, '')}/${encodeURIComponent(name)}`;
  const path = join(folder, name);
  let download: VerifiedFile & { readonly resumedBytes: number };
  if (existsSync(path)) {
    const verified = await verifyFile(path, file);
    download = { ...verified, resumedBytes: verified.bytes };
  } else if (url === undefined) {
    throw new InputError(
      `${entry.title} is given to people only: download ${name} from ${entry.page} into ${folder}, and call again`,
    );
  } else {
    const watch = (done: number, total?: number): void =>
      onProgress?.({ file: name, state: 'downloading', done, ...(total === undefined ? {} : { total }) });
    download = await downloadFile({ ...file, url }, folder, { ...options, onProgress: watch });
  }
  const { bytes, sha256, verified, resumedBytes } = download;
  const fetched = { name, bytes, sha256, verified, resumedBytes, state: 'fetched' } as const;
  if (!isArchive(name)) {
    await note(folder, name, { bytes, sha256, verified, place: name });
    return { ...fetched, path, skipped: 0 };
  }
  const { signal } = options;
  const unpacked = await unpackArchive(path, {
    ...(signal === undefined ? {} : { signal }),
    onReady: (place) => note(folder, name, { bytes, sha256, verified, place: basename(place) }),
    onProgress: (done) => onProgress?.({ file: name, state: 'unpacking', done }),
  });
  if (!keepArchives) await rm(path);
  return { ...fetched, path: unpacked.folder, skipped: unpacked.skipped };
}

async function readRecord(folder: string): Promise<FetchRecord> {
  try {
    return v.parse(recordSchema, JSON.parse(await readFile(join(folder, RECORD), 'utf8')));
  } catch {
    return {}; // Without it, everything is looked at anew.
  }
}

async function note(folder: string, name: string, facts: FetchRecord[string]): Promise<void> {
  const record = { ...(await readRecord(folder)), [name]: facts };
  await writeFileAtomic(join(folder, RECORD), `${JSON.stringify(record, null, 2)}\n`);
}

/** Removes what a killed run was unpacking. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/^\..+\.[0-9a-f]{12}\.tmp$/.test(name))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}
