import { setImmediate as nextTurn } from 'node:timers/promises';
import { type EventChunk, sliceChunk } from '../../src/events.ts';
import { firstEventFrom } from '../../src/operators/first-event-from.ts';
import { pause } from '../../src/streams/live/pace.ts';

/** The least that is worth a timer. */
const LEAST_MILLIS = 1;

/** How a stream of events is handed on. */
export interface Pacing {
  /** Longest time that one chunk may span, in microseconds; bounds what a consumer makes of one chunk. */
  readonly spanMicros: number;
  /** Multiple of real time by the events' own clock; `max` (default) waits for nothing. */
  readonly speed?: number | 'max';
  /** Ends the stream, between chunks and while it waits. */
  readonly signal?: AbortSignal;
}

/**
 * The same events in chunks that span little time: sixteen thousand events of a still scene may span an hour, and
 * all its bins would be made at once. With a speed, a chunk is handed on when its last event has happened.
 */
export async function* pacedChunks(
  chunks: AsyncIterable<EventChunk>,
  { spanMicros, speed = 'max', signal }: Pacing,
): AsyncGenerator<EventChunk, undefined> {
  const started = performance.now();
  let first: number | undefined;
  for await (const chunk of chunks) {
    // A consumer that awaits nothing but finished work would keep signals and sockets from being heard.
    await nextTurn();
    for (const slice of slicesOf(chunk, spanMicros)) {
      if (speed !== 'max') {
        first ??= slice.origin + slice.t[0]!;
        const dueMillis = (slice.origin + slice.t.at(-1)! - first) / 1000 / speed;
        const early = dueMillis - (performance.now() - started);
        if (early >= LEAST_MILLIS) await pause(early, signal);
      }
      if (signal?.aborted) return;
      yield slice;
    }
  }
}

/** Cuts a chunk into parts of at most `spanMicros`, without a copy. */
export function* slicesOf(chunk: EventChunk, spanMicros: number): Generator<EventChunk> {
  for (let start = 0; start < chunk.t.length; ) {
    const end = firstEventFrom(chunk.t, chunk.t[start]! + Math.max(1, spanMicros), start);
    yield start === 0 && end === chunk.t.length ? chunk : sliceChunk(chunk, start, end);
    start = end;
  }
}
