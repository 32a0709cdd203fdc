import { CHUNK_EVENTS, type EventChunk, type SensorSize } from '../../events.ts';
import { Ending } from './ending.ts';
import { Intake } from './intake.ts';
import type { LiveCounters } from './live-counters.ts';
import { type LocalSource, pathSource, pipeSource, simulationSource } from './local-sources.ts';
import { Notes } from './notes.ts';
import type { ReceivedPlace } from './receive.ts';
import { canStartThread, receiveHere, receiveOnThread } from './receiver.ts';
import { EventRing, type RingOptions } from './ring.ts';
import { parseAddress, type SourceAddress } from './source-address.ts';
import { Tally } from './tally.ts';
import type { BoundAddress, Receiving, TransportHooks } from './transports/transport.ts';
import { systemDrops } from './transports/udp.ts';

export type { LiveCounters } from './live-counters.ts';

/** How a live source listens and when it ends. */
export interface LiveOptions extends RingOptions {
  /** Size of the sensor where neither the address nor a recording says it; events outside it are dropped and counted. */
  readonly sensor: SensorSize;
  /** Ends the source: what has come is still delivered. */
  readonly signal?: AbortSignal;
  /** Milliseconds after which it ends; unlimited by default. */
  readonly durationMillis?: number;
  /** Milliseconds without anything new after which it ends; unlimited by default. */
  readonly idleMillis?: number;
  /** Events that wait at most for the consumer; default 2^20. */
  readonly ringEvents?: number;
  /** Bytes of datagrams that wait at most in the system, where it grants them; default 8 MiB. */
  readonly bufferBytes?: number;
  /** Reads sockets on a thread of their own; default true where this Node can start one from these files. */
  readonly thread?: boolean;
  /** A line for people, at most one a second: connections, what was detected, losses. */
  readonly onNote?: (text: string) => void;
  /** What `-` reads; default standard input. */
  readonly pipe?: AsyncIterable<Uint8Array>;
}

/** The protocol of a stream, told or named. */
export interface LiveProtocol {
  readonly name: string;
  /** Name for people. */
  readonly title: string;
  /** False where it was named. */
  readonly detected: boolean;
}

/** Events as they arrive, pulled: the consumer's pace decides how much is taken, the ring what is kept. */
export interface LiveSource {
  readonly id: string;
  /** Where it listens, as the system chose it; absent where it does not. */
  readonly address?: BoundAddress;
  /** Bytes of datagrams that the system lets wait, where it receives datagrams. */
  readonly bufferBytes?: number;
  readonly sensor: SensorSize;
  readonly simulated: boolean;
  readonly counters: LiveCounters;
  /** Absent until it is known, and where recordings are played. */
  readonly protocol: LiveProtocol | undefined;
  /** Share of the ring that is filled, 0 to 1: how far the consumer is behind. */
  readonly pressure: number;
  /**
   * When the first events of a time or later arrived, in microseconds since 1970; undefined where none has, or so long
   * ago that it is forgotten.
   */
  arrivalOf(micros: number): number | undefined;
  /** The events, once; ending the iteration closes the source. A pipe's or file's fault comes after its events. */
  chunks(): AsyncIterableIterator<EventChunk>;
  close(): Promise<void>;
}

const RING_EVENTS = 2 ** 20;
const BUFFER_BYTES = 8 * 2 ** 20;

/**
 * Events from `udp://HOST:PORT`, `tcp://HOST:PORT`, `unix:PATH`, `ws://HOST:PORT`, `file:PATH`, a folder, `sim:` or `-`,
 * each with options behind a `?`; fulfilled once it listens, tries to connect, or knows the size of the sensor.
 * Whatever comes over a network is counted where it is wrong or too much, never fatal.
 */
export async function liveSource(url: string, options: LiveOptions): Promise<LiveSource> {
  const address = parseAddress(url);
  const sensor = address.options.sensor ?? options.sensor;
  const tally = new Tally();
  const ring = new EventRing(options.ringEvents ?? RING_EVENTS, options);
  const notes = new Notes(options.onNote);
  let protocol: LiveProtocol | undefined;
  let delivered = 0;
  const ending = new Ending(options, () => tally.get('bytes') + tally.get('received'));
  const hooks: TransportHooks = {
    onNote: (text) => notes.tell(text),
    onRecognised: ({ protocol: { name, title }, detected }) => {
      protocol = { name, title, detected };
      notes.tell(detected ? `${url}: detected ${title}` : `${url}: ${title}, as named`);
    },
  };
  const input = isReceived(address)
    ? await receivedInput(address, { sensor, ring, tally, hooks, ending, options })
    : await localInput(address, { sensor, ring, tally, hooks, ending, options });

  const counters = (): LiveCounters => {
    const drops = input.systemDrops();
    return {
      ...tally.read(),
      delivered,
      dropped: ring.dropped,
      thinned: ring.thinned,
      waiting: ring.length,
      ...(drops === undefined ? {} : { systemDrops: drops }),
    };
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    ending.end();
    closing ??= input.stop().then(() => notes.end());
    return closing;
  };
  notes.watch(counters);

  async function* chunks(): AsyncGenerator<EventChunk, undefined> {
    try {
      while (true) {
        await input.readWhatWaits();
        if (ending.ended) await close();
        const chunk = ring.take(CHUNK_EVENTS);
        if (chunk.t.length > 0) {
          delivered += chunk.t.length;
          ending.taken();
          yield chunk;
        } else if (ending.ended) {
          input.fault();
          return;
        } else if (ring.await()) {
          await ending.arrivalOrEnd();
        }
      }
    } finally {
      await close();
    }
  }

  return {
    id: url,
    ...input.facts,
    sensor: input.facts.sensor,
    get counters() {
      return counters();
    },
    get protocol() {
      return protocol;
    },
    get pressure() {
      return ring.pressure;
    },
    arrivalOf: (micros) => ring.arrivalOf(micros),
    chunks,
    close,
  };
}

