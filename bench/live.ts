/**
 * Live streams over loopback, sender and receiver in processes of their own: what was sent, delivered, dropped and lost,
 * and the receiver's resident memory over time; every event is to be accounted for.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { allocateChunk, type EventChunk } from '../src/events.ts';
import { type LiveCounters, liveSource } from '../src/streams/live/live-source.ts';
import { type Sent, sendEvents } from '../src/streams/live/send.ts';
import { benchOptions, json, refuse } from './options.ts';

const sensor = { width: 128, height: 128 };
const script = fileURLToPath(import.meta.url);
const mebibytes = (bytes: number): number => Math.round((bytes / 2 ** 20) * 10) / 10;
/** Events of a full datagram, so that a datagram that is lost is so many events. */
const EVENTS_A_DATAGRAM: Readonly<Record<string, number>> = {
  spif: 32,
  faery: 100,
  'faery-t32': 100,
  jaer: 182,
};

interface Run {
  readonly protocol: string;
  /** Events a second. */
  readonly rate: number;
  readonly seconds: number;
  /** Milliseconds for which the consumer blocks after each chunk. */
  readonly busy: number;
}

interface Result extends Run {
  readonly sent: number;
  readonly delivered: number;
  readonly dropped: number;
  /** Events in datagrams that the system dropped. */
  readonly lostInKernel: number;
  /** sent - delivered - dropped - lostInKernel: 0 where every event is accounted for. */
  readonly unaccounted: number;
  /** What the sender reached. */
  readonly sentPerSecond: number;
  /** Processor time of each process from its start, in seconds. */
  readonly processor: { readonly sender: number; readonly receiver: number };
  /** Of the receiver, in MiB, each second. */
  readonly resident: readonly number[];
}

/** Sends so many events of a moving diagonal. */
async function sender(url: string, { protocol, rate, seconds }: Run): Promise<void> {
  const perDatagram = EVENTS_A_DATAGRAM[protocol]!;
  const events = Math.round((rate * seconds) / perDatagram) * perDatagram;
  const started = performance.now();
  const sent = await sendEvents(diagonal(events, 1e6 / rate), `${url}?protocol=${protocol}`, {
    sensor,
    eventsPerSecond: rate,
    eventsPerPacket: perDatagram,
  });
  process.send!({ sent, seconds: (performance.now() - started) / 1000, processor: processorSeconds() });
}

/** Chunks of events, one each `stepMicros`; two are used in turn, since the encoder is done with one before the next. */
function* diagonal(events: number, stepMicros: number): Generator<EventChunk> {
  const length = 8192;
  const chunk = allocateChunk(0, length);
  for (let i = 0; i < length; i++) {
    chunk.t[i] = i * stepMicros;
    chunk.x[i] = (i + (i >>> 7)) % sensor.width;
    chunk.y[i] = i % sensor.height;
    chunk.on[i] = i & 1;
  }
  for (let start = 0; start < events; start += length) {
    const rest = Math.min(length, events - start);
    yield {
      origin: Math.round(start * stepMicros),
      t: chunk.t.subarray(0, rest),
      x: chunk.x.subarray(0, rest),
      y: chunk.y.subarray(0, rest),
      on: chunk.on.subarray(0, rest),
    };
  }
}

/** Takes what comes until it is told to stop. */
async function receiver({ busy }: Run): Promise<void> {
  const stop = new AbortController();
  process.on('message', () => stop.abort());
  const source = await liveSource('udp://127.0.0.1:0', { sensor, signal: stop.signal });
  process.send!({ port: source.address!.port });
  const watching = setInterval(() => process.send!({ resident: process.memoryUsage.rss() }), 1000);
  for await (const _ of source.chunks()) {
    for (const until = performance.now() + busy; performance.now() < until; );
  }
  clearInterval(watching);
  process.send!({
    counters: source.counters,
    resident: process.memoryUsage.rss(),
    processor: processorSeconds(),
  });
  process.disconnect();
}

/** Processor time of this process and its threads, in seconds. */
function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return Number(((user + system) / 1e6).toFixed(2));
}

/** Starts this script in a role of its own. */
function start(role: string, run: Run, url = ''): ChildProcess {
  return fork(script, ['--role', role, '--run', JSON.stringify(run), '--url', url]);
}

interface SenderMessage {
  readonly sent: Sent;
  readonly seconds: number;
  readonly processor: number;
}

interface ReceiverMessage {
  readonly port?: number;
  readonly resident?: number;
  readonly counters?: LiveCounters;
  readonly processor?: number;
}

