import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FormatError } from '../../../errors.ts';
import type { Intake } from '../intake.ts';
import type { Reception } from '../reception.ts';
import { Backoff } from './backoff.ts';
import { type ListenTarget, listenAt, withPort } from './listening.ts';
import { type Receiving, reasonOf, type TransportHooks } from './transport.ts';

/** A stream whose format no magic tells is told by what has come after this time. */
const SETTLE_MILLIS = 500;
const KEEP_ALIVE_MILLIS = 10_000;
const MOST_TURNS = 1024;

/** What a stream of bytes is given to. */
export interface StreamSink {
  readonly reception: Reception;
  readonly intake: Intake;
  readonly hooks: TransportHooks;
}

/** Connects to a TCP port or a unix socket, and again whenever the connection breaks. */
export function connectStream(target: ListenTarget, text: string, sink: StreamSink): Receiving {
  const stop = new AbortController();
  let socket: Socket | undefined;
  const run = async (): Promise<void> => {
    const backoff = new Backoff();
    let failing = false;
    while (!stop.signal.aborted) {
      socket = connect(target);
      try {
        await once(socket, 'connect', { signal: stop.signal });
        failing = false;
        sink.hooks.onNote(`${text}: connected`);
        const fault = await follow(socket, sink, () => backoff.reset());
        if (!stop.signal.aborted) sink.hooks.onNote(`${text}: ${fault}; connecting again`);
      } catch (error) {
        if (!failing && !stop.signal.aborted) {
          sink.hooks.onNote(`${text}: ${reasonOf(error)}; trying until it is there`);
        }
        failing = true;
      } finally {
        socket.on('error', () => {}).destroy();
      }
      if (!stop.signal.aborted) await backoff.pause(stop.signal);
    }
  };
  const running = run();
  return {
    drain: () => drainStream(sink),
    close: async () => {
      stop.abort();
      socket?.destroy();
      await running;
      return undefined;
    },
  };
}

/** Listens at a TCP port or a unix socket; the latest connection takes the place of the one before. */
export async function acceptStream(target: ListenTarget, text: string, sink: StreamSink): Promise<Receiving> {
  let name = text;
  let current: Socket | undefined;
  let following: Promise<unknown> = Promise.resolve();
  const server = createServer((socket) => {
    current?.destroy();
    current = socket;
    socket.on('error', () => {});
    sink.hooks.onNote(`${name}: a sender has connected`);
    following = following
      .then(() => follow(socket, sink, () => {}))
      .then((fault) => sink.hooks.onNote(`${name}: ${fault}; waiting for the next sender`));
  });
  const address = await listenAt(server, target, text);
  name = withPort(text, address);
  return {
    ...(address === undefined ? {} : { address }),
    drain: () => drainStream(sink),
    close: async () => {
      current?.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await following;
      return undefined;
    },
  };
}

/** Takes what a connection brings until it ends; gives why it did. */
async function follow(socket: Socket, sink: StreamSink, onBytes: () => void): Promise<string> {
  const { reception, intake } = sink;
  let fault = 'the connection is closed';
  intake.tally.add('connections');
  socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MILLIS);
  const settling = setInterval(() => guard(() => reception.settle(false)), SETTLE_MILLIS);
  const guard = (take: () => void): void => {
    try {
      take();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      fault = error.message;
      intake.tally.add('malformed');
      socket.destroy();
    }
  };
  socket.on('data', (block) => {
    onBytes();
    if (!socket.destroyed) guard(() => reception.bytes(block));
  });
  socket.on('error', (error) => {
    fault = reasonOf(error);
  });
  try {
    if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  } finally {
    clearInterval(settling);
    guard(() => reception.settle(true));
    reception.restart();
  }
  return fault;
}

/** Turns of the loop until no more bytes come. */
async function drainStream({ intake }: StreamSink): Promise<void> {
  for (let turn = 0, seen = -1; turn < MOST_TURNS && intake.tally.get('bytes') !== seen; turn++) {
    seen = intake.tally.get('bytes');
    await nextTurn();
  }
}
