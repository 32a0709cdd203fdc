import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type EventChunk, sliceChunk } from '../../events.ts';
import { firstAt } from '../time-range.ts';

/** How fast events are handed on. */
export interface Pace {
  /** Multiple of real time by the events' own clock; `max` (default) waits for nothing. */
  readonly speed?: number | 'max';
  /** Pace in events a second, instead of by their clock. */
  readonly eventsPerSecond?: number;
  /** Events of a slice at most; default 16,384. */
  readonly mostEvents?: number;
  /** Ends the stream between slices, and while it waits. */
  readonly signal?: AbortSignal;
}

/** Time that one slice spans where it is waited for, and the least that is worth a timer. */
const SLICE_MILLIS = 2;
const LEAST_MILLIS = 1;
/** What is later than this is not caught up with: a burst would be no pace. */
const MOST_LATE_MILLIS = 1000;
/** Node's timers hold no more. */
const LONGEST_SLEEP_MILLIS = 2 ** 31 - 1;

/** The same events in slices, each handed on when its first event is due. */
export async function* pacedSlices(
  chunks: AsyncIterable<EventChunk> | Iterable<EventChunk>,
  { speed = 'max', eventsPerSecond, mostEvents = 16384, signal }: Pace = {},
): AsyncGenerator<EventChunk, undefined> {
  let started = performance.now();
  const byClock = speed !== 'max' && eventsPerSecond === undefined;
  const bySecond = Math.ceil(((eventsPerSecond ?? Number.POSITIVE_INFINITY) / 1000) * SLICE_MILLIS);
  const most = Math.max(1, Math.min(mostEvents, bySecond));
  const spanMicros = byClock ? Math.max(1, SLICE_MILLIS * 1000 * speed) : Number.POSITIVE_INFINITY;
  let first: number | undefined;
  let events = 0;
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.t.length; ) {
      const micros = chunk.origin + chunk.t[start]!;
      const end = Math.min(start + most, Math.max(start + 1, firstAt(chunk, micros + spanMicros)));
      first ??= micros;
      let dueMillis = 0;
      if (eventsPerSecond !== undefined) dueMillis = (events / eventsPerSecond) * 1000;
      else if (byClock) dueMillis = (micros - first) / 1000 / speed;
      const early = dueMillis - (performance.now() - started);
      if (early >= LEAST_MILLIS) await pause(early, signal);
      else if (early < -MOST_LATE_MILLIS && dueMillis > 0) started -= early;
      if (signal?.aborted) return;
      yield sliceChunk(chunk, start, end);
      events += end - start;
      start = end;
    }
    await nextTurn(); // signals and sockets are heard, however fast the chunks come
    if (signal?.aborted) return;
  }
}

/** Waits, or less where the signal is aborted. */
export async function pause(millis: number, signal: AbortSignal | undefined): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  for (let rest = millis; rest > 0 && !signal?.aborted; rest -= LONGEST_SLEEP_MILLIS) {
    await sleep(Math.min(rest, LONGEST_SLEEP_MILLIS), undefined, options).catch((error: Error) => {
      if (error.name !== 'AbortError') throw error;
    });
  }
}
