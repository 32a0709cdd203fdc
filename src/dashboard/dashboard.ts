import type { WebSocket } from 'ws';
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
import { isInUse, SocketServer, urlOf } from './socket-server.ts';
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
  return server.dashboard(urlOf('http', host, port, token));
}

class DashboardServer {
  readonly #hello: HelloMessage;
  readonly #history = new History();
  readonly #viewers = new Map<WebSocket, Viewer>();
  readonly #canvases = new Map<string, EventCanvas>();
  readonly #server: SocketServer;
  #pending: (DashboardMessage | MemoryMessage)[] = [];
  #ticking: NodeJS.Timeout | undefined;
  #sampling: NodeJS.Timeout | undefined;

  constructor({ kind, title }: DashboardOptions, rules: AccessRules, page: DashboardPage) {
    this.#hello = { type: 'hello', kind, title };
    this.#server = new SocketServer({
      access: (request) => accessOf(request, rules),
      page,
      mostSockets: MOST_VIEWERS,
      longestMessageBytes: LONGEST_REQUEST_BYTES,
      opened: (socket) => this.#open(socket),
    });
  }

  async listen(host: string, port: number | undefined): Promise<number> {
    const subject = `dashboard: ${host}:${port ?? DEFAULT_PORT}`;
    const listened = this.#server.listen(host, port ?? DEFAULT_PORT, subject).catch((error: Error) => {
      if (port !== undefined || !isInUse(error.cause)) throw error;
      return this.#server.listen(host, 0, subject);
    });
    const bound = await listened;
    this.#sampling = setInterval(() => this.#sampleMemory(), MEMORY_MILLIS);
    this.#sampleMemory();
    return bound;
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
    await this.#server.close((socket) => this.#viewers.get(socket)?.close());
    this.#rest();
  }
}

/** Makes a value when it is asked for, and the same one again. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
