import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RxspikeError } from '../../src/errors.ts';
import {
  makeTinyRun,
  movingDot,
  nmnistBytes,
  tinyFeed,
  writeMovingDot,
} from '../pipelines/streaming/tiny-run.ts';
import { describeWithShared, sharedPath } from '../shared-data.ts';
import { jsonLines, runProgram } from './run-program.ts';

let folder: string;
let run: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-replay-'));
  run = join(folder, 'run');
  file = join(folder, 'dot.bin');
  await makeTinyRun(run, { networks: { first: 1, second: 2, unfinished: undefined } });
  await writeFile(join(run, 'result.json'), JSON.stringify({ best: 'second', results: [] }));
  await writeMovingDot(file);
});
afterAll(() => rm(folder, { recursive: true }));

function replay(path: string, model: string, ...options: string[]) {
  return runProgram(['replay', path, '--model', model, '--engine', 'cpu', ...options]);
}

async function replayLines(...args: Parameters<typeof replay>) {
  const { out, error } = await replay(...args, '--json');
  expect(error).toBeUndefined();
  const lines = jsonLines(out);
  return { predictions: lines.slice(0, -1), summary: lines.at(-1)! };
}

describe('pipeline replay', () => {
  it('predicts every window of a file, as JSON lines', async () => {
    const { predictions, summary } = await replayLines(file, run);
    // 3000 events, 97 us apart, in bins of 30 ms that start at the first event; a window of this network is one bin.
    expect(predictions).toHaveLength(10);
    let end = 0;
    for (const [window, line] of predictions.entries()) {
      expect(line).toMatchObject({ type: 'prediction', window, startMicros: end });
      end = line['endMicros'] as number;
      const probabilities = line['probabilities'] as number[];
      expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      expect(line['probability']).toBe(Math.max(...probabilities));
      expect(line['className']).toBe(tinyFeed.classNames[line['classIndex'] as number]);
      expect(Object.keys(line['rates'] as object)).toEqual(['lif1', 'lif2']);
    }
    expect(predictions.some(({ rates }) => (rates as { lif1: number }).lif1 > 0)).toBe(true);
    expect(predictions.reduce((sum, { events }) => sum + (events as number), 0)).toBe(3000);
    expect(summary).toMatchObject({
      type: 'summary',
      windows: 10,
      events: 3000,
      outside: 0,
      backward: 0,
      model: 'second',
      engine: 'cpu',
      simulated: false,
    });
  });

  it('prints a line for every window, and a summary', async () => {
    const { out, err } = await replay(file, run);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(12);
    expect(lines[0]).toMatch(
      /^ {3}0\.000 to {3}0\.030 s {3}(zero|one|two) +\d+\.\d% +\d+ events {3}spikes lif1 +\d+\.\d% {2}lif2 +\d+\.\d%$/,
    );
    expect(lines[10]).toMatch(/^10 windows, 3000 events in \d+\.\d s: overall (zero|one|two) /);
    expect(lines[11]).toBe('network second on engine cpu');
    expect(err).toBe('');
  });

  it('takes the best network of a run, a named one, and a checkpoint file', async () => {
    const best = await replayLines(file, run);
    const second = await replayLines(file, `${run}:second`);
    const first = await replayLines(file, `${run}:first`);
    const same = await replayLines(file, join(run, 'checkpoints', 'first-best.safetensors'));
    expect(best.predictions).toEqual(second.predictions);
    expect(first.predictions).not.toEqual(second.predictions);
    expect(same.predictions).toEqual(first.predictions);
  });

  it('takes the best network so far of a run that has not ended', async () => {
    const open = join(folder, 'open');
    await makeTinyRun(open, { networks: { a: 1, b: 2 } });
    const epoch = {
      type: 'epoch',
      epoch: 1,
      learningRate: 1,
      trainLoss: 1,
      trainAccuracy: 0.5,
      spikeRate: 0,
    };
    const lines = [
      { ...epoch, model: 'a', validationAccuracy: 0.7, validationLoss: 1 },
      { ...epoch, model: 'b', validationAccuracy: 0.6, validationLoss: 1 },
    ];
    await writeFile(join(open, 'metrics.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    expect((await replayLines(file, open)).summary).toMatchObject({ model: 'a' });
  });

  it('keeps real time when told so', async () => {
    const started = performance.now();
    const { predictions } = await replayLines(file, run, '--speed', '0.5');
    expect(performance.now() - started).toBeGreaterThan((2 * 2999 * 97) / 1000 - 2);
    expect(predictions).toEqual((await replayLines(file, run)).predictions);
  });

  it('says so where events or the network are simulated', async () => {
    const simulated = join(folder, 'simulated');
    await makeTinyRun(simulated, { simulated: true });
    expect((await replayLines(file, simulated)).summary).toMatchObject({ simulated: true });
    expect((await replay(file, simulated)).out).toMatch(/network net on engine cpu, simulated events\n$/);
  });

  it('leaves out a silence beyond what settles the network, and counts it', async () => {
    const gap = join(folder, 'gap.bin');
    const early = movingDot(100);
    const late = movingDot(100).map(([t, ...rest]) => [t + 8_300_000, ...rest] as const);
    await writeFile(gap, nmnistBytes([...early, ...late]));
    const fast = join(folder, 'fast');
    await makeTinyRun(fast, { feed: { ...tinyFeed, binMicros: 1000 } });
    const { summary } = await replayLines(gap, fast);
    expect(summary['windows']).toBeLessThan(300);
    expect((summary['windows'] as number) + (summary['skippedBins'] as number)).toBe(8310);
  });

  it('ends at Ctrl-C with the window in hand and the summary', async () => {
    const stop = new AbortController();
    const { out, error } = await runProgram(
      ['replay', file, '--model', run, '--engine', 'cpu', '--speed', '0.5', '--json'],
      { signal: stop.signal, onOut: () => stop.abort() },
    );
    expect(error).toBeUndefined();
    const lines = jsonLines(out);
    expect(lines.at(-1)).toMatchObject({ type: 'summary', windows: lines.length - 1 });
    expect(lines.at(-1)!['events']).toBeLessThan(3000);
  });
});

describe('pipeline replay of what is not as it should be', () => {
  async function fault(path: string, model: string): Promise<string> {
    const { error, out, code } = await replay(path, model);
    expect(error).toBeInstanceOf(RxspikeError);
    expect(error?.message).not.toContain('\n');
    expect(out).toBe('');
    expect(code).toBe(1);
    return error!.message;
  }

  async function fileOf(name: string, bytes: Uint8Array | string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return path;
  }

  it('names the recording that is missing, empty, random or a directory, before an engine starts', async () => {
    const random = Uint8Array.from({ length: 4001 }, (_, i) => (i * 7919 + 13 * i * i) & 255);
    for (const path of [
      join(folder, 'missing.aedat'),
      await fileOf('empty.aedat', ''),
      await fileOf('random.bin', random),
      folder,
    ]) {
      expect(await fault(path, run)).toContain(path);
    }
  });

  it('names the model that is missing, or no run', async () => {
    expect(await fault(file, join(folder, 'none'))).toMatch(
      /none: expected a run directory, RUN or RUN:NAME/,
    );
    expect(await fault(file, `${run}x:first`)).toMatch(/runx:first: expected a run directory/);
    await mkdir(join(folder, 'bare'));
    expect(await fault(file, join(folder, 'bare'))).toMatch(/bare: .*config\.json/);
    expect(await fault(file, `${run}:third`)).toBe(
      `--model: no network "third" in ${run}, which holds first, second, unfinished`,
    );
    expect(await fault(file, `${run}:unfinished`)).toMatch(/unfinished has no checkpoint yet/);
  });

  it('names a checkpoint that is empty, random or truncated', async () => {
    const whole = await readFile(join(run, 'checkpoints', 'first-best.safetensors'));
    const random = Uint8Array.from({ length: 999 }, (_, i) => (i * 7919) & 255);
    for (const [name, bytes] of [
      ['empty', new Uint8Array(0)],
      ['random', random],
      ['truncated', whole.subarray(0, whole.length - 7)],
      ['cut', whole.subarray(0, 100)],
    ] as const) {
      const path = await fileOf(`${name}.safetensors`, bytes);
      expect(await fault(file, path)).toContain(path);
    }
  });

  it('refuses a network that was trained on images', async () => {
    const images = join(folder, 'images');
    const { binning: _, binMicros: __, ...feed } = tinyFeed;
    await makeTinyRun(images, { feed: { ...feed, encoding: { kind: 'direct', steps: 4 } } });
    expect(await fault(file, images)).toMatch(/this network was trained on images/);
  });
});

const walking = 'data/recordings/dvs128_alex_walking_again.aedat';
const davis = 'data/recordings/aestream_davis.aedat4';
describeWithShared('pipeline replay of real recordings', [walking, davis], () => {
  it('turns a DVS128 recording as told, and else as in the training', async () => {
    const trained = join(folder, 'display');
    await makeTinyRun(trained, { feed: { ...tinyFeed, orientation: 'display' } });
    const path = sharedPath(walking);
    const [jaer, display, asTrained] = [
      await replayLines(path, trained, '--orientation', 'jaer'),
      await replayLines(path, trained, '--orientation', 'display'),
      await replayLines(path, trained),
    ];
    expect(asTrained.predictions).toEqual(display.predictions);
    expect(jaer.predictions).not.toEqual(display.predictions);
    expect(jaer.predictions).toHaveLength(display.predictions.length);
  });

  it('scales a larger sensor, and tells a truncated file by its byte offset after its good windows', async () => {
    const { summary } = await replayLines(sharedPath(davis), run);
    expect(summary).toMatchObject({ events: 117667, outside: 0, windows: 5 });
    const bytes = await readFile(sharedPath(davis));
    const path = join(folder, 'truncated.aedat4');
    await writeFile(path, bytes.subarray(0, Math.floor(0.9 * bytes.length)));
    const { out, err, error } = await replay(path, run, '--json');
    expect(err).toBe(`${path}: sensor 346 x 260 is scaled; the network was trained on 34 x 34\n`);
    expect(error?.message).toMatch(/truncated\.aedat4: .* at byte \d+$/);
    expect(jsonLines(out).length).toBeGreaterThan(0);
  });
});
