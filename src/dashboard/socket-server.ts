import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { OptionError } from '../errors.ts';
import type { Access } from './access.ts';

const GOOD_BYE_MILLIS = 500;

/** Who is let in, and to what. */
export interface SocketServerOptions {
  /** What a request gets: the page, a socket, or a status with nothing. */
  access(request: IncomingMessage): Access;
  /** Absent where there is none: 404. */
  readonly page?: { readonly html: string; readonly headers: Readonly<Record<string, string>> };
  /** Sockets at once. */
  readonly mostSockets: number;
  /** Of a message that is taken. */
  readonly longestMessageBytes: number;
  opened(socket: WebSocket): void;
}

/** A server of WebSockets, and of one page at most. What it refuses gets a status and nothing else. */
export class SocketServer {
  /** Sockets that are open. */
  readonly sockets: Set<WebSocket> = new Set();
  readonly #http: Server;

  constructor({ access, page, mostSockets, longestMessageBytes, opened }: SocketServerOptions) {
    const upgrades = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: longestMessageBytes,
    });
    const open = (socket: WebSocket): void => {
      this.sockets.add(socket);
      socket.on('error', () => socket.terminate()).on('close', () => this.sockets.delete(socket));
      opened(socket);
    };
    this.#http = createServer((request, response) => {
      const given = access(request);
      if (given === 'page' && page !== undefined) response.writeHead(200, page.headers).end(page.html);
      else response.writeHead(statusOf(given), { connection: 'close' }).end();
    });
    this.#http.maxConnections = 2 * mostSockets;
    this.#http.on('upgrade', (request, socket, head) => {
      const given = access(request);
      if (given !== 'stream') refuse(socket, statusOf(given));
      else if (this.sockets.size >= mostSockets) refuse(socket, 503);
      else upgrades.handleUpgrade(request, socket, head, open);
    });
  }

  /**
   * Listens, and gives the port.
   * @param subject of the error where it cannot: `dashboard: 127.0.0.1:80`
   */
  listen(host: string, port: number, subject: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const fail = (cause: NodeJS.ErrnoException): void => {
        const why = isInUse(cause) ? 'is in use' : `cannot be listened on: ${cause.message}`;
        reject(new OptionError(`${subject} ${why}`, { cause }));
      };
      this.#http.once('error', fail);
      this.#http.listen(port, host, () => {
        this.#http.off('error', fail);
        resolve((this.#http.address() as AddressInfo).port);
      });
    });
  }

  /** Closes every socket as it is told to, and those that do not answer; then it listens no more. */
  async close(goodBye: (socket: WebSocket) => void): Promise<void> {
    const closed = new Promise((resolve) => this.#http.close(resolve));
    for (const socket of this.sockets) goodBye(socket);
    const late = setTimeout(() => {
      for (const socket of this.sockets) socket.terminate();
      this.#http.closeAllConnections();
    }, GOOD_BYE_MILLIS);
    this.#http.closeIdleConnections();
    await closed;
    clearTimeout(late);
  }
}

/** Whether a listening failed because somebody else listens there. */
export function isInUse(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
}

/** The address of a server for those who connect: `http://HOST:PORT/?token=TEXT`. */
export function urlOf(scheme: 'http' | 'ws', host: string, port: number, token: string | undefined): string {
  const name = host === '0.0.0.0' || host === '::' ? ownAddress() : host;
  const address = isIP(name) === 6 ? `[${name}]` : name;
  const query = token === undefined ? '' : `?token=${encodeURIComponent(token)}`;
  return `${scheme}://${address}:${port}/${query}`;
}

/** An address of this machine that others may reach. */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
}

/** A page that is asked for as a socket, and the reverse, are not there. */
function statusOf(access: Access): number {
  return typeof access === 'number' ? access : 404;
}

/** Ends a request for a socket without one. */
function refuse(socket: Duplex, status: number): void {
  socket.on('error', () => {});
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
