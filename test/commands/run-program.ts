import { CommanderError } from 'commander';
import { createProgram } from '../../src/cli.ts';
import type { CommandIo } from '../../src/commands/command-io.ts';

/** What a command line gave, run in this process. */
export interface ProgramResult {
  readonly out: string;
  readonly err: string;
  /** As the entry would set it: 1 after an error, 0 after help. */
  readonly code: number;
  /** What was thrown, but for help and version. */
  readonly error: Error | undefined;
}

/** Runs `pipeline …args` with captured output. */
export async function runProgram(args: readonly string[], options: RunOptions = {}): Promise<ProgramResult> {
  const { isTTY = false, signal = new AbortController().signal, onOut } = options;
  let out = '';
  let err = '';
  let code = 0;
  const io: CommandIo = {
    out: {
      isTTY,
      write: (text) => {
        out += text;
        onOut?.(text);
      },
    },
    err: {
      isTTY,
      write: (text) => {
        err += text;
      },
    },
    signal,
    requestExit: (requested) => {
      code = requested;
    },
  };
  try {
    await createProgram(io).parseAsync(args, { from: 'user' });
    return { out, err, code, error: undefined };
  } catch (error) {
    if (error instanceof CommanderError) return { out, err, code: error.exitCode, error: undefined };
    return { out, err, code: 1, error: error as Error };
  }
}

export interface RunOptions {
  readonly isTTY?: boolean;
  readonly signal?: AbortSignal;
  readonly onOut?: (text: string) => void;
}

/** The JSON lines of an output. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
