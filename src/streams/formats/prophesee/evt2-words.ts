import type { EventChunk } from '../../../events.ts';
import {
  ANCHOR,
  BACKWARD,
  BASE,
  HEIGHT,
  HIGH,
  LAST,
  LENGTH,
  type LoopState,
  OUT_OF_RANGE,
  STOPPED,
  WIDTH,
} from '../kernels/state.ts';
import { KERNEL_REACH_MICROS } from './evt-clock.ts';

/** Bytes of an EVT2 word. */
export const EVT2_BYTES = 4;
export const EVT2_HIGH_BITS = 28;
export const EVT2_LOW_BITS = 6;
const TIME_HIGH = 8;
const REACH = KERNEL_REACH_MICROS >> EVT2_LOW_BITS;
const HALF = 2 ** (EVT2_HIGH_BITS - 1);

/**
 * Takes a word of EVT2, or that half of one of EVT2.1, that is no event: a TIME_HIGH word gives the time that the words
 * behind it count from. False, and the loop stops, at every other type, and where time leaps or wraps.
 */
export function takesTime(state: LoopState, word: number): boolean {
  const value = word & 0xfffffff;
  const after = (value - state[ANCHOR]!) | 0;
  if (word >>> 28 !== TIME_HIGH || after >= REACH || after < -REACH || state[HIGH]! - value >= HALF) {
    state[STOPPED] = 1;
    return false;
  }
  state[HIGH] = value;
  state[BASE] = after << EVT2_LOW_BITS;
  return true;
}

/**
 * EVT2, words of 32 bits, little-endian: type in the upper 4, then of an event (0 darker, 1 brighter) time 6, column
 * 11, row 11; of TIME_HIGH (8) the upper 28 bits of the time. Stops at every other type, and at leaps of the time.
 */
export function evt2Words(
  words: DataView,
  start: number,
  { t, x, y, on }: EventChunk,
  state: LoopState,
): number {
  const width = state[WIDTH]!;
  const height = state[HEIGHT]!;
  let base = state[BASE]!;
  let last = state[LAST]!;
  let n = state[LENGTH]!;
  let backward = 0;
  let outOfRange = 0;
  let position = start;
  const stop = Math.min(words.byteLength, start + (t.length - n) * EVT2_BYTES);
  for (; position < stop; position += EVT2_BYTES) {
    const word = words.getInt32(position, true);
    const type = word >>> 28;
    if (type > 1) {
      if (!takesTime(state, word)) break;
      base = state[BASE]!;
      continue;
    }
    const column = (word >> 11) & 2047;
    const row = word & 2047;
    if (column >= width || row >= height) {
      outOfRange++;
      continue;
    }
    let time = (base + ((word >> 22) & 63)) | 0;
    if (time < last) {
      backward++;
      time = last;
    }
    t[n] = time;
    x[n] = column;
    y[n] = row;
    on[n] = type;
    n++;
    last = time;
  }
  state[LAST] = last;
  state[LENGTH] = n;
  state[BACKWARD] = backward;
  state[OUT_OF_RANGE] = outOfRange;
  return position;
}
