import type { EventChunk } from '../../../events.ts';
import {
  BACKWARD,
  BASE,
  HEIGHT,
  LAST,
  LENGTH,
  type LoopState,
  OUT_OF_RANGE,
  WIDTH,
  WORD_AT,
} from '../kernels/state.ts';
import { takesTime } from './evt2-words.ts';

/** Bytes of an EVT2.1 word. */
export const EVT21_BYTES = 8;
const WORD_EVENTS = 32;

/**
 * EVT2.1, words of 64 bits, little-endian: one half like an EVT2 word, whose column is that of the lowest bit of the
 * other half, a mask of 32 pixels. `WORD_AT` says which comes first.
 */
export function evt21Words(
  words: DataView,
  start: number,
  { t, x, y, on }: EventChunk,
  state: LoopState,
): number {
  const wordAt = state[WORD_AT]!;
  const width = state[WIDTH]!;
  const height = state[HEIGHT]!;
  let last = state[LAST]!;
  let n = state[LENGTH]!;
  let position = start;
  for (; position < words.byteLength && n + WORD_EVENTS <= t.length; position += EVT21_BYTES) {
    const word = words.getInt32(position + wordAt, true);
    const type = word >>> 28;
    if (type > 1) {
      if (!takesTime(state, word)) break;
      continue;
    }
    const row = word & 2047;
    const now = (state[BASE]! + ((word >> 22) & 63)) | 0;
    const late = now < last;
    const time = late ? last : now;
    let column = (word >> 11) & 2047;
    for (let bits = words.getInt32(position + 4 - wordAt, true); bits !== 0; bits >>>= 1, column++) {
      if ((bits & 1) === 0) continue;
      if (column >= width || row >= height) {
        state[OUT_OF_RANGE]!++;
        continue;
      }
      if (late) state[BACKWARD]!++;
      t[n] = time;
      x[n] = column;
      y[n] = row;
      on[n] = type;
      n++;
      last = time;
    }
  }
  state[LAST] = last;
  state[LENGTH] = n;
  return position;
}
