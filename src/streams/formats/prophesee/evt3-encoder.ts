import type { EventChunk } from '../../../events.ts';
import {
  BASE,
  HEIGHT,
  HIGH,
  LAST,
  LENGTH,
  type LoopState,
  NOW,
  ROW,
  STOPPED,
  WIDTH,
} from '../kernels/state.ts';
import {
  ADDRESS_X,
  ADDRESS_Y,
  EVT3_BYTES,
  EVT3_HIGH_BITS,
  EVT3_LOW_BITS,
  TIME_HIGH,
  TIME_LOW,
  VECTOR_8,
  VECTOR_12,
  VECTOR_BASE,
} from './evt3-words.ts';

/** A TIME_HIGH word, a time, a row and a column. */
export const EVT3_MOST_BYTES: number = 4 * EVT3_BYTES;
/** Columns of a vector as cameras write it: words of 12, 12 and 8 bits, which some readers take as one. */
const VECTOR_COLUMNS = 32;
/** A vector has 4 words. */
const FEWEST_VECTOR_EVENTS = 5;
const LOW_MASK = 2 ** EVT3_LOW_BITS - 1;

/** Writes a TIME_HIGH word of EVT3. */
export function putEvt3TimeHigh(view: DataView, at: number, value: number): void {
  view.setUint16(at, (TIME_HIGH << 12) | value, true);
}

/**
 * Encodes EVT3: a word for each change of row, time and column; events of one row, time and polarity as vectors. Stops
 * outside the sensor, and where time goes back, leaps or wraps.
 */
export function encodeEvt3(chunk: EventChunk, start: number, bytes: DataView, state: LoopState): number {
  const { t, x, y, on } = chunk;
  const width = state[WIDTH]!;
  const height = state[HEIGHT]!;
  let high = state[HIGH]!;
  let base = state[BASE]!;
  let now = state[NOW]!;
  let row = state[ROW]!;
  let last = state[LAST]! >>> 0;
  let length = state[LENGTH]!;
  let i = start;
  while (i < t.length) {
    const time = t[i]!;
    let low = (time - base) | 0;
    if (x[i]! >= width || y[i]! >= height || time < last || time - last >= 2 ** 31 || low < 0) break;
    const later = low >> EVT3_LOW_BITS;
    if (later > 0) {
      if (high + later >= 1 << EVT3_HIGH_BITS) break;
      high += later;
      base = (base + (later << EVT3_LOW_BITS)) | 0;
      low &= LOW_MASK;
      now = -1;
      putEvt3TimeHigh(bytes, length, high);
      length += EVT3_BYTES;
    }
    last = time;
    // Written in any case, but kept only where they are new: a branch that nobody can foretell would cost more.
    bytes.setUint16(length, (TIME_LOW << 12) | low, true);
    length += EVT3_BYTES * differ(low, now);
    now = low;
    bytes.setUint16(length, (ADDRESS_Y << 12) | y[i]!, true);
    length += EVT3_BYTES * differ(y[i]!, row);
    row = y[i]!;
    const polarity = (on[i]! & 1) << 11;
    const fifth = i + FEWEST_VECTOR_EVENTS - 1;
    // In one test: two would both be hard to foretell.
    const may = fifth < t.length && ((t[fifth]! ^ time) | (y[fifth]! ^ row)) === 0;
    const end = may ? vectorEnd(chunk, i, width) : i;
    if (end - i < FEWEST_VECTOR_EVENTS) {
      bytes.setUint16(length, (ADDRESS_X << 12) | polarity | x[i]!, true);
      length += EVT3_BYTES;
      i++;
      continue;
    }
    const bits = bitsOf(x, i, end);
    bytes.setUint16(length, (VECTOR_BASE << 12) | polarity | x[i]!, true);
    bytes.setUint16(length + EVT3_BYTES, (VECTOR_12 << 12) | (bits & 4095), true);
    bytes.setUint16(length + 2 * EVT3_BYTES, (VECTOR_12 << 12) | ((bits >>> 12) & 4095), true);
    bytes.setUint16(length + 3 * EVT3_BYTES, (VECTOR_8 << 12) | (bits >>> 24), true);
    length += 4 * EVT3_BYTES;
    i = end;
  }
  if (i < t.length) state[STOPPED] = 1;
  state[HIGH] = high;
  state[BASE] = base;
  state[NOW] = now;
  state[ROW] = row;
  state[LAST] = last;
  state[LENGTH] = length;
  return i;
}

/** 1 where two numbers of 32 bits differ, else 0, without a branch. */
function differ(a: number, b: number): number {
  const bits = a ^ b;
  return (bits | -bits) >>> 31;
}

/** End of the events from `start` on that one vector holds: of one time, row and polarity, from left to right. */
function vectorEnd({ t, x, y, on }: EventChunk, start: number, width: number): number {
  const beyond = Math.min(width, x[start]! + VECTOR_COLUMNS);
  let end = start + 1;
  while (
    end < t.length &&
    t[end] === t[start] &&
    y[end] === y[start] &&
    ((on[end]! ^ on[start]!) & 1) === 0 &&
    x[end]! > x[end - 1]! &&
    x[end]! < beyond
  ) {
    end++;
  }
  return end;
}

/** A bit for each column from that of the first event on. */
function bitsOf(x: Uint16Array, start: number, end: number): number {
  let bits = 0;
  for (let i = start; i < end; i++) bits |= 1 << (x[i]! - x[start]!);
  return bits;
}
