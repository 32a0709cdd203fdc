import type { EventChunk } from '../../../events.ts';
import {
  BACKWARD,
  CLOCK,
  HEIGHT,
  LAST,
  LENGTH,
  type LoopState,
  ON_SHIFT,
  OUT_OF_RANGE,
  STOPPED,
  WIDTH,
  X_MASK,
  X_SHIFT,
  Y_MASK,
  Y_SHIFT,
} from '../kernels/state.ts';

/** Bytes of a record: a time in microseconds, then an address, 32 bits each, little-endian. */
export const DAT_BYTES = 8;

/** Where an address holds column, row and polarity, by version of the file. */
export const DAT_LAYOUTS = {
  1: { columnBits: 9, rowBits: 8, onBit: 17 },
  2: { columnBits: 14, rowBits: 14, onBit: 28 },
} as const;

/** Puts the layout of a version into a state. */
export function setDatLayout(state: LoopState, version: 1 | 2): void {
  const { columnBits, rowBits, onBit } = DAT_LAYOUTS[version];
  state[X_SHIFT] = 0;
  state[X_MASK] = 2 ** columnBits - 1;
  state[Y_SHIFT] = columnBits;
  state[Y_MASK] = 2 ** rowBits - 1;
  state[ON_SHIFT] = onBit;
}

/** Encodes DAT records; stops outside the sensor. */
export function encodeDat(
  { t, x, y, on }: EventChunk,
  start: number,
  bytes: DataView,
  state: LoopState,
): number {
  const width = state[WIDTH]!;
  const height = state[HEIGHT]!;
  const clock = state[CLOCK]!;
  const rowShift = state[Y_SHIFT]!;
  const onShift = state[ON_SHIFT]!;
  let length = state[LENGTH]!;
  let i = start;
  for (; i < t.length; i++, length += DAT_BYTES) {
    if (x[i]! >= width || y[i]! >= height) {
      state[STOPPED] = 1;
      break;
    }
    bytes.setInt32(length, (clock + t[i]!) | 0, true);
    bytes.setInt32(length + 4, x[i]! | (y[i]! << rowShift) | ((on[i]! & 1) << onShift), true);
  }
  state[LENGTH] = length;
  return i;
}

/** Decodes DAT records. Stops where the clock, of 32 bits, has left what an origin holds. */
export function datRecords(
  records: DataView,
  start: number,
  { t, x, y, on }: EventChunk,
  state: LoopState,
): number {
  const width = state[WIDTH]!;
  const height = state[HEIGHT]!;
  const clock = state[CLOCK]!;
  const columnMask = state[X_MASK]!;
  const rowShift = state[Y_SHIFT]!;
  const rowMask = state[Y_MASK]!;
  const onShift = state[ON_SHIFT]!;
  let last = state[LAST]!;
  let n = state[LENGTH]!;
  let backward = 0;
  let outOfRange = 0;
  let position = start;
  const stop = Math.min(records.byteLength, start + (t.length - n) * DAT_BYTES);
  for (; position < stop; position += DAT_BYTES) {
    const address = records.getInt32(position + 4, true);
    const column = address & columnMask;
    const row = (address >> rowShift) & rowMask;
    if (column >= width || row >= height) {
      outOfRange++;
      continue;
    }
    let time = (records.getInt32(position, true) - clock) | 0;
    if (time < last) {
      if (((time - last) | 0) >= 0) {
        state[STOPPED] = 1;
        break;
      }
      backward++;
      time = last;
    }
    t[n] = time;
    x[n] = column;
    y[n] = row;
    on[n] = (address >> onShift) & 1;
    n++;
    last = time;
  }
  state[LAST] = last;
  state[LENGTH] = n;
  state[BACKWARD] = backward;
  state[OUT_OF_RANGE] = outOfRange;
  return position;
}
