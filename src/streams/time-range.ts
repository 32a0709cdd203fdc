import { type EventChunk, sliceChunk } from '../events.ts';

/** Part of a recording by time, in microseconds on the recording's own clock. */
export interface TimeRange {
  /** First time that belongs to it. Default: the first event's. */
  readonly fromMicros?: number;
  /** First time after it. Default: none, all to the end. */
  readonly toMicros?: number;
}

/** True where a range leaves something out. */
export function isBounded({ fromMicros, toMicros }: TimeRange): boolean {
  return fromMicros !== undefined || toMicros !== undefined;
}

/**
 * The events of a range, without a copy; ends the iteration of `chunks` at the first event after it.
 * @param count is told how many events each chunk gives
 */
export async function* chunksWithin(
  chunks: AsyncIterable<EventChunk>,
  { fromMicros = Number.NEGATIVE_INFINITY, toMicros = Number.POSITIVE_INFINITY }: TimeRange,
  count: (events: number) => void = () => undefined,
): AsyncGenerator<EventChunk> {
  for await (const chunk of chunks) {
    const start = firstAt(chunk, fromMicros);
    const end = firstAt(chunk, toMicros);
    if (end > start) {
      count(end - start);
      yield start === 0 && end === chunk.t.length ? chunk : sliceChunk(chunk, start, end);
    }
    if (end < chunk.t.length) return;
  }
}

/** Index of the first event of a chunk that is not before `micros`. */
export function firstAt({ origin, t }: EventChunk, micros: number): number {
  const offset = micros - origin;
  let low = 0;
  let high = t.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (t[middle]! < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
