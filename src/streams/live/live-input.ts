import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SensorSize } from '../../events.ts';
import type { Ending } from './ending.ts';
import { Intake } from './intake.ts';
import { type LocalSource, pathSource, pipeSource, simulationSource } from './local-sources.ts';
import type { ReceivedPlace } from './receive.ts';
import { canStartThread, receiveHere, receiveOnThread } from './receiver.ts';
import type { EventRing, RingOptions } from './ring.ts';
import type { SourceAddress } from './source-address.ts';
import type { Tally } from './tally.ts';
import type { BoundAddress, Receiving, TransportHooks } from './transports/transport.ts';
import { systemDrops } from './transports/udp.ts';

/** What is known of an input when it has been opened. */
export interface InputFacts {
  /** Where it listens, as the system chose it; absent where it does not. */
  readonly address?: BoundAddress;
  /** Bytes of datagrams that the system lets wait, where it receives datagrams. */
  readonly bufferBytes?: number;
  readonly sensor: SensorSize;
  readonly simulated: boolean;
}

/** What feeds the ring. */
export interface LiveInput {
  readonly facts: InputFacts;
  /** Lets this thread hear signals, and reads what waits where that is its to do. */
  readWhatWaits(): Promise<void>;
  systemDrops(): number | undefined;
  /** Ends it; what has come is in the ring then. */
  stop(): Promise<void>;
  /** Throws what ended it, if that was a fault. */
  fault(): void;
}

/** What an input writes to, and how it is read. */
export interface InputTask {
  readonly sensor: SensorSize;
  readonly ring: EventRing;
  readonly tally: Tally;
  readonly hooks: TransportHooks;
  readonly ending: Ending;
  readonly options: InputOptions;
}

/** How sockets and pipes are read. */
export interface InputOptions extends RingOptions {
  /** Bytes of datagrams that wait at most in the system, where it grants them; default 8 MiB. */
  readonly bufferBytes?: number;
  /** Reads sockets on a thread of their own; default true where this Node can start one from these files. */
  readonly thread?: boolean;
  /** What `-` reads; default standard input. */
  readonly pipe?: AsyncIterable<Uint8Array>;
}

const BUFFER_BYTES = 8 * 2 ** 20;

/** Opens what an address names; fulfilled once it listens, tries to connect, or knows the size of the sensor. */
export function openInput(address: SourceAddress, task: InputTask): Promise<LiveInput> {
  return isReceived(address) ? receivedInput(address, task) : localInput(address, task);
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
  const socket = address.place.kind === 'udp' ? receiving.address : undefined;
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
    readWhatWaits: () => (threaded || final !== undefined ? nextTurn() : receiving.drain()),
    systemDrops: () => (final ?? { drops: socket && systemDrops(socket) }).drops,
    stop: async () => {
      await receiving.drain();
      final = { drops: await receiving.close() };
    },
    fault: () => {
      if (failure !== undefined) throw failure.error;
    },
  };
}

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
    readWhatWaits: () => nextTurn(),
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

function ringOptionsOf({ overflow, thinFactor }: RingOptions): RingOptions {
  return {
    ...(overflow === undefined ? {} : { overflow }),
    ...(thinFactor === undefined ? {} : { thinFactor }),
  };
}
