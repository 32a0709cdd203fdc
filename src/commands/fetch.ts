import { join } from 'node:path';
import type { Command } from 'commander';
import { OptionError } from '../errors.ts';
import { progressLine } from '../reports/progress.ts';
import { table } from '../reports/table.ts';
import type { CatalogueEntry } from '../streams/fetch/catalogue.ts';
import type { FetchedFile, FetchProgress } from '../streams/fetch/fetch-dataset.ts';
import { type CommandIo, writeLine } from './command-io.ts';

interface FetchCommandOptions {
  readonly to?: string;
  readonly mirror?: string;
  readonly keep?: true;
  readonly list?: true;
  readonly json?: true;
}

const help = `
A download that was stopped goes on where it was. Checksums are compared where the makers' files have documented ones;
the SHA-256 of each file is shown. Archives are unpacked and removed.

Examples:
  pipeline fetch --list
  pipeline fetch nmnist
  pipeline fetch cifar10dvs --to data/cifar10dvs --mirror https://example.org/cifar10dvs`;

/** `pipeline fetch NAME`: downloads a data set from its official place, checks and unpacks it. */
export function define(command: Command, io: CommandIo): void {
  command
    .argument('[name]', 'the data set; see --list')
    .option('--to <DIR>', 'folder for it; data/NAME by default')
    .option('--mirror <URL>', 'place of its files by their names, instead of the official one')
    .option('--keep', 'keep archives beside what was unpacked of them')
    .option('--list', 'show the data sets with their places')
    .option('--json', 'print a JSON line for each file')
    .addHelpText('after', help)
    .action((name: string | undefined, options: FetchCommandOptions) => fetchCommand(name, options, io));
}

async function fetchCommand(
  name: string | undefined,
  options: FetchCommandOptions,
  io: CommandIo,
): Promise<void> {
  const { catalogue, catalogueEntry } = await import('../streams/fetch/catalogue.ts');
  if (options.list) return listEntries(catalogue, options.json === true, io);
  if (name === undefined) {
    throw new OptionError(
      `expected the name of a data set: ${catalogue.map((entry) => entry.name).join(', ')}`,
    );
  }
  const entry = catalogueEntry(name);
  if (options.mirror !== undefined && !/^https?:\/\//.test(options.mirror)) {
    throw new OptionError(`--mirror: expected an http or https URL, found ${JSON.stringify(options.mirror)}`);
  }
  const { fetchDataset } = await import('../streams/fetch/fetch-dataset.ts');
  const folder = options.to ?? join('data', name);
  const progress = progressLine(io.err, { delayMillis: 0 });
  const { signal } = io;
  if (options.json !== true) io.out.write(`${entry.title}\nlicence: ${entry.licence}, ${entry.page}\n`);
  try {
    const files = fetchDataset(entry, folder, {
      signal,
      onProgress: (at) => progress.update(progressText(at)),
      onRetry: (reason) => progress.note(`${reason}: trying again`),
      ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
      ...(options.keep === undefined ? {} : { keepArchives: true }),
    });
    for await (const file of files) {
      progress.clear();
      if (options.json) writeLine(io.out, { type: 'file', dataset: name, ...file });
      else io.out.write(`${fileText(file)}\n`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    progress.note('stopped; the same command goes on');
  } finally {
    progress.clear();
  }
}

function listEntries(entries: readonly CatalogueEntry[], json: boolean, io: CommandIo): void {
  if (json) {
    for (const entry of entries) writeLine(io.out, { type: 'dataset', ...entry });
    return;
  }
  const rows = entries.map(({ name, title, files, page }) => {
    const known = files.filter(({ md5, sha256 }) => md5 !== undefined || sha256 !== undefined).length;
    const byHand = files.some(({ url }) => url === undefined);
    return [name, title, `${known} of ${files.length}`, byHand ? `by hand: ${page}` : page];
  });
  const columns = ['name', 'data set', 'checksums', 'official place'].map((title) => ({ title }));
  io.out.write(table(columns, rows));
}

function progressText({ file, state, done, total }: FetchProgress): string {
  if (state === 'unpacking') return `${file}: ${done} files unpacked`;
  const share = total === undefined ? '' : ` of ${megabytes(total)} (${((100 * done) / total).toFixed(1)} %)`;
  return `${file}: ${megabytes(done)}${share}`;
}

function fileText({
  name,
  bytes,
  sha256,
  verified,
  path,
  state,
  resumedBytes,
  skipped,
}: FetchedFile): string {
  const checks = {
    sha256: 'SHA-256 as documented',
    md5: 'MD5 as documented',
    length: 'length as documented',
    none: 'no checksum is documented',
  };
  const how =
    state === 'here' ? 'already here' : resumedBytes > 0 ? `${megabytes(resumedBytes)} were here` : 'fetched';
  const left = skipped > 0 ? `, ${skipped} links left out` : '';
  return `${name}: ${megabytes(bytes)}, ${how}, ${checks[verified]}${left}\n  ${path}\n  sha256 ${sha256}`;
}

function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${bytes} bytes` : `${(bytes / 1e6).toFixed(1)} MB`;
}
