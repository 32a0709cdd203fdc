import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InputError } from '../../errors.ts';
import { expecting } from './expecting.ts';
import { readTar } from './tar.ts';
import { openZip } from './zip.ts';

/** A file in a folder or an archive. */
export interface Member {
  /** Path below the root that was opened, with slashes; an archive counts as a folder named without its ending. */
  readonly name: string;
  /** Named in errors. */
  readonly where: string;
  /** Path of the file, where it is one of its own. */
  readonly file?: string;
  /** Path of the archive that holds it, where it is none. */
  readonly archive?: string;
  read(): Promise<Uint8Array>;
}

/** All files below a folder, those in archives included. */
export interface Tree {
  /** By name, numbers in names by their value. */
  readonly members: readonly Member[];
  /** Closes the archives. */
  close(): Promise<void>;
}

/** Folders this deep are a mistake, such as the root of a disk. */
const MOST_LEVELS = 8;

const ARCHIVE = /\.(zip|tar|tgz|tar\.gz)$/i;

const collator = new Intl.Collator('en', { numeric: true });

/** Names in the order of a person: `2.bin` before `10.bin`. */
export function compareNames(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

/** Lists a folder or an archive (zip, tar, tar.gz) with all archives below it; follows links, skips hidden files. */
export async function openTree(path: string): Promise<Tree> {
  const listing = new Listing();
  try {
    await listing.add(path, '', 0);
  } catch (error) {
    await listing.close();
    throw error;
  }
  listing.members.sort((a, b) => compareNames(a.name, b.name));
  return listing;
}

class Listing implements Tree {
  readonly members: Member[] = [];
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #folders = new Set<string>();

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
  }

  /** @param name path below the root, empty for the root itself */
  async add(path: string, name: string, level: number): Promise<void> {
    const facts = await stat(path).catch(expecting('a folder or an archive', path));
    const ending = ARCHIVE.exec(path)?.[0];
    if (facts.isDirectory()) await this.#addFolder(path, name, level);
    else if (!facts.isFile()) return;
    else if (ending !== undefined)
      await this.#addArchive(path, (name || basename(path)).slice(0, -ending.length));
    else if (name !== '') this.members.push(fileMember(path, name));
    else throw new InputError('expected a folder or an archive (zip, tar, tar.gz), found another file', path);
  }

  async #addFolder(path: string, name: string, level: number): Promise<void> {
    // A link may lead back to a folder above it.
    const real = await realpath(path);
    if (level > MOST_LEVELS || this.#folders.has(real)) return;
    this.#folders.add(real);
    for (const entry of await readdir(path, { withFileTypes: true }).catch(expecting('a folder', path))) {
      if (isHidden(entry.name)) continue;
      const below = name === '' ? entry.name : `${name}/${entry.name}`;
      const file = join(path, entry.name);
      // Tens of thousands of plain files need no look at each.
      if (entry.isFile() && !ARCHIVE.test(entry.name)) this.members.push(fileMember(file, below));
      else await this.add(file, below, level + 1);
    }
  }

  async #addArchive(path: string, name: string): Promise<void> {
    let members: readonly Member[];
    if (/\.zip$/i.test(path)) {
      const zip = await openZip(path);
      this.#closers.push(zip.close);
      members = zip.members;
    } else {
      members = await readTar(path);
    }
    for (const member of members) {
      if (member.name.split('/').some(isHidden)) continue;
      this.members.push({ ...member, name: `${name}/${member.name}`, archive: path });
    }
  }
}

function fileMember(file: string, name: string): Member {
  return { name, where: file, file, read: () => readFile(file).catch(expecting('a file', file)) };
}

/** Files that systems leave beside the data. */
function isHidden(name: string): boolean {
  return name.startsWith('.') || name === '__MACOSX' || name === 'Thumbs.db' || name === 'desktop.ini';
}
