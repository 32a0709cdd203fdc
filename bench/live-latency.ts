/**
 * From datagram to prediction. A sender in a process of its own sends recordings at the pace of their clock over loopback;
 * this process listens and predicts with the code of `pipeline run live`. Both read one clock of the system.
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
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { inferLive, type LivePrediction } from '../pipelines/streaming/live-inference.ts';
import { type LoadedModel, loadModel } from '../pipelines/streaming/load-model.ts';
import { warmUp } from '../pipelines/streaming/warm-up.ts';
import type { EngineName } from '../src/engines/engine.ts';
import { startEngine } from '../src/engines/engine.ts';
import { createNetwork } from '../src/models/network.ts';
import { nmnistNetConfig } from '../src/models/networks/nmnist-net.ts';
import { createPredictor } from '../src/models/predictor.ts';
import { liveSource } from '../src/streams/live/live-source.ts';
import { monotonicMillis } from './latency/clock.ts';
import type { SentLog } from './latency/sender.ts';
import { benchOptions, json } from './options.ts';

const { options } = benchOptions(
  'npm run bench:latency --',
  `From the datagram that ends a window to its prediction, over loopback, as pipeline run live does it: median and slowest.`,
  {
    model: { value: 'RUN', help: 'a trained network; else that of N-MNIST with fresh weights, made to fire' },
    data: { value: 'DIR', help: 'N-MNIST; else a dot circles' },
    seconds: { value: 'N', help: 'of sending', default: 20 },
    bin: { value: 'MS', help: 'length of a window', default: 10 },
    engine: { value: 'NAME', help: 'tensor engine', default: 'auto' },
    threads: { value: 'N', help: 'of the engine', default: 1 },
    operations: { help: 'count every synaptic operation', default: false },
    json,
  },
);

const sensor = { width: 34, height: 34 };
/** Windows at the start that are left out: the compiler is not done with them. */
const WARM_WINDOWS = 20;
const AFTER_MILLIS = 300;

/** A trained network, or a fresh one that fires. */
async function openModel(binMicros: number): Promise<LoadedModel> {
  const choice = { engine: options.engine as EngineName, threads: options.threads };
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

/** A prediction and when it was there. */
interface Timed {
  readonly prediction: LivePrediction;
  readonly atMillis: number;
}

interface Measured {
  readonly timed: readonly Timed[];
  readonly log: SentLog;
  /** Processor time of receiving and predicting, all threads. */
  readonly cpuMillis: number;
}

/** Listens and predicts while the sender sends. */
async function measure(model: LoadedModel): Promise<Measured> {
  await warmUp(model, { streams: 1, operations: options.operations });
  const source = await liveSource('udp://127.0.0.1:0?protocol=spif', { sensor });
  const script = fileURLToPath(new URL('./latency/sender.js', import.meta.url));
  const { port } = source.address!;
  const sender = spawn(
    process.execPath,
    [script, `${port}`, `${options.seconds}`, ...(options.data === undefined ? [] : [options.data])],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
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
  const before = process.cpuUsage();
  await inference.predictions.forEach((prediction) => {
    timed.push({ prediction, atMillis: monotonicMillis() });
  });
  await ended;
  const { user, system } = process.cpuUsage(before);
  await inference.close();
  const { received, systemDrops = 0, dropped } = source.counters;
  const log = JSON.parse(out) as SentLog;
  const lost = log.events - received;
  const { lateEvents } = inference.counters[0]!;
  if (lost + systemDrops + dropped + lateEvents > 0) {
    console.error(`lost on the way: ${lost} events; dropped: ${dropped}; late: ${lateEvents}`);
  }
  return { timed, log, cpuMillis: (user + system) / 1000 };
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

const model = await openModel(1000 * options.bin);
const { timed, log, cpuMillis } = await measure(model);
const { datagram, lastEvent, inside } = latencies(timed, log);
const result = {
  network: model.name,
  engine: model.engine.name,
  threads: model.engine.threads,
  binMillis: options.bin,
  windows: datagram.length,
  eventsPerSecond: Math.round(log.events / options.seconds),
  datagram: spreadOf(datagram),
  lastEvent: spreadOf(lastEvent),
  inside: spreadOf(inside),
  cpuMillisPerWindow: Number((cpuMillis / timed.length).toFixed(3)),
  loadAverage: loadavg()[0]!,
};
if (options.json) console.log(JSON.stringify(result));
else {
  const { network, engine, threads, windows, eventsPerSecond, binMillis, loadAverage } = result;
  const { cpuMillisPerWindow } = result;
  console.log(`${network} on ${engine}, ${threads} thread(s), windows of ${binMillis} ms`);
  console.log(`${windows} windows, ${eventsPerSecond} events/s, load average ${loadAverage.toFixed(1)}`);
  console.log(`${cpuMillisPerWindow} ms of processor time a window, receiving included`);
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
