import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { lastValueFrom, toArray } from 'rxjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CameraSource } from '../../../pipelines/streaming/camera-stream.ts';
import {
  inferLive,
  type LiveInferenceOptions,
  type LivePrediction,
} from '../../../pipelines/streaming/live-inference.ts';
import type { LoadedModel } from '../../../pipelines/streaming/load-model.ts';
import { decodeSnapshot } from '../../../pipelines/streaming/snapshot.ts';
import { warmUp } from '../../../pipelines/streaming/warm-up.ts';
import { startEngine } from '../../../src/engines/engine.ts';
import { allocateChunk, type EventChunk } from '../../../src/events.ts';
import { createNetwork, type Network, type NetworkConfig } from '../../../src/models/network.ts';
import { nmnistNetConfig } from '../../../src/models/networks/nmnist-net.ts';
import { ssnnConfig } from '../../../src/models/networks/ssnn.ts';
import { createPredictor } from '../../../src/models/predictor.ts';
import { encodeTensors } from '../../../src/models/safetensors.ts';
import { BinByTime, FrameGrid } from '../../../src/operators/index.ts';
import { RandomStream } from '../../../src/random.ts';

const sensor = { width: 12, height: 12 };
const input = { ...sensor, channels: 2 };
const classNames = ['a', 'b', 'c'];
const nmnist = nmnistNetConfig({ input, classes: 3, channels: [4, 6] });
const ssnn = ssnnConfig({ input, classes: 3, timesteps: [4, 2], channels: [4, 4] });
const BIN = 1000;
/** However busy the machine is, no window closes by the clock. */
const PATIENT = 600_000;

beforeAll(async () => {
  await startEngine('cpu');
});

function modelOf(network: Network, options: Partial<LoadedModel> = {}): LoadedModel {
  const feed = { sensor, frame: input, classNames };
  return {
    name: 'net',
    path: 'net.safetensors',
    digest: 'd1',
    feed,
    binning: { kind: 'time', windowMicros: BIN, maxEmptyBins: 16, silence: 'skip' },
    binMicros: BIN,
    windowBins: network.windowBins,
    layerNames: network.layerNames,
    predictor: createPredictor(network, feed),
    engine: { name: 'cpu', threads: 1, detail: '', stop: () => {} },
    simulated: false,
    close: () => network.dispose(),
    ...options,
  };
}

function create(config: NetworkConfig): { network: Network; model: LoadedModel } {
  const network = createNetwork(config, 3);
  // Fresh networks hardly fire.
  for (const { name, variable } of network.parameters) {
    if (/^(?!head|read).*conv.*weight$/.test(name)) tf.tidy(() => variable.assign(tf.mul(variable, 3)));
  }
  return { network, model: modelOf(network) };
}

/** Events about a place that moves, some tens a bin. */
function events(seed: number, count: number, startMicros = 10_000, meanMicros = 40): EventChunk {
  const random = new RandomStream(seed, 'live');
  const chunk = allocateChunk(startMicros, count);
  let t = 0;
  for (let i = 0; i < count; i++) {
    chunk.t[i] = t;
    chunk.x[i] = Math.floor(12 * random.uniform(4 * i)) ** 2 % 12;
    chunk.y[i] = Math.floor(12 * random.uniform(4 * i + 1));
    chunk.on[i] = random.uniform(4 * i + 2) < 0.5 ? 0 : 1;
    t += Math.floor(2 * meanMicros * random.uniform(4 * i + 3));
  }
  return chunk;
}

function cut(chunk: EventChunk, sizes: readonly number[]): EventChunk[] {
  const parts: EventChunk[] = [];
  let from = 0;
  for (let i = 0; from < chunk.t.length; i++) {
    const to = from + sizes[i % sizes.length]!;
    const part = allocateChunk(chunk.origin, Math.min(to, chunk.t.length) - from);
    for (const name of ['t', 'x', 'y', 'on'] as const) part[name].set(chunk[name].subarray(from, to));
    parts.push(part);
    from = to;
  }
  return parts;
}

/** A camera that gives chunks, and waits for promises. */
function camera(id: string, items: readonly (EventChunk | (() => Promise<unknown>))[]): CameraSource {
  return {
    id,
    sensor,
    simulated: false,
    async *chunks() {
      for (const item of items) {
        if (typeof item === 'function') await item();
        else yield item;
      }
    },
  };
}

/** Something to wait for. */
function gate(): { readonly passed: () => Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed: () => passed, open: () => open() };
}

async function predicted(
  cameras: readonly CameraSource[],
  model: LoadedModel,
  options: LiveInferenceOptions = {},
): Promise<LivePrediction[]> {
  const inference = inferLive(cameras, model, { latenessMillis: PATIENT, ...options });
  const all = await lastValueFrom(inference.predictions.pipe(toArray()));
  await inference.close();
  return all;
}

