import type { EventChunk, SensorSize } from '../../../events.ts';
import type { Progress } from '../chunk-builder.ts';
import type { DecodeCounters } from '../format.ts';

/** Bytes of a record: an address, then a time in microseconds, 32 bits each, big-endian. */
export const RECORD_BYTES = 8;

/** Bit of a DVS128's address that is set where a record is no event. */
export const DVS128_OTHER = 0x8000;

/** Bits of a DAVIS's address one of which is set where a record is no event: frames and inertial samples, external. */
export const DAVIS_OTHER: number = 0x80000400 | 0;

/** Decodes records of a DVS128 up to `stop`; gives the position reached. Bit 0 is 0 for on, as jAER has it. */
export function dvs128Records(
  records: DataView,
  start: number,
  stop: number,
  { t, x, y, on }: EventChunk,
  { width, height }: SensorSize,
  clockAtOrigin: number,
  progress: Progress,
  counters: DecodeCounters,
): number {
  const base = clockAtOrigin | 0;
  let last = progress.last | 0;
  let n = progress.length;
  let position = start;
  for (; position < stop; position += RECORD_BYTES) {
    const address = records.getInt32(position);
    if ((address & DVS128_OTHER) !== 0) {
      counters.skipped++;
      continue;
    }
    const column = 127 - ((address >> 1) & 127);
    const row = 127 - ((address >> 8) & 127);
    if (column >= width || row >= height) {
      counters.outOfRange++;
      continue;
    }
    let time = (records.getInt32(position + 4) - base) | 0;
    if (time < last) {
      if (((time - last) | 0) >= 0) {
        progress.overflow = true;
        break;
      }
      counters.backward++;
      time = last;
    }
    t[n] = time;
    x[n] = column;
    y[n] = row;
    on[n] = (address & 1) ^ 1;
    n++;
    last = time;
  }
  progress.last = last;
  progress.length = n;
  return position;
}

/** Decodes records of a DAVIS up to `stop`; frames, inertial samples and external events are skipped. */
export function davisRecords(
  records: DataView,
  start: number,
  stop: number,
  { t, x, y, on }: EventChunk,
  { width, height }: SensorSize,
  clockAtOrigin: number,
  progress: Progress,
  counters: DecodeCounters,
): number {
  const base = clockAtOrigin | 0;
  let last = progress.last | 0;
  let n = progress.length;
  let position = start;
  for (; position < stop; position += RECORD_BYTES) {
    const address = records.getInt32(position);
    if ((address & DAVIS_OTHER) !== 0) {
      counters.skipped++;
      continue;
    }
    const column = width - 1 - ((address >> 12) & 1023);
    const row = height - 1 - ((address >> 22) & 511);
    if ((column | row) < 0) {
      counters.outOfRange++;
      continue;
    }
    let time = (records.getInt32(position + 4) - base) | 0;
    if (time < last) {
      if (((time - last) | 0) >= 0) {
        progress.overflow = true;
        break;
      }
      counters.backward++;
      time = last;
    }
    t[n] = time;
    x[n] = column;
    y[n] = row;
    on[n] = (address >> 11) & 1;
    n++;
    last = time;
  }
  progress.last = last;
  progress.length = n;
  return position;
}