async function measure(run: Run): Promise<Result> {
  const receiving = start('receiver', run);
  const resident: number[] = [];
  let counters: LiveCounters | undefined;
  let receiverSeconds = 0;
  const port = await new Promise<number>((resolve, reject) => {
    receiving.once('exit', () => reject(new Error('the receiver has ended')));
    receiving.on('message', (message: ReceiverMessage) => {
      if (message.port !== undefined) resolve(message.port);
      if (message.resident !== undefined) resident.push(mebibytes(message.resident));
      counters = message.counters ?? counters;
      receiverSeconds = message.processor ?? receiverSeconds;
    });
  });
  const sending = start('sender', run, `udp://127.0.0.1:${port}`);
  const [{ sent, seconds, processor }] = (await once(sending, 'message')) as [SenderMessage];
  await sleep(300); // for what waits in the system
  const ended = once(receiving, 'exit');
  receiving.send('stop');
  await ended;
  const { delivered, dropped, systemDrops = 0 } = counters!;
  const lostInKernel = systemDrops * EVENTS_A_DATAGRAM[run.protocol]!;
  return {
    ...run,
    sent: sent.events,
    delivered,
    dropped,
    lostInKernel,
    unaccounted: sent.events - delivered - dropped - lostInKernel,
    sentPerSecond: Math.round(sent.events / seconds),
    processor: { sender: processor, receiver: receiverSeconds },
    resident,
  };
}

/** The highest rate that was kept, and whether more would be lost or the sender gives no more. */
interface Limit {
  readonly rate: number;
  readonly by: 'loss' | 'sender';
}

/** Doubles the rate until events are lost, then halves the interval a few times. */
async function search(run: Run, tell: (result: Result) => void): Promise<Limit> {
  let good = 0;
  let bad = Number.POSITIVE_INFINITY;
  for (let rate = run.rate, step = 0; step < 10 && bad / good > 1.15; step++) {
    const result = await measure({ ...run, rate: Math.round(rate) });
    tell(result);
    if (result.delivered === result.sent) {
      good = Math.max(good, Math.min(rate, result.sentPerSecond));
      if (result.sentPerSecond < 0.9 * rate) return { rate: good, by: 'sender' };
    } else bad = rate;
    if (bad === Number.POSITIVE_INFINITY) rate *= 2;
    else rate = good === 0 ? rate / 2 : (good + bad) / 2;
  }
  return { rate: Math.round(good), by: 'loss' };
}

const { options } = benchOptions(
  'npm run bench:live --',
  `Live streams over loopback, sender and receiver in processes of their own: what was sent, delivered, dropped and lost,
and the receiver's resident memory over time; every event is to be accounted for.`,
  {
    protocol: { value: 'NAME', help: Object.keys(EVENTS_A_DATAGRAM).join(', '), default: 'spif' },
    rate: { value: 'N', help: 'events a second', default: 1_000_000 },
    seconds: { value: 'N', help: 'of sending', default: 10 },
    busy: {
      value: 'MILLIS',
      help: 'the consumer computes so long after each chunk, as a network does',
      default: 0,
    },
    search: { help: 'look for the rate at which loss begins', default: false },
    json,
    role: { value: 'NAME' },
    run: { value: 'JSON', default: '' },
    url: { value: 'URL', default: '' },
  },
);

if (options.role !== undefined) {
  const run: Run = JSON.parse(options.run);
  await (options.role === 'sender' ? sender(options.url, run) : receiver(run));
} else {
  const { protocol, search: searching, json: asJson } = options;
  if (EVENTS_A_DATAGRAM[protocol] === undefined) {
    refuse(`--protocol: expected ${Object.keys(EVENTS_A_DATAGRAM).join(', ')}, found ${protocol}`);
  }
  const run: Run = {
    protocol,
    rate: options.rate,
    seconds: options.seconds,
    busy: options.busy,
  };
  const columns = ['rate', 'reached', 'sent', 'delivered', 'dropped', 'lost', 'unaccounted', 'resident MiB'];
  const line = (cells: readonly unknown[]): string => cells.map((cell) => `${cell}`.padStart(12)).join(' ');
  const tell = (result: Result): void => {
    if (asJson) {
      console.log(JSON.stringify(result));
      return;
    }
    const { rate, sentPerSecond, sent, delivered, dropped, lostInKernel, unaccounted, resident } = result;
    const memory = `${Math.min(...resident)}-${Math.max(...resident)}`;
    console.log(line([rate, sentPerSecond, sent, delivered, dropped, lostInKernel, unaccounted, memory]));
  };
  if (!asJson) console.log(line(columns));
  if (searching) {
    const { rate, by } = await search(run, tell);
    if (asJson) console.log(JSON.stringify({ type: 'search', protocol, losslessEventsPerSecond: rate, by }));
    else {
      const why = by === 'loss' ? 'more are lost' : 'the sender gives no more';
      console.log(`${protocol}: nothing lost up to ${rate} events a second; ${why}`);
    }
  } else {
    const result = await measure(run);
    tell(result);
    if (!asJson) {
      const { sender, receiver } = result.processor;
      console.log(`processor time: sender ${sender} s, receiver ${receiver} s`);
      console.log(`resident memory each second, MiB: ${result.resident.join(' ')}`);
    }
    if (result.unaccounted !== 0) process.exitCode = 1;
  }
}
