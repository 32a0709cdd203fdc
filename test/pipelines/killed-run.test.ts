import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RandomStream } from '../../src/random.ts';
import { timelessMetrics, writeTinyNmnist } from './training-harness.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const entry = join(root, 'dist', 'src', 'bin.js');
const options =
  '--engine wasm --threads 1 --size 16 --bins 4 --batch-size 4 --epochs 8 --schedule cosine --report none --json'.split(
    ' ',
  );

let folder: string;
let data: string;

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [entry, 'run', 'nmnist-train', ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function finished(
  child: ChildProcess,
): Promise<{ code: number | null; signal: string | null; out: string; err: string }> {
  let [out, err] = ['', ''];
  child.stdout!.on('data', (text) => {
    out += text;
  });
  child.stderr!.on('data', (text) => {
    err += text;
  });
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, out, err })));
}

describe('a run in a process of its own', () => {
  let expected: object[];
  let wholeMillis: number;

  beforeAll(async () => {
    const built = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { encoding: 'utf8' });
    expect(built.status, built.stderr).toBe(0);
    folder = await mkdtemp(join(tmpdir(), 'rxspike-killed-'));
    data = join(folder, 'nmnist');
    await writeTinyNmnist(data, { train: 4, test: 1 });
    const started = performance.now();
    const whole = await finished(start([...options, '--data', data, '--out', 'whole']));
    wholeMillis = performance.now() - started;
    expect(whole).toMatchObject({ code: 0, err: expect.stringContaining('engine') });
    expected = await timelessMetrics(join(folder, 'whole'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('killed at any moment, and resumed, ends with the same bits', async () => {
    const random = new RandomStream(5, 'kill');
    let kills = 0;
    for (let attempt = 0; ; attempt++) {
      const begun = existsSync(join(folder, 'killed', 'config.json'));
      const child = start(
        begun ? ['--resume', 'killed', '--json'] : [...options, '--data', data, '--out', 'killed'],
      );
      const done = finished(child);
      // The first moments of a process are spent loading; late ones fall between and into its writes.
      const patience = attempt < 6 ? wholeMillis * (0.4 + 0.4 * random.uniform(attempt)) : 600_000;
      const timer = sleep(patience, undefined, { ref: false }).then(() => child.kill('SIGKILL'));
      const { code, signal, err } = await Promise.race([done, timer.then(() => done)]);
      if (signal === 'SIGKILL') kills++;
      else expect({ code, err }).toMatchObject({ code: 0 });
      if (code === 0) break;
    }
    expect(kills).toBeGreaterThan(0);
    expect(await timelessMetrics(join(folder, 'killed'))).toStrictEqual(expected);
    const files = ['checkpoints', 'config.json', 'measures', 'metrics.jsonl', 'result.json', 'split.json'];
    expect((await readdir(join(folder, 'killed'))).sort()).toStrictEqual(files);
    const checkpoints = ['nmnist-net-best.safetensors', 'nmnist-net-last.safetensors'];
    expect((await readdir(join(folder, 'killed', 'checkpoints'))).sort()).toStrictEqual(checkpoints);
  });

  it('stopped by Ctrl-C leaves with 130, and resumed ends with the same bits', async () => {
    const child = start([...options, '--data', data, '--out', 'stopped']);
    const done = finished(child);
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    child.kill('SIGINT');
    const { code, err } = await done;
    expect({ code, err }).toMatchObject({ code: 130 });
    expect(err).toContain('go on with: pipeline run nmnist-train --resume stopped');
    const resumed = await finished(start(['--resume', 'stopped', '--json']));
    expect(resumed).toMatchObject({ code: 0 });
    expect(await timelessMetrics(join(folder, 'stopped'))).toStrictEqual(expected);
  });

  it('prints data on stdout, notes on stderr, and one line for what is wrong', async () => {
    const { code, out, err } = await finished(start(['--data', join(folder, 'nowhere')]));
    expect({ code, out }).toStrictEqual({ code: 1, out: '' });
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).toContain('nowhere');
  });
});