/** The logits of all windows by `forward` on the whole sequence, as probabilities. */
async function byForward(network: Network, chunk: EventChunk): Promise<number[][]> {
  const frames: Float32Array[] = [];
  const binning = new BinByTime({ windowMicros: BIN, grid: new FrameGrid({ sensor }) });
  binning.push(chunk, ({ data }) => frames.push(data));
  binning.end(({ data }) => frames.push(data));
  const bins = frames.length;
  const whole = Math.ceil(bins / network.windowBins) * network.windowBins;
  const joined = new Float32Array(whole * 288);
  frames.forEach((data, i) => {
    joined.set(data, i * 288);
  });
  const { output } = network.forward(tf.tensor(joined, [1, whole, 12, 12, 2]), { lengths: [bins] });
  const probabilities = tf.softmax(tf.reshape(output, [-1, 3]));
  return (await probabilities.array()) as number[][];
}

function expectNear(found: readonly LivePrediction[], expected: readonly (readonly number[])[]): void {
  expect(found).toHaveLength(expected.length);
  found.forEach(({ probabilities }, window) => {
    probabilities.forEach((probability, k) => {
      expect(Math.abs(probability - expected[window]![k]!)).toBeLessThan(1e-5);
    });
  });
}

const plain = ({ latencyMillis: _, ...prediction }: LivePrediction): object => prediction;

