import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import type { WebSocket } from 'ws';
import { type AccessRules, accessOf, isLoopback, newToken } from '../../../src/dashboard/access.ts';
import { SocketServer, urlOf } from '../../../src/dashboard/socket-server.ts';
import { OptionError } from '../../../src/errors.ts';
import { jsonOf, type OutputContext, type PredictionOutput } from './output.ts';

/** Clients at once. */
const MOST_CLIENTS = 64;
/** A client that has so much unread skips predictions. */
const MOST_WAITING_BYTES = 1 << 18;
/** Of a command. */
const LONGEST_COMMAND_BYTES = 4096;

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
  const { model, cameras, commands } = context;
  const hello = JSON.stringify({
    type: 'hello',
    model: model.name,
    classNames: model.feed.classNames,
    layers: model.layerNames,
    cameras,
  });
  const clients = new Map<WebSocket, Client>();
  const server = new SocketServer({
    access: (request) => (mayRead(request, rules) ? 'stream' : 403),
    mostSockets: MOST_CLIENTS,
    longestMessageBytes: LONGEST_COMMAND_BYTES,
    opened: (socket) => {
      clients.set(socket, new Client(socket));
      socket
        .on('message', (data, isBinary) => obey(isBinary ? '' : data.toString(), commands))
        .on('close', () => clients.delete(socket));
      socket.send(hello);
    },
  });
  const bound = await server.listen(host, port, `--out: ${target}`);
  return {
    place: urlOf('ws', host, bound, token),
    write: (prediction) => {
      if (clients.size === 0) return;
      const text = JSON.stringify(jsonOf(prediction));
      for (const client of clients.values()) client.send(text);
    },
    close: () => server.close((socket) => socket.close(1001)),
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
