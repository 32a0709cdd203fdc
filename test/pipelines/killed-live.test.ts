import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventChunk } from '../../src/events.ts';
import { decodeTensors } from '../../src/models/safetensors.ts';
import { openRecording } from '../../src/streams/recording-file.ts';
import { jsonLines, runProgram } from '../commands/run-program.ts';
import { sendSpif } from '../streams/live/send-spif.ts';
import { makeTinyRun, writeMovingDot } from './streaming/tiny-run.ts';

const entry = fileURLToPath(new URL('../../dist/src/bin.js', import.meta.url));
const describeBuilt = existsSync(entry) ? describe : describe.skip;

let folder: string;
let model: string;
let expected: Record<string, unknown>[];
const chunks: EventChunk[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-live-'));
  model = join(folder, 'run');
  const file = join(folder, 'dot.bin');
  await makeTinyRun(model);
  await writeMovingDot(file, 20_000);
  for await (const chunk of (await openRecording(file)).chunks()) chunks.push(chunk);
  const replay = await runProgram(['replay', file, '--model', model, '--engine', 'cpu', '--json']);
  expected = jsonLines(replay.out).slice(0, -1);
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** A live run in a process of its own. */
async function start(options: readonly string[] = []) {
  const command = ['run', 'live', '--model', model, '--engine', 'cpu', '--source', 'udp://127.0.0.1:0'];
  const patient = ['--lateness', '600000', '--json'];
  const child = spawn(process.execPath, [entry, ...command, ...patient, ...options]);
  children.push(child);
  const lines: Record<string, unknown>[] = [];
  let wake = (): void => {};
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line));
    wake();
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => {
    wake();
    return { code, signal, err };
  });
  const ofType = (type: string) => lines.filter((line) => line['type'] === type);
  const until = async (enough: () => boolean): Promise<void> => {
    while (!enough()) {
      if (child.exitCode !== null) throw new Error(`it ended: ${err}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  await until(() => ofType('listening').length === 1);
  return { child, ofType, until, ended, address: ofType('listening')[0]!['address'] as string };
}

/** The events of some microseconds of the recording. */
function between(from: number, to: number): EventChunk[] {
  return chunks.map(({ origin, t, x, y, on }) => {
    const kept = [...t.keys()].filter((i) => origin + t[i]! >= from && origin + t[i]! < to);
    const pick = <T extends Uint32Array | Uint16Array | Uint8Array>(values: T): T =>
      (values.constructor as unknown as { from(list: number[]): T }).from(kept.map((i) => values[i]!));
    return { origin, t: pick(t), x: pick(x), y: pick(y), on: pick(on) };
  });
}

/** What a snapshot says of its only camera. */
async function snapshotOf(path: string): Promise<{ window: number; nextMicros: number }> {
  const { metadata } = decodeTensors(await readFile(path), path);
  return JSON.parse(metadata['rxspike-live']!).cameras[0];
}

const comparable = (prediction: Record<string, unknown>): object => {
  const { startMicros, endMicros, classIndex, probabilities, rates, events } = prediction;
  return { startMicros, endMicros, classIndex, probabilities, rates, events };
};

describeBuilt('a live run in a process of its own (skipped where dist is absent: npm run build)', () => {
  it('killed and started again goes on from its last snapshot, and SIGTERM ends it whole', async () => {
    const snapshot = join(folder, 'state.safetensors');
    const options = ['--snapshot', snapshot, '--snapshot-every', '0.05'];
    const first = await start(options);
    await sendSpif(between(0, 1_000_000), first.address, { eventsPerSecond: 20_000 });
    await first.until(() => first.ofType('prediction').length >= 30);
    let at = { window: 0, nextMicros: 0 };
    while (at.window < 30) {
      await sleep(10);
      at = await snapshotOf(snapshot).catch(() => at);
    }
    first.child.kill('SIGKILL');
    expect(await first.ended).toMatchObject({ signal: 'SIGKILL' });

    const saved = await snapshotOf(snapshot);
    const second = await start(options);
    await sendSpif(between(saved.nextMicros, Number.POSITIVE_INFINITY), second.address, {
      eventsPerSecond: 40_000,
    });
    const rest = expected.slice(saved.window);
    await second.until(() => second.ofType('prediction').length === rest.length - 1);
    second.child.kill('SIGTERM');
    const { code, err } = await second.ended;
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining('1 of 1 go on') });
    const predictions = second.ofType('prediction');
    expect(predictions.map(comparable)).toEqual(rest.map(comparable));
    expect(predictions.map(({ window }) => window)).toEqual(rest.map((_, i) => saved.window + i));
    expect(second.ofType('summary')).toMatchObject([
      { windows: rest.length, dropped: 0, lateEvents: 0, waiting: 0 },
    ]);
    expect((await snapshotOf(snapshot)).window).toBe(expected.length);
  });

  it('begins its state anew at SIGUSR2', async () => {
    const run = await start();
    await sendSpif(between(0, 500_000), run.address, { eventsPerSecond: 40_000 });
    await run.until(() => run.ofType('prediction').length >= 10);
    run.child.kill('SIGUSR2');
    await run.until(() => run.ofType('reset').length === 1);
    await sendSpif(between(500_000, 1_000_000), run.address, { eventsPerSecond: 40_000 });
    await run.until(() => run.ofType('prediction').length >= 30);
    run.child.kill('SIGINT');
    expect(await run.ended).toMatchObject({ code: 0 });
    const resets = run.ofType('prediction').filter(({ reset }) => reset);
    expect(resets).toHaveLength(2);
  });

  it('refuses the state of another network in one line', async () => {
    const snapshot = join(folder, 'state.safetensors');
    const other = join(folder, 'other');
    await makeTinyRun(other, { networks: { net: 2 } });
    const command = ['run', 'live', '--model', other, '--engine', 'cpu', '--snapshot', snapshot];
    const { error } = await runProgram([...command, '--source', 'udp://127.0.0.1:0']);
    expect(error?.message).toBe(`${snapshot}: this is the state of another network than net`);
  });
});
