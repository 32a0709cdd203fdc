/**
 * From datagram to prediction: `npm run bench:latency -- [--model RUN] [--data FOLDER] [--seconds N] [--bin MS]
 * [--engine NAME] [--threads N] [--operations] [--json]`. A sender in a process of its own sends recordings at the pace
 * of their clock over loopback; this process listens and predicts with the code of `pipeline run live`. Both read one
 * clock of the system.
 *
 * - datagram: from the sending of the datagram that ends a window (its first event is behind the window's end) to the
 *   prediction: what receiving, binning and the network take.
 * - last event: from the sending of the window's own last event: with the wait for the next event, without which no one
 *   knows that the window is over.
 * - inside: the same as the receiver itself measures it, from the arrival of the last event.
 *
 * Without --model the N-MNIST network has fresh weights, made to fire; without --data a dot circles on a 34x34 sensor.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { inferLive, type LivePrediction } from '../pipelines/streaming/live-inference.ts';
import { type LoadedModel, loadModel } from '../pipelines/streaming/load-model.ts';
import { warmUp } from '../pipelines/streaming/warm-up.ts';
import type { EngineName } from '../src/engines/engine.ts';
import { startEngine } from '../src/engines/engine.ts';
import { allocateChunk, type EventChunk } from '../src/events.ts';
import { createNetwork } from '../src/models/network.ts';
import { nmnistNetConfig } from '../src/models/networks/nmnist-net.ts';
import { createPredictor } from '../src/models/predictor.ts';
import { eventStream } from '../src/streams/formats/index.ts';
import { liveSource } from '../src/streams/live/live-source.ts';
import { writeRecording } from '../src/streams/recording-file.ts';
import { monotonicMillis } from './latency/clock.ts';
import type { SentLog } from './latency/sender.ts';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    data: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    bin: { type: 'string', default: '10' },
    engine: { type: 'string', default: 'auto' },
    threads: { type: 'string', default: '1' },
    operations: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const sensor = { width: 34, height: 34 };
const MOST_RECORDINGS = 50;
/** Windows at the start that are left out: the compiler is not done with them. */
const WARM_WINDOWS = 20;
const AFTER_MILLIS = 300;

/** A trained network, or a fresh one that fires. */
async function openModel(binMicros: number): Promise<LoadedModel> {
  const choice = { engine: options.engine as EngineName, threads: Number(options.threads) };
  if (options.model !== undefined) return loadModel(options.model, { ...choice, binMicros });
  const engine = await startEngine(choice.engine, choice);
  const network = createNetwork(nmnistNetConfig(), 1);
  for (const { name, variable } of network.parameters) {
    if (/conv.*weight$/.test(name)) tf.tidy(() => variable.assign(tf.mul(variable, 3)));
  }
  const classNames = Array.from({ length: 10 }, (_, digit) => `${digit}`);
  const feed = { sensor, frame: { ...sensor, channels: 2 }, classNames };
  return {
    name: 'nmnist-net, fresh weights',
    path: '',
    digest: '',
    feed,
    binning: { kind: 'time', windowMicros: binMicros, maxEmptyBins: 256, silence: 'skip' },
    binMicros,
    windowBins: network.windowBins,
    layerNames: network.layerNames,
    predictor: createPredictor(network, feed),
    engine,
    simulated: true,
    close: () => engine.stop(),
  };
}

/** The recordings of a folder, or one of a dot that circles for 10 s, 13,000 events a second as N-MNIST has. */
async function recordingPaths(folder: string): Promise<string[]> {
  if (options.data !== undefined) {
    const names = (await readdir(options.data)).filter((name) => /\.(bin|bs2)$/.test(name)).sort();
    return names.slice(0, MOST_RECORDINGS).map((name) => join(options.data!, name));
  }
  const events = 130_000;
  const chunk = allocateChunk(0, events);
  for (let i = 0; i < events; i++) {
    const turn = (2 * Math.PI * i) / 13_000;
    chunk.t[i] = Math.floor((i * 1e6) / 13_000);
    chunk.x[i] = Math.round(16 + 11 * Math.cos(turn)) + ((i * 7) % 5) - 2;
    chunk.y[i] = Math.round(16 + 11 * Math.sin(turn)) + ((i * 3) % 5) - 2;
    chunk.on[i] = (i >> 2) & 1;
  }
  const path = join(folder, 'dot.es');
  await writeRecording(path, [chunk] satisfies EventChunk[], {
    format: eventStream,
    sensor,
    simulated: true,
  });
  return [path];
}

