import { mkdir } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { RunDirectory } from '../../pipelines/training/run-directory.ts';
import { reportOf, writeReport } from '../../pipelines/training/run-report.ts';
import { InputError } from '../errors.ts';
import type { Report } from '../reports/report-data.ts';
import { summaryText } from '../reports/summary.ts';
import { type CommandIo, writeLine } from './command-io.ts';

interface ReportOptions {
  readonly out?: string;
  readonly theme: 'light' | 'dark';
  readonly json?: true;
}

const help = `
A run that is still going, or was killed, is reported as far as it came. Several runs are laid over each other.
The page and report.svg turn dark with their reader; --theme is for report.png.

Examples:
  pipeline report runs/nmnist-train-20260101-120000
  pipeline report runs/attention runs/mix runs/pool --out compared`;

/** `pipeline report RUN…`: the report of a run anew, or several runs compared: table, page, drawing and picture. */
export function define(command: Command, io: CommandIo): void {
  command
    .argument('<run...>', 'run directories of trainings')
    .option('--out <DIR>', 'where the files go; the run itself, or report for several')
    .addOption(
      new Option('--theme <NAME>', 'colours of report.png').choices(['light', 'dark']).default('light'),
    )
    .option('--json', 'print a JSON line for each network')
    .addHelpText('after', help)
    .action(async (paths: string[], options: ReportOptions) => {
      const runs = await Promise.all([...new Set(paths)].map((path) => RunDirectory.open(path)));
      const report = await reportOf(runs);
      const folder = options.out ?? (runs.length === 1 ? runs[0]!.run.path : 'report');
      await makeFolder(folder);
      const files = await writeReport(folder, report, options.theme);
      if (options.json) writeLines(report, files, io);
      else io.out.write(`${summaryText(report)}\n`);
      io.err.write(`wrote ${files.join(', ')}\n`);
    });
}

function writeLines({ networks }: Report, files: readonly string[], { out }: CommandIo): void {
  for (const { label, epochs, measures } of networks) {
    const { raster: _, ...measured } = measures ?? { raster: undefined };
    const seconds = epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
    writeLine(out, { type: 'network', label, epochs: epochs.length, seconds, ...measured });
  }
  writeLine(out, { type: 'report', files });
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`the folder cannot be made: ${error.code ?? error.message}`, path, { cause: error });
  });
}
