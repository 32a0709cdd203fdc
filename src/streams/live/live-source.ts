import { setImmediate as nextTurn } from 'node:timers/promises';
import { CHUNK_EVENTS, type EventChunk, type SensorSize } from '../../events.ts';
import { EventRing } from './ring.ts';
import { type SpifCounters, SpifDecoder } from './spif.ts';
import { parseUdpUrl, receiveUdp, type UdpAddress } from './udp.ts';

/** How a live source listens and when it ends. */
export interface LiveOptions {
  /** Events outside it are dropped and counted. */
  readonly sensor: SensorSize;
  /** Ends the source at once: events that wait for the consumer count as dropped. The other ends deliver them. */
  readonly signal?: AbortSignal;
  /** Milliseconds after which it ends; unlimited by default. */
  readonly durationMillis?: number;
  /** Milliseconds without a datagram after which it ends; unlimited by default. */
  readonly idleMillis?: number;
  /** Events that wait at most for the consumer; default 2^20. */
  readonly ringEvents?: number;
  /** Bytes of datagrams that wait at most in the system, where it grants them; default 8 MiB. */
  readonly bufferBytes?: number;
}

/** What became of the events: received = outOfRange + delivered + dropped + waiting. */
export interface LiveCounters extends SpifCounters {
  /** Events handed to the consumer. */
  readonly delivered: number;
  /** Events that were dropped because the consumer was slow. */
  readonly dropped: number;
  /** Events in the ring now. */
  readonly waiting: number;
  /** Datagrams that the system dropped before they could be read; absent where it does not say. */
  readonly systemDrops?: number;
}

/** Events as they arrive, pulled: the consumer's pace decides how much is taken, the ring what is kept. */
export interface LiveSource {
  readonly id: string;
  readonly address: UdpAddress;
  /** Bytes of datagrams that the system lets wait. */
  readonly bufferBytes: number;
  readonly sensor: SensorSize;
  readonly simulated: false;
  readonly counters: LiveCounters;
  /** The events, once; ending the iteration closes the source. */
  chunks(): AsyncIterableIterator<EventChunk>;
  close(): Promise<void>;
}

const RING_EVENTS = 2 ** 20;
const BUFFER_BYTES = 8 * 2 ** 20;
/** Node's timers hold no more: 24.8 days. */
const LONGEST_TIMER_MILLIS = 2 ** 31 - 1;
/** A turn of Node's loop reads at most 32 datagrams, so this many turns empty any buffer a system grants. */
const MOST_TURNS = 1024;

/**
 * Listens on a `udp://HOST:PORT` for SPIF datagrams; the promise is fulfilled once it listens.
 * Malformed datagrams are counted, never fatal.
 */
export async function liveSource(url: string, options: LiveOptions): Promise<LiveSource> {
  const { sensor, ringEvents = RING_EVENTS, bufferBytes = BUFFER_BYTES } = options;
  const ring = new EventRing(ringEvents);
  const decoder = new SpifDecoder(sensor);
  const ending = new Ending(options);
  const push = ring.push.bind(ring);
  const receiver = await receiveUdp(parseUdpUrl(url), bufferBytes, (datagram) => {
    if (ending.ended) return;
    decoder.decode(datagram, Math.round(performance.now() * 1000), push);
    ending.arrived();
  });
  ending.start();
  let delivered = 0;
  let finalDrops: number | undefined;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    if (closing === undefined) {
      ending.end();
      finalDrops = receiver.systemDrops();
      closing = receiver.close();
    }
    return closing;
  };

  async function* chunks(): AsyncGenerator<EventChunk, undefined> {
    try {
      while (true) {
        await readWhatWaits(() => decoder.counters.datagrams);
        if (options.signal?.aborted) ring.clear();
        const chunk = ring.take(CHUNK_EVENTS);
        if (chunk.t.length > 0) {
          delivered += chunk.t.length;
          yield chunk;
        } else if (ending.ended) {
          return;
        } else {
          await ending.arrivalOrEnd();
        }
      }
    } finally {
      await close();
    }
  }

  return {
    id: url,
    address: receiver.address,
    bufferBytes: receiver.bufferBytes,
    sensor,
    simulated: false,
    get counters() {
      const systemDrops = closing === undefined ? receiver.systemDrops() : finalDrops;
      return {
        ...decoder.counters,
        delivered,
        dropped: ring.dropped,
        waiting: ring.length,
        ...(systemDrops === undefined ? {} : { systemDrops }),
      };
    },
    chunks,
    close,
  };
}

/** Lets Node read datagrams until none waits: a network that computes without pause would starve the socket. */
async function readWhatWaits(datagrams: () => number): Promise<void> {
  for (let turn = 0, seen = -1; turn < MOST_TURNS && datagrams() !== seen; turn++) {
    seen = datagrams();
    await nextTurn();
  }
}

/** When a source ends, and what its consumer waits for. */
class Ending {
  ended = false;
  readonly #options: LiveOptions;
  readonly #onAbort = (): void => this.end();
  #timers: NodeJS.Timeout[] = [];
  #wake: (() => void) | undefined;
  #quietMillis = 0;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  start(): void {
    const { signal, durationMillis, idleMillis } = this.#options;
    if (signal?.aborted) {
      this.end();
      return;
    }
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (durationMillis !== undefined) {
      this.#timers.push(setTimeout(this.#onAbort, Math.min(durationMillis, LONGEST_TIMER_MILLIS)));
    }
    if (idleMillis !== undefined) {
      // Counted in ticks: while a network computes nothing ticks, and the datagrams that come meanwhile are read after.
      const tickMillis = Math.max(1, Math.min(100, idleMillis / 4));
      const tick = (): void => {
        this.#quietMillis += tickMillis;
        if (this.#quietMillis > idleMillis) this.end();
      };
      this.#timers.push(setInterval(tick, tickMillis));
    }
  }

  arrived(): void {
    this.#quietMillis = 0;
    this.#wake?.();
  }

  end(): void {
    this.ended = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#wake?.();
  }

  arrivalOrEnd(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
