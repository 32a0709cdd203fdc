import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { CommandIo } from './commands/command-io.ts';
import { usageError } from './commands/usage-error.ts';

/** What a command module exports: it adds arguments, options and the action to its empty command. */
interface CommandModule {
  define(command: Command, io: CommandIo): void | Promise<void>;
}

/** A command as the program knows it before it is called. */
interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<CommandModule>;
}

// Modules are loaded when their command is called, so that `--help` answers at once.
const entries: readonly CommandEntry[] = [
  {
    name: 'run',
    summary: 'run a pipeline: train a network, or predict from a live source',
    load: () => import('./commands/run.ts'),
  },
  { name: 'list', summary: 'list the pipelines', load: () => import('./commands/list.ts') },
  {
    name: 'info',
    summary: 'show what a recording holds',
    load: () => import('./commands/info.ts'),
  },
  {
    name: 'convert',
    summary: 'write a recording in another format, or a part of it, or filtered',
    load: () => import('./commands/convert.ts'),
  },
  {
    name: 'cat',
    summary: 'write a recording as text to standard output',
    load: () => import('./commands/cat.ts'),
  },
  {
    name: 'stats',
    summary: 'show event rate over time, busy pixels and intervals, or draw them',
    load: () => import('./commands/stats.ts'),
  },
  {
    name: 'replay',
    summary: 'show a recording, or send it through a trained network, window by window',
    load: () => import('./commands/replay.ts'),
  },
  {
    name: 'send',
    summary: 'send a recording as a live stream, as cameras and their tools do',
    load: () => import('./commands/send.ts'),
  },
  {
    name: 'report',
    summary: 'report what a training reached, or compare several',
    load: () => import('./commands/report.ts'),
  },
  {
    name: 'fetch',
    summary: 'download a data set from its official place, check and unpack it',
    load: () => import('./commands/fetch.ts'),
  },
  {
    name: 'cache',
    summary: 'show or clear the cache of binned samples',
    load: () => import('./commands/cache.ts'),
  },
  {
    name: 'surrogates',
    summary: 'draw the surrogate gradients',
    load: () => import('./commands/surrogates.ts'),
  },
  {
    name: 'filters',
    summary: 'list the filters of events, and their options',
    load: () => import('./commands/filters.ts'),
  },
  {
    name: 'engines',
    summary: 'show the tensor engines: installed, used by default, how to get the rest',
    load: () => import('./commands/engines.ts'),
  },
];

const examples = `
Examples:
  pipeline run cifar10dvs-train              train the SSNN; simulates events where no data is given
  pipeline run nmnist-train --data DIR       train on N-MNIST; --json prints JSON lines
  pipeline run ./mine.ts                     a pipeline of your own, in TypeScript or JavaScript
  pipeline info walk.aedat                   format, sensor, duration, events, rate
  pipeline convert walk.raw walk.parquet     another format; --filter crops, denoises, …
  pipeline stats walk.aedat --out walk.svg   rate over time, map of pixels, intervals
  pipeline replay walk.aedat                 the recording as a moving picture in the terminal
  pipeline replay walk.aedat --model RUN     a prediction for every window of the file
  pipeline run live --model RUN --source udp://127.0.0.1:3333
  pipeline help run cifar10dvs-train         every option of a pipeline, the same as --help after its name

Data goes to standard output, progress and notes to standard error.`;

/** The command line of rxspike; usage errors are thrown as OptionError, output goes to `io`. */
export function createProgram(io: CommandIo): Command {
  const program = new Command('pipeline');
  program
    .description('Event-camera streams and spiking neural networks.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .exitOverride(usageError({ known: () => entries.map(({ name }) => name) }))
    .configureOutput({
      writeOut: (text) => io.out.write(text),
      writeErr: (text) => io.err.write(text),
      outputError: () => {}, // the entry prints the thrown error
      getOutHelpWidth: () => io.out.columns ?? 100,
      getErrHelpWidth: () => io.err.columns ?? 100,
    })
    .enablePositionalOptions()
    .helpCommand(false)
    .helpOption('-h, --help', 'show help')
    .addHelpText('after', examples);
  for (const entry of entries) program.command(entry.name).description(entry.summary);
  program.hook('preSubcommand', async (_, called) => {
    const entry = entries.find(({ name }) => name === called.name());
    await (await entry?.load())?.define(called, io);
  });
  program
    .command('help')
    .description('show help for a command')
    .argument('[command...]', 'the command, and the pipeline of run')
    .action(async (names: string[]) => {
      await createProgram(io).parseAsync([...names, '--help'], { from: 'user' });
    });
  return program;
}

/** The version in package.json, beside `src` in a checkout and above `dist` once built. */
function packageVersion(): string {
  const candidates = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url));
  const found = candidates.find((url) => existsSync(url));
  return found === undefined ? 'unknown' : JSON.parse(readFileSync(found, 'utf8')).version;
}
