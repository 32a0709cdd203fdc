import { createServer, type Server, STATUS_CODES } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { OptionError } from '../errors.ts';
import type { EventChunk } from '../events.ts';
import { type AccessRules, accessOf, isLoopback, newToken } from './access.ts';
import { EventCanvas } from './event-canvas.ts';
import { History } from './history.ts';
import type {
  CameraMessage,
  DashboardKind,
  DashboardMessage,
  HelloMessage,
  MemoryMessage,
} from './messages.ts';
import { type DashboardPage, readPage } from './page-html.ts';
import { type Tick, Viewer } from './viewer.ts';

/** What is shown, and to whom. */
export interface DashboardOptions {
  readonly kind: DashboardKind;
  /** What the page is headed with: the pipeline, the network. */
  readonly title: string;
  /** 0 takes any free one; without it, 8686 where that is free, else any. */
  readonly port?: number;
  /** Address that is listened on; 127.0.0.1 by default. Others than this machine's own need a token. */
  readonly host?: string;
  /** What every request has to name; made up where others than this machine reach the address. */
  readonly token?: string;
}

/** A page of a run that goes on, and the pages that watch it. Nothing here ever waits for a browser. */
export interface Dashboard {
  /** What to open in a browser, with the token where there is one. */
  readonly url: string;
  /** Pages that are open now. */
  readonly viewers: number;
  /** Bytes that wait in this process for browsers that take them slowly. */
  readonly waitingBytes: number;
  /** Shows a message in all pages, and in those that open later; nobody writes to it afterwards. */
  publish(message: DashboardMessage): void;
  /** Draws events of a camera that was published before. */
  picture(camera: string, chunk: EventChunk): void;
  /** Says good-bye to all pages and stops listening. */
  close(): Promise<void>;
}

const DEFAULT_PORT = 8686;
const DEFAULT_HOST = '127.0.0.1';
/** Between two messages to a page: 30 a second at most. */
const TICK_MILLIS = 34;
const MEMORY_MILLIS = 1000;
/** Messages between two ticks: beyond, pages get the history in their place. */
const MOST_PENDING = 4096;
const MOST_VIEWERS = 32;
const GOOD_BYE_MILLIS = 500;
/** No page of ours sends longer messages. */
const LONGEST_REQUEST_BYTES = 256;

/** Serves the dashboard; fulfilled once it listens. */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { host = DEFAULT_HOST } = options;
  const token = options.token ?? (isLoopback(host) ? undefined : newToken());
  const rules: AccessRules = { host, ...(token !== undefined && { token }) };
  const page = await readPage();
  const server = new DashboardServer(options, rules, page);
  const port = await server.listen(host, options.port);
  return server.dashboard(urlOf(host, port, token));
}

class DashboardServer {
  readonly #hello: HelloMessage;
  readonly #history = new History();
  readonly #viewers = new Map<WebSocket, Viewer>();
  readonly #canvases = new Map<string, EventCanvas>();
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  #pending: (DashboardMessage | MemoryMessage)[] = [];
  #ticking: NodeJS.Timeout | undefined;
  #sampling: NodeJS.Timeout | undefined;

