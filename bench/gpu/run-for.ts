import { spawn } from 'node:child_process';

/** How a program ended. */
export interface Ended {
  readonly out: string;
  readonly err: string;
  readonly timedOut: boolean;
}

/** Runs a program, with all that it starts, for at most so many seconds. */
export async function runFor(
  command: string,
  args: readonly string[],
  { cwd, seconds }: { readonly cwd: string; readonly seconds: number },
): Promise<Ended> {
  // A group of its own, so that its own programs end with it.
  const child = spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err, timedOut] = ['', '', false];
  child.stdout.on('data', (block) => {
    out += block;
  });
  child.stderr.on('data', (block) => {
    err += block;
  });
  const timer = setTimeout(() => {
    timedOut = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, Math.max(1, seconds) * 1000);
  await new Promise<void>((resolve) => {
    child.on('error', (error) => {
      err += error.message;
      resolve();
    });
    child.on('close', () => resolve());
  });
  clearTimeout(timer);
  return { out, err, timedOut };
}
