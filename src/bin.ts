#!/usr/bin/env node
import { CommanderError } from 'commander';
import { createProgram } from './cli.ts';
import type { CommandIo } from './commands/command-io.ts';
import { RxspikeError } from './errors.ts';

// The only place that prints errors and sets the exit status.
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof exitCodes;
const stop = new AbortController();
let listening = false;

/** The first signal asks for an orderly end, the second ends at once. */
function listenForSignals(): void {
  if (listening) return;
  listening = true;
  for (const name of Object.keys(exitCodes) as StopSignal[]) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(exitCodes[name]);
      process.exitCode = exitCodes[name];
      stop.abort();
    });
  }
}

const io: CommandIo = {
  out: process.stdout,
  err: process.stderr,
  get signal() {
    listenForSignals();
    return stop.signal;
  },
  requestExit: (code) => {
    process.exitCode = code;
  },
  ...(process.stdin.isTTY ? { listenToKeys } : {}),
};

/** The keys of the terminal, without a line feed and without an echo. */
function listenToKeys(listener: (key: string) => void): () => void {
  const { stdin } = process;
  const hear = (bytes: Buffer): void => listener(bytes.toString('latin1'));
  stdin.setRawMode(true).on('data', hear).resume();
  return () => {
    stdin.off('data', hear).setRawMode(false).pause();
  };
}

function report(error: unknown): void {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode; // help and version have been printed
    return;
  }
  process.exitCode ||= 1;
  for (const each of error instanceof AggregateError ? error.errors : [error]) {
    const fault = each instanceof Error ? (each.stack ?? each.message) : String(each);
    process.stderr.write(`${each instanceof RxspikeError ? `pipeline: ${each.message}` : fault}\n`);
  }
}

// A reader that has seen enough, such as `head`, is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') report(error);
    process.exit();
  });
}

await createProgram(io).parseAsync(process.argv).catch(report);
