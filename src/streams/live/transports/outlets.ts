import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, isIPv6, type Server, type Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { InputError } from '../../../errors.ts';
import type { AddressPlace } from '../source-address.ts';
import { Backoff } from './backoff.ts';
import { type ListenTarget, listenAt } from './listening.ts';
import { type BoundAddress, cannotListen, reasonOf } from './transport.ts';

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
    send: (bytes) => writeTo(socket!, bytes),
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
  server.maxConnections = 1;
  const address = await listenAt(server, target, text);
  let socket: Socket | undefined;
  let next = once(server, 'connection', { signal });
  next.catch(() => {});
  return {
    ...(address === undefined ? {} : { address }),
    refused: 0,
    connect: async () => {
      onNote(`${text}: waiting for a receiver`);
      const connection = await next.catch(() => undefined);
      if (connection === undefined) return false;
      socket = connection[0] as Socket;
      next = once(server, 'connection', { signal });
      next.catch(() => {});
      watch(socket);
      onNote(`${text}: a receiver has connected`);
      return true;
    },
    send: (bytes) => writeTo(socket!, bytes),
    close: async () => {
      await endSocket(socket);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A WebSocket to a receiver, or one that receivers make. */
export async function webSocketOutlet(
  place: Extract<AddressPlace, { kind: 'ws' }>,
  { signal, onNote }: OutletHooks,
): Promise<Outlet> {
  const server = place.listen
    ? new WebSocketServer({ host: place.host, port: place.port ?? 80, perMessageDeflate: false })
    : undefined;
  if (server !== undefined) {
    await once(server, 'listening').catch((error: unknown) => {
      throw cannotListen(place.url, error);
    });
    server.on('error', () => {});
  }
  const bound = server?.address() as AddressInfo | undefined;
  const backoff = new Backoff();
  let socket: WebSocket | undefined;
  return {
    ...(bound === undefined ? {} : { address: { host: bound.address, port: bound.port } }),
    refused: 0,
    connect: async () => {
      for (let failing = false; !signal.aborted; failing = true) {
        try {
          if (server !== undefined) {
            [socket] = (await once(server, 'connection', { signal })) as [WebSocket];
            socket.on('error', () => {});
            return true;
          }
          socket = new WebSocket(place.url, { perMessageDeflate: false });
          await once(socket, 'open', { signal });
          socket.on('error', () => {});
          backoff.reset();
          return true;
        } catch (error) {
          if (!failing && !signal.aborted)
            onNote(`${place.url}: ${reasonOf(error)}; trying until somebody does`);
          socket?.on('error', () => {}).terminate();
        }
        await backoff.pause(signal);
      }
      return false;
    },
    send: (bytes) =>
      new Promise((resolve) => {
        if (socket!.readyState !== WebSocket.OPEN) return resolve(false);
        const written = (error?: Error | null): void => resolve(error === undefined || error === null);
        if (socket!.bufferedAmount > MOST_WAITING_BYTES) socket!.send(bytes, written);
        else {
          socket!.send(bytes, () => {});
          resolve(true);
        }
      }),
    close: async () => {
      if (socket?.readyState === WebSocket.OPEN) {
        socket.close();
        await once(socket, 'close');
      }
      if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function watch(socket: Socket): void {
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.resume(); // the end of a receiver is seen
}

async function writeTo(socket: Socket, bytes: Uint8Array): Promise<boolean> {
  if (socket.destroyed || !socket.writable) return false;
  if (socket.write(bytes)) return true;
  return new Promise((resolve) => {
    const over = (open: boolean) => (): void => {
      socket.off('drain', drained);
      socket.off('close', closed);
      resolve(open);
    };
    const drained = over(true);
    const closed = over(false);
    socket.once('drain', drained);
    socket.once('close', closed);
  });
}

async function endSocket(socket: Socket | undefined): Promise<void> {
  if (socket === undefined || socket.destroyed) return;
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.end();
  });
}
