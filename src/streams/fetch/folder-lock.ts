import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import { expecting } from '../archives/expecting.ts';

/** Stands in a folder while a process fetches into it. */
const LOCK = '.fetching.lock';
/** How often a process shows that it is alive, and after how long it is taken for dead. */
const BEAT_MILLIS = 5_000;
const DEAD_MILLIS = 60_000;

/** Who holds a lock. */
interface Holder {
  readonly token: string;
  readonly host: string;
  readonly pid: number;
}

/** A folder that is this process's alone. */
export interface FolderLock {
  /** Throws where another process took the folder, since this one had shown no sign of life. */
  check(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes a folder for this process, or says who has it. The lock of a process that ended without a word is taken over:
 * one of this machine that is gone, or any that has not been heard of for a minute.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, LOCK);
  const own: Holder = { token: randomBytes(8).toString('hex'), host: hostname(), pid: process.pid };
  const temporary = `${path}.${own.token}`;
  await writeFile(temporary, JSON.stringify(own)).catch(expecting('a folder that can be written', folder));
  try {
    while (!(await linked(temporary, path))) {
      const holder = await holderOf(path);
      if (holder !== undefined && (await isAlive(path, holder))) throw heldBy(holder, folder);
      await removeDead(path, holder);
    }
  } finally {
    await rm(temporary, { force: true });
  }
  const isOwn = async (): Promise<boolean> => (await holderOf(path))?.token === own.token;
  const beat = setInterval(() => {
    const now = new Date();
    void isOwn()
      .then((held) => (held ? utimes(path, now, now) : undefined))
      .catch(() => undefined);
  }, BEAT_MILLIS);
  beat.unref();
  return {
    check: async () => {
      if (await isOwn()) return;
      const holder = await holderOf(path);
      throw holder === undefined
        ? new InputError(`expected ${LOCK} to stay, it is gone`, folder)
        : heldBy(holder, folder);
    },
    release: async () => {
      clearInterval(beat);
      if (await isOwn()) await rm(path, { force: true });
    },
  };
}

function heldBy({ pid, host }: Holder, folder: string): InputError {
  return new InputError(
    `process ${pid} on ${host} is fetching into this folder; wait for it, or stop it`,
    folder,
  );
}

/** Gives a file its second name; false where that name is taken. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** What a lock says; undefined where there is none, or it says nothing. */
async function holderOf(path: string): Promise<Holder | undefined> {
  try {
    const { token, host, pid } = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder>;
    if (typeof token !== 'string' || typeof host !== 'string' || !Number.isSafeInteger(pid)) return undefined;
    return { token, host, pid: pid! };
  } catch {
    return undefined;
  }
}

async function isAlive(path: string, { host, pid }: Holder): Promise<boolean> {
  const beatMillis = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  if (Date.now() - beatMillis > DEAD_MILLIS) return false;
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0); // Asks whether it is there.
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes a lock of the dead; one that a living process put there meanwhile gets its name back. */
async function removeDead(path: string, dead: Holder | undefined): Promise<void> {
  const aside = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch {
    return; // Another process was faster.
  }
  const moved = await holderOf(aside);
  if (moved?.token !== dead?.token) await linked(aside, path);
  await rm(aside, { force: true });
}