/** A prediction and when it was there. */
interface Timed {
  readonly prediction: LivePrediction;
  readonly atMillis: number;
}

/** Listens and predicts while the sender sends. */
async function measure(
  model: LoadedModel,
  paths: readonly string[],
): Promise<{ timed: Timed[]; log: SentLog }> {
  await warmUp(model, { streams: 1, operations: options.operations });
  const source = await liveSource('udp://127.0.0.1:0?protocol=spif', { sensor });
  const script = fileURLToPath(new URL('./latency/sender.js', import.meta.url));
  const { port } = source.address!;
  const sender = spawn(process.execPath, [script, `${port}`, options.seconds, ...paths], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  sender.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  // What was sent last is still on its way when the sender ends.
  const ended = once(sender, 'close').then(async () => {
    await sleep(AFTER_MILLIS);
    await source.close();
  });
  const timed: Timed[] = [];
  const inference = inferLive([source], model, { operations: options.operations });
  await inference.predictions.forEach((prediction) => {
    timed.push({ prediction, atMillis: monotonicMillis() });
  });
  await ended;
  await inference.close();
  const { received, systemDrops = 0, dropped } = source.counters;
  const log = JSON.parse(out) as SentLog;
  const lost = log.events - received;
  const { lateEvents } = inference.counters[0]!;
  if (lost + systemDrops + dropped + lateEvents > 0) {
    console.error(`lost on the way: ${lost} events; dropped: ${dropped}; late: ${lateEvents}`);
  }
  return { timed, log };
}

interface Spread {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

function spreadOf(millis: readonly number[]): Spread {
  const sorted = millis.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Number((sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(3));
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

/** The latencies of windows that an event closed, in milliseconds. */
function latencies(timed: readonly Timed[], { firstMicros, lastMicros, sentMillis }: SentLog) {
  const [datagram, lastEvent, inside]: [number[], number[], number[]] = [[], [], []];
  let closing = 0;
  for (const { prediction, atMillis } of timed.slice(WARM_WINDOWS)) {
    const { endMicros, events, latencyMillis } = prediction;
    while (closing < lastMicros.length && lastMicros[closing]! < endMicros) closing++;
    const closed = sentMillis[closing];
    if (closed === undefined || closed > atMillis || events === 0) continue;
    datagram.push(atMillis - closed);
    // The datagram that closes a window may hold its last events too.
    const last = firstMicros[closing]! < endMicros ? closing : closing - 1;
    lastEvent.push(atMillis - sentMillis[last]!);
    inside.push(latencyMillis);
  }
  return { datagram, lastEvent, inside };
}

const folder = await mkdtemp(join(tmpdir(), 'rxspike-latency-'));
try {
  const model = await openModel(1000 * Number(options.bin));
  const { timed, log } = await measure(model, await recordingPaths(folder));
  const { datagram, lastEvent, inside } = latencies(timed, log);
  const result = {
    network: model.name,
    engine: model.engine.name,
    threads: model.engine.threads,
    binMillis: Number(options.bin),
    windows: datagram.length,
    eventsPerSecond: Math.round(log.events / Number(options.seconds)),
    datagram: spreadOf(datagram),
    lastEvent: spreadOf(lastEvent),
    inside: spreadOf(inside),
    loadAverage: loadavg()[0]!,
  };
  if (options.json) console.log(JSON.stringify(result));
  else {
    const { network, engine, threads, windows, eventsPerSecond, binMillis, loadAverage } = result;
    console.log(`${network} on ${engine}, ${threads} thread(s), windows of ${binMillis} ms`);
    console.log(`${windows} windows, ${eventsPerSecond} events/s, load average ${loadAverage.toFixed(1)}`);
    console.log('milliseconds to prediction    p50     p90     p99     max');
    for (const [name, spread] of [
      ['from the closing datagram', result.datagram],
      ['from the last event', result.lastEvent],
      ['measured inside', result.inside],
    ] as const) {
      const { p50, p90, p99, max } = spread;
      const columns = [p50, p90, p99, max].map((millis) => millis.toFixed(2).padStart(8));
      console.log(`${name.padEnd(26)}${columns.join('')}`);
    }
  }
  model.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
