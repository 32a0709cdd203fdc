import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { FormatError } from '../../../errors.ts';
import type { Intake } from '../intake.ts';
import { type Carrier, protocolNamed, protocolsOf } from '../protocols/index.ts';
import type { Reception } from '../reception.ts';
import { Backoff } from './backoff.ts';
import { cannotListen, type Receiving, reasonOf, type TransportHooks } from './transport.ts';

/** A longer message is refused before it is read. */
const LARGEST_MESSAGE_BYTES = 1 << 24;

/** What messages are given to: each as a datagram, or one after another as a stream, as the protocol has it. */
export interface MessageSink {
  readonly receptions: Readonly<Record<Carrier, Reception>>;
  readonly protocol: string | undefined;
  readonly intake: Intake;
  readonly hooks: TransportHooks;
}

/** Connects to a WebSocket, and again whenever the connection breaks. */
export function connectWebSocket(url: string, sink: MessageSink): Receiving {
  const stop = new AbortController();
  let socket: WebSocket | undefined;
  const run = async (): Promise<void> => {
    const backoff = new Backoff();
    let failing = false;
    while (!stop.signal.aborted) {
      socket = new WebSocket(url, { maxPayload: LARGEST_MESSAGE_BYTES, perMessageDeflate: false });
      const following = follow(socket, sink, () => backoff.reset());
      try {
        await once(socket, 'open', { signal: stop.signal });
        failing = false;
        sink.hooks.onNote(`${url}: connected`);
      } catch (error) {
        if (!failing && !stop.signal.aborted) {
          sink.hooks.onNote(`${url}: ${reasonOf(error)}; trying until it is there`);
        }
        failing = true;
        socket.terminate();
      }
      const fault = await following;
      if (!failing && !stop.signal.aborted) sink.hooks.onNote(`${url}: ${fault}; connecting again`);
      if (!stop.signal.aborted) await backoff.pause(stop.signal);
    }
  };
  const running = run();
  return {
    drain: async () => {},
    close: async () => {
      stop.abort();
      socket?.terminate();
      await running;
      return undefined;
    },
  };
}

/** Listens for WebSockets; the latest takes the place of the one before. */
export async function acceptWebSockets(
  place: { readonly host: string; readonly port: number },
  sink: MessageSink,
): Promise<Receiving> {
  let text = `ws://${place.host}:${place.port}`;
  const server = new WebSocketServer({
    ...place,
    maxPayload: LARGEST_MESSAGE_BYTES,
    perMessageDeflate: false,
    verifyClient: isNoForeignPage,
  });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw cannotListen(text, error);
  }
  let following: Promise<unknown> = Promise.resolve();
  server.on('error', () => {});
  server.on('connection', (socket) => {
    for (const other of server.clients) if (other !== socket) other.terminate();
    sink.hooks.onNote(`${text}: a sender has connected`);
    const before = following;
    const ending = follow(socket, sink, () => {});
    following = before
      .then(() => ending)
      .then((fault) => sink.hooks.onNote(`${text}: ${fault}; waiting for the next sender`));
  });
  const { address, port } = server.address() as AddressInfo;
  text = `ws://${place.host}:${port}`;
  return {
    address: { host: address, port },
    drain: async () => {},
    close: async () => {
      for (const socket of server.clients) socket.terminate();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await following;
      return undefined;
    },
  };
}

/**
 * False for a page of another site: a browser would let any page send to this machine, or listen to it. A name other
 * than localhost may lead here only for the sake of that.
 */
export function isNoForeignPage({ origin, req }: { origin?: string; req: IncomingMessage }): boolean {
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const { host, hostname } = new URL(origin);
  const own = hostname === 'localhost' || isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0;
  return own && host === req.headers.host;
}

/** Takes what a connection brings until it ends; gives why it did. */
function follow(socket: WebSocket, sink: MessageSink, onMessage: () => void): Promise<string> {
  const { receptions, intake } = sink;
  let carrier = sink.protocol === undefined ? undefined : carrierOf(sink.protocol);
  let fault = 'the connection is closed';
  socket.on('open', () => intake.tally.add('connections'));
  if (socket.readyState === socket.OPEN) intake.tally.add('connections');
  socket.on('message', (data: RawData, isBinary: boolean) => {
    onMessage();
    const message = bytesOf(data);
    if (!isBinary) {
      intake.tally.add('malformed');
      return;
    }
    carrier ??= carrierOfFirst(message);
    try {
      if (carrier === 'datagrams') receptions.datagrams.datagram(message);
      else receptions.bytes.bytes(message);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      fault = error.message;
      intake.tally.add('malformed');
      socket.terminate();
    }
  });
  socket.on('error', (error) => {
    fault = reasonOf(error);
  });
  return new Promise((resolve) => {
    socket.once('close', () => {
      receptions[carrier ?? 'bytes'].restart();
      resolve(fault);
    });
  });
}

function carrierOf(name: string): Carrier {
  return protocolNamed(name).carriers[0]!;
}

/** A stream of bytes starts with a magic; what does not is a datagram. */
function carrierOfFirst(message: Uint8Array): Carrier {
  const streams = protocolsOf('bytes').filter(({ carriers }) => !carriers.includes('datagrams'));
  return streams.some(({ startsStream }) => startsStream?.(message) === true) ? 'bytes' : 'datagrams';
}

function bytesOf(data: RawData): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return Array.isArray(data) ? Buffer.concat(data) : data;
}
