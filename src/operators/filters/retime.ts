import { InputError } from '../../errors.ts';
import type { EventChunk } from '../../events.ts';

/**
 * Gives the chunk's events at other times, in the same order; places and polarity are shared. `time` must not decrease.
 * Chunks whose new times would not fit 32 bits are cut.
 */
export function retime(
  chunk: EventChunk,
  time: (micros: number) => number,
  emit: (chunk: EventChunk) => void,
): void {
  const { t, x, y, on } = chunk;
  const { length } = t;
  if (length === 0) {
    emit({ ...chunk, origin: time(chunk.origin) });
    return;
  }
  for (let start = 0; start < length; ) {
    const origin = time(chunk.origin + t[start]!);
    const times = new Uint32Array(length - start);
    let end = start;
    for (; end < length; end++) {
      const after = time(chunk.origin + t[end]!) - origin;
      if (after > 0xffffffff) break;
      times[end - start] = after;
    }
    if (!(time(chunk.origin + t[end - 1]!) <= Number.MAX_SAFE_INTEGER)) {
      throw new InputError('time: expected new times below 2^53 us, found one beyond: is a time wrong?');
    }
    emit(
      start === 0 && end === length
        ? { origin, t: times, x, y, on }
        : {
            origin,
            t: times.subarray(0, end - start),
            x: x.subarray(start, end),
            y: y.subarray(start, end),
            on: on.subarray(start, end),
          },
    );
    start = end;
  }
}
