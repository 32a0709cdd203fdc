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
  NOW,
  OUT_OF_RANGE,
  ROW,
  SKIPPED,
  STOPPED,
  VECTOR_ON,
  VECTOR_X,
  WIDTH,
} from '../kernels/state.ts';
import { KERNEL_REACH_MICROS } from './evt-clock.ts';

/** Bytes of an EVT3 word. */
export const EVT3_BYTES = 2;
export const EVT3_HIGH_BITS = 12;
export const EVT3_LOW_BITS = 12;
/** Events that one word gives at most. */
export const EVT3_WORD_EVENTS = 12;
const REACH = KERNEL_REACH_MICROS >> EVT3_LOW_BITS;
const HALF = 2 ** (EVT3_HIGH_BITS - 1);
/** No sensor has this column; vectors that run on stay here. */
const LAST_COLUMN = 0xffff;

/** Types of words, in their upper 4 bits. */
export const ADDRESS_Y = 0;
export const ADDRESS_X = 2;
export const VECTOR_BASE = 3;
export const VECTOR_12 = 4;
export const VECTOR_8 = 5;
export const TIME_LOW = 6;
export const CONTINUED_4 = 7;
export const TIME_HIGH = 8;
export const TRIGGER = 10;
export const CONTINUED_12 = 15;

/**
 * EVT3, words of 16 bits, little-endian, that change the state one field at a time: row, time, then columns, alone or
 * as bits of a vector. A changed TIME_HIGH sets the lower time to 0; a repeated one changes nothing. Stops at
 * triggers, and at leaps and wraps of the time. Words that continue another belong to it.
 */
export function evt3Words(
  words: DataView,
  start: number,
  { t, x, y, on }: EventChunk,
  state: LoopState,
): number {
  const width = state[WIDTH]!;
  const height = state[HEIGHT]!;
  const anchor = state[ANCHOR]!;
  let high = state[HIGH]!;
  let base = state[BASE]!;
  let now = state[NOW]!;
  let row = state[ROW]!;
  let vectorX = state[VECTOR_X]!;
  let vectorOn = state[VECTOR_ON]!;
  let last = state[LAST]!;
  let n = state[LENGTH]!;
  let backward = 0;
  let outOfRange = 0;
  let skipped = 0;
  const fullest = t.length - EVT3_WORD_EVENTS;
  const stop = words.byteLength;
  let position = start;
  decoding: for (; position < stop && n <= fullest; position += EVT3_BYTES) {
    const word = words.getUint16(position, true);
    switch (word >> 12) {
      case ADDRESS_X: {
        const column = word & 2047;
        if (column >= width || row >= height) {
          outOfRange++;
          break;
        }
        let time = now;
        if (time < last) {
          backward++;
          time = last;
        }
        t[n] = time;
        x[n] = column;
        y[n] = row;
        on[n] = (word >> 11) & 1;
        n++;
        last = time;
        break;
      }
      case ADDRESS_Y:
        row = word & 2047;
        break;
      case TIME_LOW:
        now = (base + (word & 4095)) | 0;
        break;
      case VECTOR_BASE:
        vectorX = word & 2047;
        vectorOn = (word >> 11) & 1;
        break;
      case VECTOR_12:
      case VECTOR_8: {
        const eight = word >> 12 === VECTOR_8;
        for (let bits = word & (eight ? 255 : 4095), column = vectorX; bits !== 0; bits >>= 1, column++) {
          if ((bits & 1) === 0) continue;
          if (column >= width || row >= height) {
            outOfRange++;
            continue;
          }
          let time = now;
          if (time < last) {
            backward++;
            time = last;
          }
          t[n] = time;
          x[n] = column;
          y[n] = row;
          on[n] = vectorOn;
          n++;
          last = time;
        }
        vectorX = Math.min(vectorX + (eight ? 8 : 12), LAST_COLUMN);
        break;
      }
      case TIME_HIGH: {
        const value = word & 4095;
        if (value === high) break;
        const after = (value - anchor) | 0;
        if (after >= REACH || high - value >= HALF) {
          state[STOPPED] = 1;
          break decoding;
        }
        high = value;
        base = after << EVT3_LOW_BITS;
        now = base;
        break;
      }
      case TRIGGER:
        state[STOPPED] = 1;
        break decoding;
      case CONTINUED_4:
      case CONTINUED_12:
        break;
      default:
        skipped++;
    }
  }
  state[HIGH] = high;
  state[BASE] = base;
  state[NOW] = now;
  state[ROW] = row;
  state[VECTOR_X] = vectorX;
  state[VECTOR_ON] = vectorOn;
  state[LAST] = last;
  state[LENGTH] = n;
  state[BACKWARD] = backward;
  state[OUT_OF_RANGE] = outOfRange;
  state[SKIPPED] = skipped;
  return position;
}