  constructor({ kind, title }: DashboardOptions, rules: AccessRules, page: DashboardPage) {
    this.#hello = { type: 'hello', kind, title };
    this.#sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: LONGEST_REQUEST_BYTES,
    });
    this.#http = createServer((request, response) => {
      const access = accessOf(request, rules);
      if (access === 'page') {
        response.writeHead(200, page.headers).end(page.html);
      } else {
        response.writeHead(access === 'stream' ? 404 : access, { connection: 'close' }).end();
      }
    });
    this.#http.maxConnections = 2 * MOST_VIEWERS;
    this.#http.on('upgrade', (request, socket, head) => {
      const access = accessOf(request, rules);
      if (access !== 'stream') refuse(socket, access === 'page' ? 404 : access);
      else if (this.#viewers.size >= MOST_VIEWERS) refuse(socket, 503);
      else this.#sockets.handleUpgrade(request, socket, head, (opened) => this.#open(opened));
    });
  }

  async listen(host: string, port: number | undefined): Promise<number> {
    try {
      await listening(this.#http, host, port ?? DEFAULT_PORT);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const inUse = code === 'EADDRINUSE';
      if (!inUse || port !== undefined) {
        const why = inUse ? 'is in use; port 0 takes any free one' : `cannot be listened on: ${message}`;
        throw new OptionError(`dashboard: ${host}:${port ?? DEFAULT_PORT} ${why}`, { cause: error });
      }
      await listening(this.#http, host, 0);
    }
    this.#sampling = setInterval(() => this.#sampleMemory(), MEMORY_MILLIS);
    this.#sampleMemory();
    return (this.#http.address() as AddressInfo).port;
  }

  dashboard(url: string): Dashboard {
    const viewers = this.#viewers;
    return {
      url,
      get viewers() {
        return viewers.size;
      },
      get waitingBytes() {
        return [...viewers.values()].reduce((sum, { waitingBytes }) => sum + waitingBytes, 0);
      },
      publish: (message) => this.#publish(message),
      picture: (camera, chunk) => this.#draw(camera, chunk),
      close: () => this.#close(),
    };
  }

  #publish(message: DashboardMessage | MemoryMessage): void {
    this.#history.add(message);
    if (message.type === 'camera') this.#prepare(message);
    if (this.#viewers.size === 0) return;
    this.#pending.push(message);
    if (this.#pending.length <= MOST_PENDING) return;
    this.#pending = [];
    for (const viewer of this.#viewers.values()) viewer.fallBehind();
  }

  /** A canvas for a camera, or another for one whose sensor has another size now. */
  #prepare({ camera, sensor: { width, height } }: CameraMessage): void {
    const old = this.#canvases.get(camera);
    if (old?.sensor.width === width && old.sensor.height === height) return;
    const index = old?.camera ?? this.#canvases.size;
    this.#canvases.set(camera, new EventCanvas(index, { width, height }));
  }

  /** Draws what somebody watches. */
  #draw(camera: string, chunk: EventChunk): void {
    const canvas = this.#canvases.get(camera);
    if (canvas === undefined) return;
    const watched = [...this.#viewers.values()].some(({ watch }) => watch === canvas.camera);
    if (watched) canvas.draw(chunk);
  }

  #sampleMemory(): void {
    this.#publish({ type: 'memory', atMillis: Date.now(), residentBytes: process.memoryUsage.rss() });
  }

  #open(socket: WebSocket): void {
    const viewer = new Viewer(socket, performance.now());
    this.#viewers.set(socket, viewer);
    socket
      .on('message', (data, isBinary) => viewer.hear(isBinary ? '' : data.toString()))
      .on('error', () => socket.terminate())
      .on('close', () => {
        this.#viewers.delete(socket);
        if (this.#viewers.size === 0) this.#rest();
      });
    this.#ticking ??= setInterval(() => this.#tick(), TICK_MILLIS);
  }

  /** Nobody watches: nothing is drawn or gathered but the history. */
  #rest(): void {
    clearInterval(this.#ticking);
    this.#ticking = undefined;
    this.#pending = [];
    for (const canvas of this.#canvases.values()) canvas.clear();
  }

  #tick(): void {
    const pending = this.#pending;
    this.#pending = [];
    const canvases = [...this.#canvases.values()];
    const pictures = new Map<number, Uint8Array | undefined>();
    const tick: Tick = {
      atMillis: performance.now(),
      messages: once(() => (pending.length === 0 ? undefined : JSON.stringify(pending))),
      history: once(() => JSON.stringify([this.#hello, ...this.#history.messages()])),
      picture: (camera) => {
        if (!pictures.has(camera)) pictures.set(camera, canvases[camera]?.take());
        return pictures.get(camera);
      },
    };
    for (const viewer of this.#viewers.values()) viewer.send(tick);
    for (const canvas of canvases) canvas.clear(); // a picture is of the time between two ticks, shown or not
  }

  async #close(): Promise<void> {
    clearInterval(this.#sampling);
    if (this.#viewers.size > 0) this.#tick();
    const closed = new Promise((resolve) => this.#http.close(resolve));
    for (const viewer of this.#viewers.values()) viewer.close();
    const late = setTimeout(() => {
      for (const socket of this.#viewers.keys()) socket.terminate();
      this.#http.closeAllConnections();
    }, GOOD_BYE_MILLIS);
    this.#http.closeIdleConnections();
    await closed;
    clearTimeout(late);
    this.#rest();
  }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Ends a request for a socket without one. */
function refuse(socket: Duplex, status: number): void {
  socket.on('error', () => {});
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Makes a value when it is asked for, and the same one again. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function urlOf(host: string, port: number, token: string | undefined): string {
  const name = host === '0.0.0.0' || host === '::' ? ownAddress() : host;
  const address = isIP(name) === 6 ? `[${name}]` : name;
  const query = token === undefined ? '' : `?token=${encodeURIComponent(token)}`;
  return `http://${address}:${port}/${query}`;
}

/** An address of this machine that others may reach. */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? DEFAULT_HOST;
}
