import type { EventChunk } from '../../../events.ts';
import type { Kernel } from '../kernels/kernel.ts';
import {
  HEIGHT,
  LAST,
  LENGTH,
  type LoopState,
  NOW,
  OUT_OF_RANGE,
  SKIPPED,
  STOPPED,
  WIDTH,
  Y_TOP,
} from '../kernels/state.ts';

/** Kinds of streams by their number in the header. */
export const KINDS = ['generic', 'DVS', 'ATIS', 'AMD', 'colour'] as const;
/** Kinds whose events have pixels. */
export type PixelKind = 'DVS' | 'ATIS' | 'colour';

/** The kernel stops when times reach this many microseconds after the origin, which then moves. */
export const REACH_MICROS: number = 2 ** 30;

/**
 * How the first byte of an event holds the time since the one before, and which bytes are no events: those from
 * `firstAlone` on, which stand alone and add `aloneMicros` to the time, by how far behind the first they are.
 */
interface Layout {
  readonly bytes: number;
  readonly stepShift: number;
  readonly firstAlone: number;
  readonly aloneMicros: readonly number[];
}

/** In the README of the format; 0xfe of a DVS or colour camera, and 0xfc of an ATIS, add nothing. */
const LAYOUTS: Readonly<Record<PixelKind, Layout>> = {
  DVS: { bytes: 5, stepShift: 1, firstAlone: 0xfe, aloneMicros: [0, 127] },
  ATIS: { bytes: 5, stepShift: 2, firstAlone: 0xfc, aloneMicros: [0, 63, 126, 189] },
  colour: { bytes: 8, stepShift: 0, firstAlone: 0xfe, aloneMicros: [0, 254] },
};

/** A time step of a DVS is shorter; a byte that stands alone adds this much. */
export const DVS_OVERFLOW_MICROS = 127;

/**
 * Decodes the events of one kind; stops where the first event is not whole, and where times reach too far.
 * @param grows whether a pixel of a colour camera is brighter than it was
 */
export function pixelEvents(
  kind: PixelKind,
  grows: (column: number, row: number, sum: number) => boolean,
): Kernel {
  const { bytes, stepShift, firstAlone, aloneMicros } = LAYOUTS[kind];
  return (records: DataView, start: number, { t, x, y, on }: EventChunk, state: LoopState): number => {
    const width = state[WIDTH]!;
    const height = state[HEIGHT]!;
    const top = state[Y_TOP]!;
    const stop = records.byteLength;
    let now = state[NOW]!;
    let n = state[LENGTH]!;
    let skipped = 0;
    let outOfRange = 0;
    let position = start;
    while (position < stop && n < t.length) {
      if (now >= REACH_MICROS) {
        state[STOPPED] = 1;
        break;
      }
      const head = records.getUint8(position);
      if (head >= firstAlone) {
        now += aloneMicros[head - firstAlone]!;
        position++;
        continue;
      }
      if (position + bytes > stop) {
        if (position === start) state[STOPPED] = 1;
        break;
      }
      const at = position;
      position += bytes;
      now += head >> stepShift;
      if (kind === 'ATIS' && (head & 1) === 1) {
        skipped++;
        continue;
      }
      const column = records.getUint16(at + 1, true);
      const row = top - records.getUint16(at + 3, true);
      if (column >= width || row >= height || row < 0) {
        outOfRange++;
        continue;
      }
      t[n] = now;
      x[n] = column;
      y[n] = row;
      if (kind === 'DVS') on[n] = head & 1;
      else if (kind === 'ATIS') on[n] = (head >> 1) & 1;
      else {
        const sum = records.getUint8(at + 5) + records.getUint8(at + 6) + records.getUint8(at + 7);
        on[n] = grows(column, row, sum) ? 1 : 0;
      }
      n++;
    }
    state[NOW] = now;
    state[LAST] = now;
    state[LENGTH] = n;
    state[SKIPPED] = skipped;
    state[OUT_OF_RANGE] = outOfRange;
    return position;
  };
}

/** Longer silences are not for the loop that encodes. */
const MOST_OVERFLOWS = 8;
const LOOP_SILENCE_MICROS = (MOST_OVERFLOWS + 1) * DVS_OVERFLOW_MICROS;
/** Overflows and an event. */
export const DVS_MOST_BYTES: number = MOST_OVERFLOWS + LAYOUTS.DVS.bytes;

/**
 * Encodes the events of a DVS; `LAST` is the time of the event before, and `NOW` what is added to the first step from it.
 * Stops outside the sensor, where time goes back, and at long silences.
 */
export function encodeDvs(
  { t, x, y, on }: EventChunk,
  start: number,
  bytes: DataView,
  state: LoopState,
): number {
  const width = state[WIDTH]!;
  const height = state[HEIGHT]!;
  const top = state[Y_TOP]!;
  let last = state[LAST]! >>> 0;
  let more = state[NOW]!;
  let length = state[LENGTH]!;
  let i = start;
  for (; i < t.length; i++) {
    let step = t[i]! - last + more;
    if (x[i]! >= width || y[i]! >= height || t[i]! < last || step >= LOOP_SILENCE_MICROS) {
      state[STOPPED] = 1;
      break;
    }
    last = t[i]!;
    more = 0;
    for (; step >= DVS_OVERFLOW_MICROS; step -= DVS_OVERFLOW_MICROS) bytes.setUint8(length++, 0xff);
    bytes.setUint8(length, (step << 1) | (on[i]! & 1));
    bytes.setUint16(length + 1, x[i]!, true);
    bytes.setUint16(length + 3, top - y[i]!, true);
    length += LAYOUTS.DVS.bytes;
  }
  state[LAST] = last;
  state[NOW] = more;
  state[LENGTH] = length;
  return i;
}

/** Decodes the events of a DVS. */
export const dvsEvents: Kernel = pixelEvents('DVS', () => false);
