import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonLines } from './commands/run-program.ts';
import { makeTinyRun, writeMovingDot } from './pipelines/streaming/tiny-run.ts';

const bin = fileURLToPath(new URL('../dist/src/bin.js', import.meta.url));
const describeBuilt = existsSync(bin) ? describe : describe.skip;

interface Ended {
  readonly out: string;
  readonly err: string;
  readonly code: number | null;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Sees the output so far, each time that some comes. */
  readonly onOut?: (out: string, child: ChildProcess) => void;
  /** Leaves without reading anything. */
  readonly deaf?: boolean;
  /** A line for the shell in place of arguments: $NODE and $BIN are the program. */
  readonly shell?: string;
}

async function run(
  args: readonly string[],
  { env = {}, onOut, deaf = false, shell }: RunOptions = {},
): Promise<Ended> {
  const [command, given] = shell === undefined ? [process.execPath, [bin, ...args]] : ['sh', ['-c', shell]];
  const child = spawn(command, given, { env: { ...process.env, ...env, NODE: process.execPath, BIN: bin } });
  let out = '';
  let err = '';
  if (deaf) child.stdout.destroy();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    onOut?.(out, child);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { out, err, code };
}

describeBuilt('the built program (skipped where dist is absent: npm run build)', () => {
  let folder: string;
  let file: string;
  let model: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rxspike-bin-'));
    file = join(folder, 'dot.bin');
    model = join(folder, 'run');
    await writeMovingDot(file, 2000);
    await makeTinyRun(model);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('shows help without loading what commands need', async () => {
    const { out, err, code } = await run(['--help'], { env: { NODE_DEBUG: 'esm' } });
    expect(code).toBe(0);
    expect(out).toContain('Usage: pipeline');
    expect(err).not.toMatch(/tfjs|rxjs|apache-arrow|valibot/);
  });

  it('prints a known error as one line and exits 1', async () => {
    for (const args of [['inof'], ['info', join(folder, 'none')], ['list', '--jsn'], ['info', folder]]) {
      const { out, err, code } = await run(args);
      expect(code).toBe(1);
      expect(out).toBe('');
      expect(err).toMatch(/^pipeline: .+\n$/);
    }
  });

  it('prints a line for each of several files that cannot be read', async () => {
    const { err, code } = await run(['info', join(folder, 'a'), file, join(folder, 'b')]);
    expect(code).toBe(1);
    expect(err).toMatch(/^pipeline: .+a: .+\npipeline: .+b: .+\n$/);
  });

  it('keeps the stack of an unknown error', async () => {
    const script = 'JSON.stringify = () => { throw new TypeError("broken"); }';
    const breaking = `data:text/javascript,${encodeURIComponent(script)}`;
    const { err, code } = await run(['info', '--json', file], {
      env: { NODE_OPTIONS: `--import=${breaking}` },
    });
    expect(code).toBe(1);
    expect(err).toMatch(/^TypeError: broken\n +at /);
  });

  it('ends quietly when its reader leaves', async () => {
    const { err, code } = await run(['info', '--json', file], { deaf: true });
    expect(err).toBe('');
    expect(code).toBe(0);
  });

  it('converts to a pipe, which it reads as text, until nobody reads any more', async () => {
    const shell = (script: string): Promise<Ended> => run([], { shell: script });
    const pipe = '"$NODE" "$BIN" convert fixtures/recordings/dvs.es - | "$NODE" "$BIN" cat -';
    const [all, head] = await Promise.all([shell(pipe), shell(`${pipe} | head -n 2`)]);
    expect([all.err, head.err]).toEqual(['', '']);
    const lines = all.out.trimEnd().split('\n');
    expect(lines[0]).toBe('t,x,y,on');
    expect(lines).toHaveLength(1 + 700);
    expect(head.out).toBe(`${lines.slice(0, 2).join('\n')}\n`);
  });

  it('replays a file on the best engine, whose threads do not keep it from ending', async () => {
    const { out, err, code } = await run(['replay', file, '--model', model, '--json']);
    expect({ err, code }).toEqual({ err: '', code: 0 });
    expect(jsonLines(out).at(-1)).toMatchObject({ type: 'summary', windows: 7, events: 2000 });
  });

  it('names a truncated recording and exits 1, its windows before the fault being printed', async () => {
    const path = join(folder, 'truncated.bin');
    await writeFile(path, new Uint8Array(10_003));
    const { err, code } = await run(['replay', path, '--model', model, '--engine', 'cpu']);
    expect(code).toBe(1);
    expect(err).toMatch(/^pipeline: .+truncated\.bin: .+\n$/);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends a live run at %s with its summary and exits 0',
    async (signal) => {
      const live = [
        'run',
        'live',
        '--model',
        model,
        '--engine',
        'cpu',
        '--source',
        'udp://127.0.0.1:0',
        '--json',
      ];
      const { out, code } = await run(live, {
        onOut: (text, child) => {
          if (!child.killed && text.includes('listening')) child.kill(signal);
        },
      });
      expect(code).toBe(0);
      expect(jsonLines(out).map(({ type }) => type)).toEqual(['listening', 'summary']);
    },
  );

  it('ends a replay in real time at Ctrl-C with the window in hand', async () => {
    const slow = ['replay', file, '--model', model, '--engine', 'cpu', '--speed', '0.1', '--json'];
    const { out, code } = await run(slow, {
      onOut: (text, child) => {
        if (!child.killed && text.includes('"window":1')) child.kill('SIGINT');
      },
    });
    expect(code).toBe(130);
    const lines = jsonLines(out);
    expect(lines.at(-1)).toMatchObject({ type: 'summary', windows: lines.length - 1 });
    expect(lines.length).toBeLessThan(7);
  });
});
