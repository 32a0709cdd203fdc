import type { EventChunk } from '../../../events.ts';
import { BASE, HEIGHT, HIGH, LAST, LENGTH, type LoopState, STOPPED, WIDTH } from '../kernels/state.ts';
import { EVT2_BYTES, EVT2_HIGH_BITS, EVT2_LOW_BITS } from './evt2-words.ts';

/** A TIME_HIGH word and an event. */
export const EVT2_MOST_BYTES: number = 2 * EVT2_BYTES;
const TIME_HIGH = 8 << 28;

/** Writes a TIME_HIGH word of EVT2. */
export function putEvt2TimeHigh(view: DataView, at: number, value: number): void {
  view.setInt32(at, TIME_HIGH | value, true);
}

/**
 * Encodes EVT2: a word an event, and one before it wherever the upper bits of its time are new. Stops outside the sensor,
 * and where time goes back, leaps or wraps.
 */
export function encodeEvt2(
  { t, x, y, on }: EventChunk,
  start: number,
  bytes: DataView,
  state: LoopState,
): number {
  const width = state[WIDTH]!;
  const height = state[HEIGHT]!;
  let high = state[HIGH]!;
  let base = state[BASE]!;
  let last = state[LAST]! >>> 0;
  let length = state[LENGTH]!;
  let i = start;
  for (; i < t.length; i++) {
    const time = t[i]!;
    let low = (time - base) | 0;
    if (x[i]! >= width || y[i]! >= height || time < last || time - last >= 2 ** 31 || low < 0) break;
    const later = low >> EVT2_LOW_BITS;
    if (later > 0) {
      if (high + later >= 1 << EVT2_HIGH_BITS) break;
      high += later;
      base = (base + (later << EVT2_LOW_BITS)) | 0;
      low = (time - base) | 0;
      putEvt2TimeHigh(bytes, length, high);
      length += EVT2_BYTES;
    }
    last = time;
    bytes.setInt32(length, ((on[i]! & 1) << 28) | (low << 22) | (x[i]! << 11) | y[i]!, true);
    length += EVT2_BYTES;
  }
  if (i < t.length) state[STOPPED] = 1;
  state[HIGH] = high;
  state[BASE] = base;
  state[LAST] = last;
  state[LENGTH] = length;
  return i;
}
