import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as v from 'valibot';
import { type WebSocket, WebSocketServer } from 'ws';
import { type AccessRules, accessOf, isLoopback, newToken } from '../../../src/dashboard/access.ts';
import { OptionError } from '../../../src/errors.ts';
import { jsonOf, type OutputContext, type PredictionOutput } from './output.ts';

/** Clients at once. */
const MOST_CLIENTS = 64;
/** A client that has so much unread skips predictions. */
const MOST_WAITING_BYTES = 1 << 18;
/** Of a command. */
const LONGEST_COMMAND_BYTES = 4096;
const GOOD_BYE_MILLIS = 500;

const commandSchema = v.variant('type', [
  v.object({ type: v.literal('reset'), camera: v.exactOptional(v.string()) }),
  v.object({ type: v.literal('snapshot') }),
]);

/**
 * Serves predictions on `ws://HOST:PORT[?token=TEXT]` as JSON, a message a prediction, after one of type `hello`. A
 * client that reads too slowly skips some and is told how many. Clients may send `{"type":"reset"}`, with `camera` for
 * one alone, and `{"type":"snapshot"}`. Other addresses than this machine's own need the token; one is made up where
 * none is given. Pages of other sites get nothing.
 */
export async function serveWebSocket(target: string, context: OutputContext): Promise<PredictionOutput> {
  const { host, port, token } = parseTarget(target);
  const rules: AccessRules = { host, ...(token !== undefined && { token }) };
  const clients = new Map<WebSocket, Client>();
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: LONGEST_COMMAND_BYTES,
  });
  const server = createServer((_, response) => response.writeHead(404, { connection: 'close' }).end());
  server.on('upgrade', (request, socket, head) => {
    if (!mayRead(request, rules)) socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
    else if (clients.size >= MOST_CLIENTS) socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n');
    else sockets.handleUpgrade(request, socket, head, (opened) => open(opened));
  });
  const { model, cameras, commands } = context;
  const hello = JSON.stringify({
    type: 'hello',
    model: model.name,
    classNames: model.feed.classNames,
    layers: model.layerNames,
    cameras,
  });
  const open = (socket: WebSocket): void => {
    clients.set(socket, new Client(socket));
    socket
      .on('message', (data, isBinary) => obey(isBinary ? '' : data.toString(), commands))
      .on('error', () => socket.terminate())
      .on('close', () => clients.delete(socket));
    socket.send(hello);
  };
  await listening(server, host, port, target);
  const bound = (server.address() as AddressInfo).port;
  return {
    place: `ws://${host.includes(':') ? `[${host}]` : host}:${bound}/${token === undefined ? '' : `?token=${token}`}`,
    write: (prediction) => {
      if (clients.size === 0) return;
      const text = JSON.stringify(jsonOf(prediction));
      for (const client of clients.values()) client.send(text);
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of clients.keys()) socket.close(1001);
      const late = setTimeout(() => {
        for (const socket of clients.keys()) socket.terminate();
        server.closeAllConnections();
      }, GOOD_BYE_MILLIS);
      server.closeIdleConnections();
      await closed;
      clearTimeout(late);
    },
  };
}

/** One reader. */
class Client {
  readonly #socket: WebSocket;
  #skipped = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  send(text: string): void {
    if (this.#socket.bufferedAmount > MOST_WAITING_BYTES) {
      this.#skipped++;
      return;
    }
    if (this.#skipped > 0) this.#socket.send(JSON.stringify({ type: 'skipped', predictions: this.#skipped }));
    this.#skipped = 0;
    this.#socket.send(text);
  }
}

/** Does what a client asks for; anything else is nothing. */
function obey(text: string, commands: OutputContext['commands']): void {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), commandSchema), text);
  if (!parsed.success) return;
  if (parsed.output.type === 'reset') commands.reset(parsed.output.camera);
  else commands.snapshot();
}

/** Programs name no origin; a page is let in only where it came from the same address. */
function mayRead(request: IncomingMessage, rules: AccessRules): boolean {
  const { origin, host } = request.headers;
  return accessOf(request, rules) === 'page' && (origin === undefined || origin === `http://${host}`);
}

function parseTarget(target: string): { host: string; port: number; token?: string } {
  const url = URL.canParse(target) ? new URL(target) : undefined;
  const host = url?.hostname.replace(/^\[|\]$/g, '') ?? '';
  const port = url?.port === '' ? 80 : Number(url?.port);
  if (url === undefined || host === '' || url.pathname !== '/') {
    throw new OptionError(`--out: expected ws://HOST:PORT, found ${JSON.stringify(target)}`);
  }
  const token = url.searchParams.get('token') ?? (isLoopback(host) ? undefined : newToken());
  return { host, port, ...(token !== undefined && { token }) };
}

function listening(server: Server, host: string, port: number, target: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const refused = (cause: NodeJS.ErrnoException): void => {
      const why = cause.code === 'EADDRINUSE' ? 'is in use' : `cannot be listened on: ${cause.message}`;
      reject(new OptionError(`--out: ${target} ${why}`, { cause }));
    };
    server.once('error', refused);
    server.listen(port, host, () => {
      server.off('error', refused);
      resolve();
    });
  });
}
