import type { EventChunk } from '../../../events.ts';
import {
  BACKWARD,
  CLOCK,
  HEIGHT,
  LAST,
  LENGTH,
  type LoopState,
  ON_FLIP,
  ON_SHIFT,
  OTHER_MASK,
  OUT_OF_RANGE,
  SKIPPED,
  STOPPED,
  WIDTH,
  X_MASK,
  X_SHIFT,
  X_TOP,
  Y_MASK,
  Y_SHIFT,
  Y_TOP,
} from '../kernels/state.ts';
import type { Aedat2Chip } from './chips.ts';

/** Bytes of a record: an address, then a time in microseconds, 32 bits each, big-endian. */
export const RECORD_BYTES = 8;

/** Where an address holds column, row and polarity; columns and rows count from the right and from the bottom. */
const LAYOUTS = {
  /** Bit 0 is 0 for on, as jAER has it. */
  dvs128: { xShift: 1, xMask: 127, yShift: 8, yMask: 127, onShift: 0, onFlip: 1 },
  davis: { xShift: 12, xMask: 1023, yShift: 22, yMask: 511, onShift: 11, onFlip: 0 },
} as const;

/** Puts the layout of a chip's addresses into a state. */
export function setAedat2Layout(state: LoopState, chip: Aedat2Chip): void {
  const { xShift, xMask, yShift, yMask, onShift, onFlip } = LAYOUTS[chip.layout];
  state[X_SHIFT] = xShift;
  state[X_MASK] = xMask;
  state[Y_SHIFT] = yShift;
  state[Y_MASK] = yMask;
  state[ON_SHIFT] = onShift;
  state[ON_FLIP] = onFlip;
  state[OTHER_MASK] = chip.otherMask;
}

/** Encodes AEDAT 2.0 records; stops outside the sensor. */
export function encodeAedat2(
  { t, x, y, on }: EventChunk,
  start: number,
  bytes: DataView,
  state: LoopState,
): number {
  const width = state[WIDTH]!;
  const height = state[HEIGHT]!;
  const clock = state[CLOCK]!;
  const xShift = state[X_SHIFT]!;
  const xTop = state[X_TOP]!;
  const yShift = state[Y_SHIFT]!;
  const yTop = state[Y_TOP]!;
  const onShift = state[ON_SHIFT]!;
  const onFlip = state[ON_FLIP]!;
  let length = state[LENGTH]!;
  let i = start;
  for (; i < t.length; i++, length += RECORD_BYTES) {
    if (x[i]! >= width || y[i]! >= height) {
      state[STOPPED] = 1;
      break;
    }
    const place = ((xTop - x[i]!) << xShift) | ((yTop - y[i]!) << yShift);
    bytes.setInt32(length, place | (((on[i]! ^ onFlip) & 1) << onShift));
    bytes.setInt32(length + 4, (clock + t[i]!) | 0);
  }
  state[LENGTH] = length;
  return i;
}

/**
 * Decodes AEDAT 2.0 records; those that are no events are skipped. Stops where the clock, of 32 bits, has left what an
 * origin holds.
 */
export function aedat2Records(
  records: DataView,
  start: number,
  { t, x, y, on }: EventChunk,
  state: LoopState,
): number {
  const width = state[WIDTH]!;
  const height = state[HEIGHT]!;
  const clock = state[CLOCK]!;
  const otherMask = state[OTHER_MASK]!;
  const xShift = state[X_SHIFT]!;
  const xMask = state[X_MASK]!;
  const xTop = state[X_TOP]!;
  const yShift = state[Y_SHIFT]!;
  const yMask = state[Y_MASK]!;
  const yTop = state[Y_TOP]!;
  const onShift = state[ON_SHIFT]!;
  const onFlip = state[ON_FLIP]!;
  let last = state[LAST]!;
  let n = state[LENGTH]!;
  let backward = 0;
  let outOfRange = 0;
  let skipped = 0;
  let position = start;
  const stop = Math.min(records.byteLength, start + (t.length - n) * RECORD_BYTES);
  for (; position < stop; position += RECORD_BYTES) {
    const address = records.getInt32(position);
    if ((address & otherMask) !== 0) {
      skipped++;
      continue;
    }
    const column = (xTop - ((address >> xShift) & xMask)) | 0;
    const row = (yTop - ((address >> yShift) & yMask)) | 0;
    if (column >= width || row >= height || (column | row) < 0) {
      outOfRange++;
      continue;
    }
    let time = (records.getInt32(position + 4) - clock) | 0;
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
    on[n] = ((address >> onShift) & 1) ^ onFlip;
    n++;
    last = time;
  }
  state[LAST] = last;
  state[LENGTH] = n;
  state[BACKWARD] = backward;
  state[OUT_OF_RANGE] = outOfRange;
  state[SKIPPED] = skipped;
  return position;
}
