import { spawn } from 'node:child_process';
import { EngineError } from '../../errors.ts';

/** What a program that has ended leaves. */
export interface ProgramEnd {
  /** Its exit status; undefined where a signal ended it or it is not there. */
  readonly status: number | undefined;
  readonly out: string;
  readonly err: string;
}

/** Most characters of a program's output that are kept, its end. */
const KEPT = 1 << 20;

/** Runs a program to its end; one that is not there ends without a status. An abort ends it and throws. */
export async function runProgram(
  command: string,
  args: readonly string[],
  { cwd, signal }: { readonly cwd?: string; readonly signal: AbortSignal },
): Promise<ProgramEnd> {
  signal.throwIfAborted();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(cwd && { cwd }), signal });
  const texts = { out: '', err: '' };
  child.stdout.on('data', (block) => {
    texts.out = (texts.out + block).slice(-KEPT);
  });
  child.stderr.on('data', (block) => {
    texts.err = (texts.err + block).slice(-KEPT);
  });
  const status = await new Promise<number | undefined>((resolve, reject) => {
    child.on('error', (error) =>
      signal.aborted ? reject(signal.reason) : resolveMissing(error, resolve, reject),
    );
    child.on('close', (code) => resolve(code ?? undefined));
  });
  return { status, ...texts };
}

function resolveMissing(
  error: NodeJS.ErrnoException,
  resolve: (status: undefined) => void,
  reject: (error: Error) => void,
): void {
  if (error.code === 'ENOENT' || error.code === 'EACCES') resolve(undefined);
  else reject(new EngineError(`${error.message}`, { cause: error }));
}

/** The line of a failed program's messages that says the most. */
export function telling(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const named = lines.filter((line) => /\berror\b|not found|no matching/i.test(line));
  return named.at(-1) ?? lines.at(-1) ?? 'no message';
}
