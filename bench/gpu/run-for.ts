import { spawn } from 'node:child_process';

/** How a program ended. */
export interface Ended {
  readonly out: string;
  readonly err: string;
  readonly timedOut: boolean;
  /** What a program that failed says last, or how it ended; absent where all went well. */
  readonly fault?: string;
}

/** Runs a program, with all that it starts, for at most so many seconds. */
export async function runFor(
  command: string,
  args: readonly string[],
  {
    cwd,
    seconds,
    env = process.env,
  }: { readonly cwd: string; readonly seconds: number; readonly env?: NodeJS.ProcessEnv },
): Promise<Ended> {
  // A group of its own, so that its own programs end with it.
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err, timedOut] = ['', '', false];
  child.stdout.on('data', (block) => {
    out += block;
  });
  child.stderr.on('data', (block) => {
    err += block;
  });
  const timer = setTimeout(() => {
    timedOut = true;
    end(child.pid);
  }, Math.max(1, seconds) * 1000);
  const how = await new Promise<string | undefined>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) =>
      resolve(code === 0 ? undefined : signal === null ? `exit code ${code}` : `ended by ${signal}`),
    );
  });
  clearTimeout(timer);
  if (timedOut) return { out, err, timedOut, fault: `not done in ${Math.round(seconds)} s` };
  if (how === undefined) return { out, err, timedOut };
  const said = err.trim().split('\n').at(-1);
  return { out, err, timedOut, fault: said === undefined || said === '' ? how : `${how}: ${said}` };
}

/** Ends a group of programs; it may have ended by itself. */
function end(group: number | undefined): void {
  try {
    if (group !== undefined) process.kill(-group, 'SIGKILL');
  } catch {
    // Gone.
  }
}
