import type { EventChunk } from '../../../events.ts';
import {
  BACKWARD,
  CLOCK,
  HEIGHT,
  LAST,
  LENGTH,
  type LoopState,
  NOW,
  OUT_OF_RANGE,
  SKIPPED,
  STOPPED,
  WIDTH,
} from '../kernels/state.ts';

/** Bytes of a record: x, y, then polarity (1 bit) and time (23 bits, big-endian). */
export const NMNIST_BYTES = 5;
/** The row of a record that is no event, but adds to all times that follow. */
export const OVERFLOW_ROW = 240;
export const OVERFLOW_MICROS = 8192;
export const TIME_MASK = 0x7fffff;
/** The origin moves when overflows reach this, so that times stay below 2^31. */
const FARTHEST_MICROS = 2 ** 30;

/**
 * Encodes N-MNIST records; `NOW` is the time of the event before in the file, `LAST` in the chunk. Stops at pixels and at
 * times that a record cannot say.
 */
export function encodeNmnist(
  { t, x, y, on }: EventChunk,
  start: number,
  bytes: DataView,
  state: LoopState,
): number {
  const width = state[WIDTH]!;
  const height = state[HEIGHT]!;
  let now = state[NOW]!;
  let last = state[LAST]! >>> 0;
  let length = state[LENGTH]!;
  let i = start;
  for (; i < t.length; i++, length += NMNIST_BYTES) {
    const step = t[i]! - last;
    if (x[i]! >= width || y[i]! >= height || step < 0 || step > TIME_MASK - now) {
      state[STOPPED] = 1;
      break;
    }
    last = t[i]!;
    now += step;
    bytes.setInt32(length, (x[i]! << 24) | (y[i]! << 16) | ((on[i]! & 1) << 15) | (now >> 8));
    bytes.setUint8(length + 4, now);
  }
  state[NOW] = now;
  state[LAST] = last;
  state[LENGTH] = length;
  return i;
}

/** Decodes N-MNIST records. Stops where overflows have moved times too far from the origin. */
export function nmnistRecords(
  records: DataView,
  start: number,
  { t, x, y, on }: EventChunk,
  state: LoopState,
): number {
  const width = state[WIDTH]!;
  const height = state[HEIGHT]!;
  let overflow = state[CLOCK]!;
  let last = state[LAST]!;
  let n = state[LENGTH]!;
  let backward = 0;
  let outOfRange = 0;
  let skipped = 0;
  let position = start;
  const stop = Math.min(records.byteLength, start + (t.length - n) * NMNIST_BYTES);
  for (; position < stop; position += NMNIST_BYTES) {
    const word = records.getInt32(position); // x, y, polarity and the upper 15 bits of the time
    const row = (word >> 16) & 255;
    const column = word >>> 24;
    if (row === OVERFLOW_ROW) {
      if (overflow >= FARTHEST_MICROS) {
        state[STOPPED] = 1;
        break;
      }
      skipped++;
      overflow += OVERFLOW_MICROS;
      continue;
    }
    if (column >= width || row >= height) {
      outOfRange++;
      continue;
    }
    let time = ((((word << 8) | records.getUint8(position + 4)) & TIME_MASK) + overflow) | 0;
    if (time < last) {
      backward++;
      time = last;
    }
    t[n] = time;
    x[n] = column;
    y[n] = row;
    on[n] = (word >> 15) & 1;
    n++;
    last = time;
  }
  state[CLOCK] = overflow;
  state[LAST] = last;
  state[LENGTH] = n;
  state[BACKWARD] = backward;
  state[OUT_OF_RANGE] = outOfRange;
  state[SKIPPED] = skipped;
  return position;
}