describe('inferLive', () => {
  it.each([
    ['nmnist-net', nmnist],
    ['ssnn', ssnn],
  ])('steps of %s are forward on the same frames', async (_, config) => {
    const { network, model } = create(config);
    const chunk = events(1, 900);
    const expected = await byForward(network, chunk);
    const predictions = await predicted([camera('one', cut(chunk, [7, 31, 150]))], model);
    expectNear(predictions, expected);
    expect(new Set(expected.map(String)).size).toBeGreaterThan(3);
    for (const layer of network.layerNames) {
      const fired = predictions.filter(({ rates }) => rates[layer]! > 0.01);
      expect(fired.length).toBeGreaterThan(predictions.length / 2);
    }
    expect(predictions.map(({ window, reset, merged }) => [window, reset, merged])).toEqual(
      predictions.map((__, i) => [i, i === 0, 1]),
    );
  });

  it('predicts several cameras as each alone, whichever windows meet in a batch', async () => {
    const { model } = create(nmnist);
    const streams = [events(1, 600), events(2, 350, 77), events(3, 500, 5_000_000, 55)];
    const alone: object[][] = [];
    for (const [i, chunk] of streams.entries()) {
      alone.push(await predicted([camera(`camera ${i}`, [chunk])], model, { operations: true }));
    }
    const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 });
    const pauses = fc.array(fc.boolean(), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.tuple(sizes, sizes, sizes), pauses, async (cuts, pause) => {
        const cameras = streams.map((chunk, i) =>
          camera(
            `camera ${i}`,
            cut(chunk, cuts[i]!).flatMap((part, k) =>
              pause[(k + i) % pause.length] ? [turn, part] : [part],
            ),
          ),
        );
        const together = await predicted(cameras, model, { operations: true });
        for (const [i, expected] of alone.entries()) {
          const own = together.filter((prediction) => prediction.camera === `camera ${i}`);
          expect(own.map(plain)).toEqual((expected as LivePrediction[]).map(plain));
        }
      }),
      { numRuns: 4 },
    );
  });

  it('leaves no tensor behind', async () => {
    const { model } = create(nmnist);
    const run = () => predicted([camera('a', [events(1, 200)]), camera('b', [events(2, 300)])], model);
    await run();
    const before = tf.memory().numTensors;
    await run();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is warmed up for one and for all of its streams, without a trace', async () => {
    const { model } = create(nmnist);
    const batches = new Set<number>();
    const { stepBatch } = model.predictor;
    const watched: typeof stepBatch = (windows, ...rest) => {
      batches.add(windows.length);
      return stepBatch(windows, ...rest);
    };
    const before = tf.memory().numTensors;
    const predictor = { ...model.predictor, stepBatch: watched };
    await warmUp({ ...model, predictor }, { streams: 3, operations: true });
    expect([...batches]).toEqual([1, 3]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('closes the last window of a camera that falls silent, and counts what comes too late', async () => {
    const { model } = create(nmnist);
    const late = allocateChunk(10_000, 3);
    late.t.set([1900, 1999, 2000]);
    const first = allocateChunk(10_000, 3);
    first.t.set([0, 900, 1200]);
    const closed = gate();
    const ended = gate();
    const source = camera('a', [first, closed.passed, late, ended.passed]);
    const inference = inferLive([source], model, { latenessMillis: 5 });
    const seen: [number, number][] = [];
    await inference.predictions.forEach(({ startMicros, events: count }) => {
      seen.push([startMicros, count]);
      // Without the clock, the second window would wait for what comes after it.
      if (seen.length === 2) closed.open();
      if (seen.length === 3) ended.open();
    });
    await inference.close();
    expect(seen).toEqual([
      [10_000, 2],
      [11_000, 1],
      [12_000, 1],
    ]);
    expect(inference.counters[0]).toMatchObject({ events: 6, lateEvents: 2 });
  });

  it('measures the latency from the arrival of the last event, also of one that was long ago', async () => {
    const { model } = create(nmnist);
    const chunk = allocateChunk(10_000, 4);
    chunk.t.set([0, 400, 900, 2100]);
    const asked: number[] = [];
    const source: CameraSource = {
      ...camera('a', [chunk]),
      arrivalOf: (micros) => {
        asked.push(micros);
        // Two seconds have been forgotten.
        return micros < 2_000_000 ? undefined : 1000 * (Date.now() - 5000);
      },
    };
    const [first] = await predicted([source], model);
    expect(first!.latencyMillis).toBeGreaterThan(4990);
    expect(asked).toContain(10_900);
    expect(asked).toContain(2_010_900);
    expect(Math.max(...asked)).toBeLessThan(2_100_000);
  });

  it('lets a stream pause that is faster than the clock', async () => {
    const { model } = create(nmnist);
    const at = (times: readonly number[]): EventChunk => {
      const chunk = allocateChunk(10_000, times.length);
      chunk.t.set(times);
      return chunk;
    };
    // A minute of events at once: its last window is not over before a minute has passed.
    const items = [at([0, 30_000_000, 60_000_400]), () => sleep(30), at([60_000_600, 60_002_000])];
    const inference = inferLive([camera('a', items)], model, { latenessMillis: 0 });
    const all = await lastValueFrom(inference.predictions.pipe(toArray()));
    await inference.close();
    expect(all.reduce((sum, { events: count }) => sum + count, 0)).toBe(5);
    expect(inference.counters[0]).toMatchObject({ lateEvents: 0 });
  });

  it.each([
    ['every window', { resetEachWindow: true }],
    ['silence', { silenceMicros: 5000 }],
  ])('begins the state anew with %s', async (_, options) => {
    const { network, model } = create(ssnn);
    const parts = [events(1, 150), events(2, 150, 60_000), events(3, 150, 120_000)];
    const predictions = await predicted([camera('a', parts)], model, options);
    if ('silenceMicros' in options) {
      const expected = await Promise.all(parts.map((part) => byForward(network, part)));
      expectNear(predictions, expected.flat());
      expect(predictions.filter(({ reset }) => reset).map(({ startMicros }) => startMicros)).toEqual([
        10_000, 60_000, 120_000,
      ]);
    } else {
      expect(predictions.every(({ reset }) => reset)).toBe(true);
      const empty = predictions.filter(({ events: count }) => count === 0);
      expect(empty.length).toBeGreaterThan(1);
      expect(new Set(empty.map(({ probabilities }) => String(probabilities))).size).toBe(1);
    }
  });

  it('begins the state of one camera anew on command', async () => {
    const { network, model } = create(nmnist);
    const chunk = events(1, 400);
    const [head, tail] = cut(chunk, [200]) as [EventChunk, EventChunk];
    const { passed, open } = gate();
    const cameras = ['a', 'b'].map((id) => camera(id, [head, passed, tail]));
    const inference = inferLive(cameras, model, { latenessMillis: PATIENT });
    const seen: LivePrediction[] = [];
    await inference.predictions.forEach((prediction) => {
      seen.push(prediction);
      if (seen.length !== 8) return;
      inference.reset('b');
      open();
    });
    await inference.close();
    const resets = seen.filter(({ reset, window }) => reset && window > 0);
    expect(resets.map(({ camera: name }) => name)).toEqual(['b']);
    expectNear(
      seen.filter(({ camera: name }) => name === 'a'),
      await byForward(network, chunk),
    );
  });

  it('merges windows while the network is behind, and loses no event', async () => {
    const { model } = create(nmnist);
    const { stepBatch } = model.predictor;
    const slow = {
      ...model,
      predictor: {
        ...model.predictor,
        stepBatch: async (...step: Parameters<typeof stepBatch>) => {
          await sleep(15);
          return stepBatch(...step);
        },
      },
    };
    const chunk = events(1, 2000);
    const inference = inferLive([camera('a', [chunk])], slow, { mergeMost: 8 });
    const predictions = await lastValueFrom(inference.predictions.pipe(toArray()));
    await inference.close();
    const windows = predictions.reduce((sum, { merged }) => sum + merged, 0);
    expect(windows).toBe(Math.ceil((chunk.t.at(-1)! + 1) / BIN));
    expect(predictions.length).toBeLessThan(windows / 2);
    expect(Math.max(...predictions.map(({ merged }) => merged))).toBe(8);
    expect(predictions.reduce((sum, { events: count }) => sum + count, 0)).toBe(2000);
    expect(predictions.map(({ window }) => window)).toEqual(
      predictions.map((_, i) => predictions.slice(0, i).reduce((sum, { merged }) => sum + merged, 0)),
    );
    expect(inference.counters[0]).toMatchObject({ mergedWindows: windows - predictions.length });
  });

  it('goes on from a snapshot as if it had not been stopped', async () => {
    const { network, model } = create(ssnn);
    const [one, two] = [events(1, 500), events(2, 700, 500)];
    const sources = (parts: (chunk: EventChunk) => EventChunk) => [
      camera('a', [parts(one)]),
      camera('b', [parts(two)]),
    ];
    const whole = await predicted(
      sources((chunk) => chunk),
      model,
    );
    const first = inferLive(
      sources((chunk) => until(chunk, 12)),
      model,
    );
    const before = await lastValueFrom(first.predictions.pipe(toArray()));
    const bytes = await first.snapshot();
    await first.close();
    const rest = sources((chunk) => from(chunk, 12));
    const after = await predicted(rest, modelOf(network), {
      restore: decodeSnapshot(bytes, model, 'state'),
    });
    for (const name of ['a', 'b']) {
      const of = (list: readonly LivePrediction[]) =>
        list.filter(({ camera: own }) => own === name).map(plain);
      expect([...of(before), ...of(after)]).toEqual(of(whole));
    }
  });

  it('refuses the snapshot of another network, or of other windows', async () => {
    const { network, model } = create(nmnist);
    const inference = inferLive([camera('a', [events(1, 100)])], model);
    await lastValueFrom(inference.predictions);
    const bytes = await inference.snapshot();
    await inference.close();
    const decode =
      (options: Partial<LoadedModel>, read = bytes) =>
      () =>
        decodeSnapshot(read, modelOf(network, options), 'state');
    expect(decode({ digest: 'd2' })).toThrow('state: this is the state of another network than net');
    expect(decode({ binning: { kind: 'time', windowMicros: 500 } })).toThrow(
      'state: this state is of windows of 1 bins of 1000 us every 1000 us, not of 1 bins of 500 us every 500 us',
    );
    expect(decode({}, bytes.slice(0, -3))).toThrow(/^state: /);
    expect(decode({}, encodeTensors({ tensors: new Map(), metadata: {} }))).toThrow(
      'state: expected the state of a live stream, found none',
    );
    const renamed = inferLive([camera('c', [])], model, { restore: decode({})() });
    expect(renamed.restored).toEqual([]);
    await renamed.close();
  });

  it('passes on the failure of a camera, and of a step', async () => {
    const { model } = create(nmnist);
    const failing: CameraSource = {
      ...camera('b', []),
      async *chunks() {
        yield events(1, 50);
        throw new Error('unplugged');
      },
    };
    await expect(predicted([camera('a', [events(1, 50), turn]), failing], model)).rejects.toThrow(
      'unplugged',
    );
    const step = {
      ...model,
      predictor: { ...model.predictor, stepBatch: () => Promise.reject(new Error('step')) },
    };
    await expect(predicted([camera('a', [events(1, 50)])], step)).rejects.toThrow('step');
  });

  it('refuses two cameras of one name', () => {
    const { model } = create(nmnist);
    expect(() => inferLive([camera('a', []), camera('a', [])], model)).toThrow(
      'a: this source is given twice',
    );
  });
});

/** The events before and from a bin of the stream, which begins with the first event. */
function until(chunk: EventChunk, bin: number): EventChunk {
  return part(chunk, (t) => t < bin * BIN);
}
function from(chunk: EventChunk, bin: number): EventChunk {
  return part(chunk, (t) => t >= bin * BIN);
}
function part(chunk: EventChunk, keeps: (t: number) => boolean): EventChunk {
  const indices = [...chunk.t.keys()].filter((i) => keeps(chunk.t[i]!));
  const kept = allocateChunk(chunk.origin, indices.length);
  indices.forEach((from, to) => {
    for (const name of ['t', 'x', 'y', 'on'] as const) kept[name][to] = chunk[name][from]!;
  });
  return kept;
}