/** What feeds the ring. */
interface LiveInput {
  readonly facts: Pick<LiveSource, 'address' | 'bufferBytes' | 'sensor' | 'simulated'>;
  /** Reads what waits, where that is this thread's to do. */
  readWhatWaits(): Promise<void>;
  systemDrops(): number | undefined;
  /** Ends it; what has come is in the ring then. */
  stop(): Promise<void>;
  /** Throws what ended it, if that was a fault. */
  fault(): void;
}

interface InputTask {
  readonly sensor: SensorSize;
  readonly ring: EventRing;
  readonly tally: Tally;
  readonly hooks: TransportHooks;
  readonly ending: Ending;
  readonly options: LiveOptions;
}

function isReceived(address: SourceAddress): address is SourceAddress & { readonly place: ReceivedPlace } {
  return ['udp', 'tcp', 'unix', 'ws'].includes(address.place.kind);
}

async function receivedInput(
  address: SourceAddress & { readonly place: ReceivedPlace },
  { sensor, ring, tally, hooks, ending, options }: InputTask,
): Promise<LiveInput> {
  const { thread = true, bufferBytes = BUFFER_BYTES } = options;
  const threaded = thread && canStartThread();
  const task = { address, sensor, bufferBytes, ring, ringOptions: ringOptionsOf(options), tally };
  const start = threaded ? receiveOnThread : receiveHere;
  let failure: { readonly error: unknown } | undefined;
  const receiving: Receiving = await start(task, {
    ...hooks,
    onEvents: () => ending.wake(),
    onFailure: (error) => {
      failure = { error };
      ending.end();
    },
  });
  const port = address.place.kind === 'udp' ? receiving.address?.port : undefined;
  const before = port === undefined ? 0 : (systemDrops(port) ?? 0);
  const since = (total: number | undefined): number | undefined =>
    total === undefined ? undefined : Math.max(0, total - before);
  let final: { readonly drops: number | undefined } | undefined;
  ending.start();
  return {
    facts: {
      ...(receiving.address === undefined ? {} : { address: receiving.address }),
      ...(receiving.bufferBytes === undefined ? {} : { bufferBytes: receiving.bufferBytes }),
      sensor,
      simulated: false,
    },
    // A network that computes without pause would starve a socket of this thread.
    readWhatWaits: () => (threaded || final !== undefined ? nothing : receiving.drain()),
    systemDrops: () =>
      final !== undefined ? final.drops : port === undefined ? undefined : since(systemDrops(port)),
    stop: async () => {
      await receiving.drain();
      final = { drops: since(await receiving.close()) };
    },
    fault: () => {
      if (failure !== undefined) throw failure.error;
    },
  };
}

const nothing = Promise.resolve();

async function localInput(
  { place, options: given }: SourceAddress,
  { sensor: asked, ring, tally, hooks, ending, options }: InputTask,
): Promise<LiveInput> {
  let source: LocalSource;
  if (place.kind === 'path') source = await pathSource(place.path, given);
  else if (place.kind === 'simulation') source = simulationSource(asked, given);
  else source = pipeSource(options.pipe ?? process.stdin, given);
  const sensor = given.sensor ?? source.sensor ?? asked;
  const stop = new AbortController();
  const adopts = place.kind === 'pipe' && given.sensor === undefined;
  let tellSize = (): void => {};
  const sizeKnown = new Promise<void>((resolve) => {
    tellSize = resolve;
  });
  const wake = (): void => {
    tellSize();
    ending.wake();
  };
  const intake = new Intake(sensor, ring, tally, wake, { adopts, keeps: place.kind === 'pipe' });
  const room = async (): Promise<void> => {
    while (ring.length > ring.capacity / 2 && !stop.signal.aborted) await ending.nextTake();
  };
  let failure: { readonly error: unknown } | undefined;
  ring.await(); // the first event is told, as the size of the sensor is known then
  const feeding = source
    .feed({ intake, ring, hooks, room, signal: stop.signal })
    .catch((error: unknown) => {
      failure = { error };
    })
    .finally(() => ending.end());
  ending.onEnd = () => {
    stop.abort();
    tellSize();
  };
  ending.start();
  if (adopts) await sizeKnown;
  return {
    facts: { sensor: intake.sensor, simulated: source.simulated },
    readWhatWaits: () => nothing,
    systemDrops: () => undefined,
    stop: async () => {
      stop.abort();
      ending.taken();
      await feeding;
    },
    fault: () => {
      if (failure !== undefined) throw failure.error;
    },
  };
}

function ringOptionsOf({ overflow, thinFactor }: LiveOptions): RingOptions {
  return {
    ...(overflow === undefined ? {} : { overflow }),
    ...(thinFactor === undefined ? {} : { thinFactor }),
  };
}
