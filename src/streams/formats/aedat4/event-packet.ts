import type { EventChunk, SensorSize } from '../../../events.ts';
import type { Progress } from '../chunk-builder.ts';
import { FlatTable } from '../flat-table.ts';
import type { DecodeCounters } from '../format.ts';

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

/** Decodes the events from byte `start` to `stop`, as `DecodeWide` says; gives the byte reached. */
export function decodeEvents(
  content: DataView,
  start: number,
  stop: number,
  { t, x, y, on }: EventChunk,
  originHigh: number,
  { width, height }: SensorSize,
  progress: Progress,
  counters: DecodeCounters,
): number {
  let n = progress.length;
  let last = progress.last;
  let position = start;
  for (; position < stop; position += EVENT_BYTES) {
    const column = content.getUint16(position + 8, true);
    const row = content.getUint16(position + 10, true);
    if (column >= width || row >= height) {
      counters.outOfRange++;
      continue;
    }
    const high = content.getInt32(position + 4, true);
    let time = content.getUint32(position, true);
    if (high !== originHigh || time < last) {
      if (high > originHigh) {
        progress.overflow = true;
        break;
      }
      counters.backward++;
      time = last;
    }
    t[n] = time;
    x[n] = column;
    y[n] = row;
    on[n] = content.getUint8(position + 12) & 1;
    n++;
    last = time;
  }
  counters.events += n - progress.length;
  progress.length = n;
  progress.last = last;
  return position;
}
