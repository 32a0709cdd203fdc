import { CHUNK_EVENTS, type EventChunk, type SensorSize } from '../../events.ts';
import { Ending, type EndingOptions } from './ending.ts';
import type { LiveCounters } from './live-counters.ts';
import { type InputFacts, type InputOptions, openInput } from './live-input.ts';
import { Notes } from './notes.ts';
import type { LiveProtocol } from './reception.ts';
import { EventRing } from './ring.ts';
import { parseAddress } from './source-address.ts';
import { Tally } from './tally.ts';
import type { TransportHooks } from './transports/transport.ts';

export type { LiveCounters } from './live-counters.ts';
export type { LiveProtocol } from './reception.ts';

/** How a live source listens and when it ends. */
export interface LiveOptions extends InputOptions, EndingOptions {
  /** Size of the sensor where neither the address nor a recording says it; events outside it are dropped and counted. */
  readonly sensor: SensorSize;
  /** Events that wait at most for the consumer; default 2^20. */
  readonly ringEvents?: number;
  /** A line for people, at most one a second: connections, what was detected, losses. */
  readonly onNote?: (text: string) => void;
}

/** Events as they arrive, pulled: the consumer's pace decides how much is taken, the ring what is kept. */
export interface LiveSource extends InputFacts {
  readonly id: string;
  readonly counters: LiveCounters;
  /** Absent until it is known, and where recordings are played. */
  readonly protocol: LiveProtocol | undefined;
  /** Share of the ring that is filled, 0 to 1: how far the consumer is behind. */
  readonly pressure: number;
  /**
   * When the first events of a time or later arrived, in microseconds since 1970; undefined where none has, or so long
   * ago that it is forgotten.
   */
  arrivalOf(micros: number): number | undefined;
  /** The events, once; ending the iteration closes the source. A pipe's or file's fault comes after its events. */
  chunks(): AsyncIterableIterator<EventChunk>;
  close(): Promise<void>;
}

const RING_EVENTS = 2 ** 20;

/**
 * Events from `udp://HOST:PORT`, `tcp://HOST:PORT`, `unix:PATH`, `ws://HOST:PORT`, `file:PATH`, a folder, `sim:` or `-`,
 * each with options behind a `?`; fulfilled once it listens, tries to connect, or knows the size of the sensor.
 * Whatever comes over a network is counted where it is wrong or too much, never fatal.
 */
export async function liveSource(url: string, options: LiveOptions): Promise<LiveSource> {
  const address = parseAddress(url);
  const sensor = address.options.sensor ?? options.sensor;
  const tally = new Tally();
  const ring = new EventRing(options.ringEvents ?? RING_EVENTS, options);
  const notes = new Notes(options.onNote);
  let protocol: LiveProtocol | undefined;
  let delivered = 0;
  const ending = new Ending(options, () => tally.get('bytes') + tally.get('received'));
  const hooks: TransportHooks = {
    onNote: (text) => notes.tell(text),
    onRecognised: (found) => {
      protocol = found;
      notes.tell(`${url}: ${found.title}, ${found.detected ? 'detected' : 'as named'}`);
    },
  };
  const input = await openInput(address, { sensor, ring, tally, hooks, ending, options });

  const counters = (): LiveCounters => {
    const drops = input.systemDrops();
    return {
      ...tally.read(),
      delivered,
      dropped: ring.dropped,
      thinned: ring.thinned,
      waiting: ring.length,
      ...(drops === undefined ? {} : { systemDrops: drops }),
    };
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    ending.end();
    closing ??= input.stop().then(() => notes.end());
    return closing;
  };
  notes.watch(counters);

  async function* chunks(): AsyncGenerator<EventChunk, undefined> {
    try {
      while (true) {
        await input.readWhatWaits();
        if (ending.ended) await close();
        const chunk = ring.take(CHUNK_EVENTS);
        if (chunk.t.length > 0) {
          delivered += chunk.t.length;
          ending.taken();
          yield chunk;
        } else if (ending.ended) {
          input.fault();
          return;
        } else if (ring.await()) {
          await ending.arrivalOrEnd();
        }
      }
    } finally {
      await close();
    }
  }

  return {
    id: url,
    ...input.facts,
    get counters() {
      return counters();
    },
    get protocol() {
      return protocol;
    },
    get pressure() {
      return ring.pressure;
    },
    arrivalOf: (micros) => ring.arrivalOf(micros),
    chunks,
    close,
  };
}
