/**
 * Threads and shared memory for the tfjs WebAssembly backend under Node. tfjs switches them off there, because its
 * loader makes browser workers from blob addresses. The loader takes `Worker` from `worker_threads` when it starts,
 * so while it does, that name stands for a worker that Node can run.
 */
import { EventEmitter, once } from 'node:events';
import { createRequire } from 'node:module';
import type { cpus } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { WasmMemory } from './web-assembly.ts';

const require = createRequire(import.meta.url);
const glue = '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd';

/** How long threads may take to load, on a machine that is busy. */
const PATIENCE_MILLIS = 60_000;

interface ThreadMessage {
  readonly cmd?: string;
  /** In the message that hands over the module. */
  readonly wasmMemory?: WasmMemory;
}

/**
 * Runs `start` with workers that Node can run in place of the loader's, then takes away what the loader left in the
 * process: a global `Worker` and two handlers that would turn any rejected promise into an exception.
 * @param threads threads in all, the calling one included
 * @returns the module's memory
 */
export async function withThreadWorkers(threads: number, start: () => Promise<void>): Promise<WasmMemory> {
  const workerThreads: { Worker: unknown } = require('node:worker_threads');
  const os: { cpus: typeof cpus } = require('node:os');
  const scope = globalThis as { Worker?: unknown };
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const listeners = events.map((event) => new Set(process.listeners(event as 'uncaughtException')));
  const held = { nodeWorker: workerThreads.Worker, globalWorker: scope.Worker, cpus: os.cpus };
  const pool = new ThreadPool(threads - 1);
  workerThreads.Worker = threadWorkerClass(pool);
  // The backend takes at most half of the processors that it counts.
  os.cpus = () => Array.from({ length: 2 * threads }, () => held.cpus()[0]!);
  try {
    await Promise.race([start(), pool.failure, pool.timeout]);
    return pool.memory!;
  } finally {
    pool.close();
    os.cpus = held.cpus;
    workerThreads.Worker = held.nodeWorker;
    if (held.globalWorker === undefined) delete scope.Worker;
    else scope.Worker = held.globalWorker;
    events.forEach((event, index) => {
      for (const listener of process.listeners(event as 'uncaughtException')) {
        if (!listeners[index]!.has(listener)) process.removeListener(event, listener);
      }
    });
  }
}

/** Threads that wait for work. They keep the process alive only while they load. */
class ThreadPool {
  /** Rejects when a thread fails to load. */
  readonly failure: Promise<never>;
  /** Rejects when loading takes too long. */
  readonly timeout: Promise<never>;
  /** The module's memory, once it has been handed over. */
  memory: WasmMemory | undefined;
  readonly #threads: Worker[];
  #loaded: Promise<unknown> | undefined;
  #fail: (reason: unknown) => void = () => {};
  #timer: NodeJS.Timeout | undefined;

  constructor(size: number) {
    this.failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.timeout = new Promise((_, reject) => {
      const late = new Error(`no answer within ${PATIENCE_MILLIS / 1000} s`);
      this.#timer = setTimeout(() => reject(late), PATIENCE_MILLIS);
    });
    const { wasmWorkerContents } = require(`${glue}.worker.js`) as { wasmWorkerContents: string };
    // The text was meant for a blob, where its line ends would have been escaped.
    const script = wasmWorkerContents.replaceAll('\n', '\\n');
    this.#threads = Array.from({ length: size }, () =>
      new Worker(script, { eval: true, execArgv: [] }).on('error', this.#fail),
    );
  }

  /** Hands the module to every thread, once, and resolves when all have it. */
  load(message: ThreadMessage): Promise<unknown> {
    this.memory ??= message.wasmMemory;
    this.#loaded ??= this.#loadAll({ ...message, urlOrBlob: require.resolve(`${glue}.js`) }).catch(
      this.#fail,
    );
    return this.#loaded;
  }

  async #loadAll(message: object): Promise<void> {
    const answers = this.#threads.map((thread) => once(thread, 'message'));
    for (const thread of this.#threads) thread.postMessage(message);
    await Promise.all(answers);
    for (const thread of this.#threads) thread.unref();
  }

  /** Stops the clock, and ends the threads that nobody took. */
  close(): void {
    clearTimeout(this.#timer);
    for (const thread of this.#threads.splice(0)) thread.terminate();
  }

  take(): Worker {
    const thread = this.#threads.shift();
    if (thread === undefined) throw new Error('tfjs-wasm asked for more threads than were started');
    return thread;
  }
}

/**
 * A worker as the loader expects it. The loader makes eight, tells each to load the module, waits for all answers,
 * and then blocks until as many as it has threads are at work. So all answer when the real threads have loaded, and
 * one that is told to run takes a real thread.
 */
function threadWorkerClass(pool: ThreadPool): new () => EventEmitter {
  return class ThreadWorker extends EventEmitter {
    #thread: Worker | undefined;

    postMessage(message: ThreadMessage): void {
      if (message.cmd === 'load') {
        pool.load(message).then(() => this.emit('message', { cmd: 'loaded' }));
        return;
      }
      this.#thread ??= this.#take();
      this.#thread.postMessage(message);
    }

    #take(): Worker {
      const thread = pool.take();
      // Listening makes Node wait for the thread again.
      thread.on('message', (message) => this.emit('message', message)).unref();
      return thread;
    }

    terminate(): Promise<number> {
      return this.#thread?.terminate() ?? Promise.resolve(0);
    }

    ref(): void {}

    unref(): void {}
  };
}
