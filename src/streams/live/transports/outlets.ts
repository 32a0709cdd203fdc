import { createSocket } from 'node:dgram';
import { type EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, isIPv6, type Server, type Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { InputError } from '../../../errors.ts';
import type { AddressPlace } from '../source-address.ts';
import { Backoff } from './backoff.ts';
import { type ListenTarget, listenAt, withPort } from './listening.ts';
import { type BoundAddress, cannotListen, reasonOf } from './transport.ts';
import { isNoForeignPage } from './websocket.ts';

/** Where events are sent to. */
export interface Outlet {
  /** Where it listens, if it does, as the system chose it. */
  readonly address?: BoundAddress;
  /** Waits for a receiver; false where it was given up. */
  connect(): Promise<boolean>;
  /** Sends a datagram or a part of a stream, waiting where the receiver is slow; false where the connection is gone. */
  send(bytes: Uint8Array): Promise<boolean>;
  /** Datagrams that the system refused, because nobody listens there. */
  readonly refused: number;
  close(): Promise<void>;
}

/** What an outlet hears and tells. */
export interface OutletHooks {
  readonly signal: AbortSignal;
  readonly onNote: (text: string) => void;
}

/** Datagrams that the system has not taken yet. */
const MOST_UNSENT = 16;
/** Milliseconds that a receiver has to take what is left at the end. */
const ENDING_MILLIS = 2000;
/** Receivers that may wait for their turn. */
const MOST_WAITING = 8;
/** Bytes of messages that wait in a WebSocket. */
const MOST_WAITING_BYTES = 1 << 20;

/** Opens a UDP socket to a receiver. */
export async function udpOutlet({ host, port }: BoundAddress): Promise<Outlet> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  let unsent = 0;
  let refused = 0;
  let wake = (): void => {};
  const sent = (error: Error | null): void => {
    unsent--;
    if (error !== null) refused++;
    wake();
  };
  try {
    socket.connect(port, host);
    await once(socket, 'connect');
  } catch (error) {
    socket.close();
    throw new InputError(`udp://${host}:${port}: ${reasonOf(error)}`, undefined, { cause: error });
  }
  socket.on('error', () => {}); // nobody listens: datagrams are lost, as they are on a real line
  const untilUnsent = async (most: number): Promise<void> => {
    while (unsent > most) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return {
    connect: async () => true,
    send: async (bytes) => {
      unsent++;
      socket.send(bytes, sent);
      if (unsent >= MOST_UNSENT) await untilUnsent(0);
      return true;
    },
    get refused() {
      return refused;
    },
    close: async () => {
      await untilUnsent(0);
      socket.close();
    },
  };
}

/** A TCP connection or a unix socket to a receiver, made again where it breaks. */
export function connectingOutlet(
  target: ListenTarget,
  text: string,
  { signal, onNote }: OutletHooks,
): Outlet {
  let socket: Socket | undefined;
  const backoff = new Backoff();
  return {
    refused: 0,
    connect: async () => {
      for (let failing = false; !signal.aborted; failing = true) {
        socket = connect(target);
        try {
          await once(socket, 'connect', { signal });
          backoff.reset();
          watch(socket);
          return true;
        } catch (error) {
          if (!failing && !signal.aborted) onNote(`${text}: ${reasonOf(error)}; trying until somebody does`);
          socket.on('error', () => {}).destroy();
        }
        await backoff.pause(signal);
      }
      return false;
    },
    send: (bytes) => writeTo(socket!, bytes, signal),
    close: () => endSocket(socket),
  };
}

/** Listens for receivers at a TCP port or unix socket, as DV and cAER do; it sends to one at a time. */
export async function listeningOutlet(
  target: ListenTarget,
  text: string,
  { signal, onNote }: OutletHooks,
): Promise<Outlet> {
  const server: Server = createServer({ allowHalfOpen: false });
  server.maxConnections = MOST_WAITING;
  const address = await listenAt(server, target, text);
  const name = withPort(text, address);
  const waiting = new Waiting<Socket>(server, signal);
  let socket: Socket | undefined;
  return {
    ...(address === undefined ? {} : { address }),
    refused: 0,
    connect: async () => {
      onNote(`${name}: waiting for a receiver`);
      socket = await waiting.next();
      if (socket === undefined) return false;
      watch(socket);
      onNote(`${name}: a receiver has connected`);
      return true;
    },
    send: (bytes) => writeTo(socket!, bytes, signal),
    close: async () => {
      await endSocket(socket);
      for (const other of waiting.clear()) other.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A WebSocket to a receiver, or one that receivers make. */
export async function webSocketOutlet(
  place: Extract<AddressPlace, { kind: 'ws' }>,
  { signal, onNote }: OutletHooks,
): Promise<Outlet> {
  if (place.listen) return listeningWebSocket(place, { signal, onNote });
  const backoff = new Backoff();
  let socket: WebSocket | undefined;
  return {
    refused: 0,
    connect: async () => {
      for (let failing = false; !signal.aborted; failing = true) {
        socket = new WebSocket(place.url, { perMessageDeflate: false });
        try {
          await once(socket, 'open', { signal });
          socket.on('error', () => {});
          backoff.reset();
          return true;
        } catch (error) {
          if (!failing && !signal.aborted)
            onNote(`${place.url}: ${reasonOf(error)}; trying until somebody does`);
          socket.on('error', () => {}).terminate();
        }
        await backoff.pause(signal);
      }
      return false;
    },
    send: (bytes) => sendMessage(socket!, bytes, signal),
    close: () => closeWebSocket(socket),
  };
}

async function listeningWebSocket(
  { host, port, url }: Extract<AddressPlace, { kind: 'ws' }>,
  { signal, onNote }: OutletHooks,
): Promise<Outlet> {
  const server = new WebSocketServer({
    host,
    port: port ?? 80,
    perMessageDeflate: false,
    verifyClient: isNoForeignPage,
  });
  await once(server, 'listening').catch((error: unknown) => {
    throw cannotListen(url, error);
  });
  server.on('error', () => {});
  const bound = server.address() as AddressInfo;
  const waiting = new Waiting<WebSocket>(server, signal);
  let socket: WebSocket | undefined;
  return {
    address: { host: bound.address, port: bound.port },
    refused: 0,
    connect: async () => {
      onNote(`ws://${host}:${bound.port}: waiting for a receiver`);
      socket = await waiting.next();
      return socket !== undefined;
    },
    send: (bytes) => sendMessage(socket!, bytes, signal),
    close: async () => {
      await closeWebSocket(socket);
      for (const other of server.clients) other.terminate();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Connections that wait for their turn. */
class Waiting<C extends EventEmitter> {
  readonly #connections: C[] = [];
  readonly #signal: AbortSignal;
  #wake = (): void => {};

  constructor(server: EventEmitter, signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    server.on('connection', (connection: C) => {
      this.#connections.push(connection.on('error', () => {}));
      this.#wake();
    });
  }

  /** The next one; undefined where the signal is aborted. */
  async next(): Promise<C | undefined> {
    while (this.#connections.length === 0 && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#signal.aborted ? undefined : this.#connections.shift();
  }

  /** Those that wait, which are so no longer. */
  clear(): readonly C[] {
    return this.#connections.splice(0);
  }
}

/** Resolves with false where the signal is aborted before `start` calls back. */
function unlessAborted(
  signal: AbortSignal,
  start: (done: (open: boolean) => void) => void,
): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const aborted = (): void => resolve(false);
    signal.addEventListener('abort', aborted, { once: true });
    start((open) => {
      signal.removeEventListener('abort', aborted);
      resolve(open);
    });
  });
}

function sendMessage(socket: WebSocket, bytes: Uint8Array, signal: AbortSignal): Promise<boolean> {
  if (socket.readyState !== WebSocket.OPEN) return Promise.resolve(false);
  if (socket.bufferedAmount <= MOST_WAITING_BYTES) {
    socket.send(bytes, () => {});
    return Promise.resolve(true);
  }
  return unlessAborted(signal, (done) => socket.send(bytes, (error) => done(!error)));
}

async function closeWebSocket(socket: WebSocket | undefined): Promise<void> {
  if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
  const closed = once(socket, 'close');
  socket.close();
  const giveUp = setTimeout(() => socket.terminate(), ENDING_MILLIS);
  await closed;
  clearTimeout(giveUp);
}

function watch(socket: Socket): void {
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.resume(); // the end of a receiver is seen
}

async function writeTo(socket: Socket, bytes: Uint8Array, signal: AbortSignal): Promise<boolean> {
  if (socket.destroyed || !socket.writable) return false;
  if (socket.write(bytes)) return true;
  return unlessAborted(signal, (done) => {
    const over = (open: boolean): void => {
      socket.off('drain', drained);
      socket.off('close', closed);
      done(open);
    };
    const drained = (): void => over(true);
    const closed = (): void => over(false);
    socket.once('drain', drained);
    socket.once('close', closed);
  });
}

async function endSocket(socket: Socket | undefined): Promise<void> {
  if (socket === undefined || socket.destroyed) return;
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  socket.end();
  const giveUp = setTimeout(() => socket.destroy(), ENDING_MILLIS);
  await closed;
  clearTimeout(giveUp);
}
