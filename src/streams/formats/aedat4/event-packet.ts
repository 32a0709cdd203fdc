import type { EventChunk } from '../../../events.ts';
import { FlatTable } from '../flat-table.ts';
import {
  BACKWARD,
  CLOCK,
  HEIGHT,
  HIGH,
  LAST,
  LENGTH,
  type LoopState,
  OUT_OF_RANGE,
  STOPPED,
  WIDTH,
} from '../kernels/state.ts';

/** Bytes of an event: i64 µs, i16 x, i16 y, u8 on, 3 bytes of padding, little-endian. */
export const EVENT_BYTES = 16;

const EVENTS_IDENTIFIER = 0x45565453; // EVTS

/** Where events lie in a packet's content: its size, then a table with identifier EVTS; a RangeError if they do not. */
export function locateEvents(content: DataView): { start: number; length: number } {
  const size = content.getUint32(0, true);
  if (size > content.byteLength - 4) {
    throw new RangeError(`content of ${size + 4} bytes expected, found ${content.byteLength}`);
  }
  if (content.getUint32(8) !== EVENTS_IDENTIFIER)
    throw new RangeError('content with identifier EVTS expected');
  return FlatTable.root(content, 4).vector(0, EVENT_BYTES);
}

/** Upper half of the time of the event at `position`. */
export function timeHigh(content: DataView, position: number): number {
  return content.getInt32(position + 4, true);
}

/**
 * Encodes events; `CLOCK` and `HIGH` are the lower and the upper half of the origin. Stops outside the sensor.
 */
export function encodeAedat4(
  { t, x, y, on }: EventChunk,
  start: number,
  bytes: DataView,
  state: LoopState,
): number {
  const width = state[WIDTH]!;
  const height = state[HEIGHT]!;
  const first = state[CLOCK]! >>> 0;
  const high = state[HIGH]!;
  let length = state[LENGTH]!;
  let i = start;
  for (; i < t.length; i++, length += EVENT_BYTES) {
    if (x[i]! >= width || y[i]! >= height) {
      state[STOPPED] = 1;
      break;
    }
    const low = (first + t[i]!) >>> 0;
    bytes.setUint32(length, low, true);
    bytes.setInt32(length + 4, low < first ? high + 1 : high, true);
    bytes.setInt32(length + 8, x[i]! | (y[i]! << 16), true);
    bytes.setInt32(length + 12, on[i]! & 1, true);
  }
  state[LENGTH] = length;
  return i;
}

/**
 * Decodes events; `CLOCK` is the upper half of the chunk's times, and times of the state are without a sign. Stops at
 * one whose upper half is greater.
 */
export function aedat4Records(
  events: DataView,
  start: number,
  { t, x, y, on }: EventChunk,
  state: LoopState,
): number {
  const width = state[WIDTH]!;
  const height = state[HEIGHT]!;
  const originHigh = state[CLOCK]!;
  let last = state[LAST]! >>> 0;
  let n = state[LENGTH]!;
  let backward = 0;
  let outOfRange = 0;
  let position = start;
  const stop = Math.min(events.byteLength, start + (t.length - n) * EVENT_BYTES);
  for (; position < stop; position += EVENT_BYTES) {
    const column = events.getUint16(position + 8, true);
    const row = events.getUint16(position + 10, true);
    if (column >= width || row >= height) {
      outOfRange++;
      continue;
    }
    const high = events.getInt32(position + 4, true);
    let time = events.getUint32(position, true);
    if (high !== originHigh || time < last) {
      if (high > originHigh) {
        state[STOPPED] = 1;
        break;
      }
      backward++;
      time = last;
    }
    t[n] = time;
    x[n] = column;
    y[n] = row;
    on[n] = events.getUint8(position + 12) & 1;
    n++;
    last = time;
  }
  state[LAST] = last;
  state[LENGTH] = n;
  state[BACKWARD] = backward;
  state[OUT_OF_RANGE] = outOfRange;
  return position;
}
