import { OptionError } from '../../errors.ts';
import type { EventChunk, SensorSize, Stage } from '../../events.ts';
import { wholeNumber } from '../whole-number.ts';

/**
 * What every filter of events keeps to: what comes out does not depend on how the events are cut into chunks; nobody
 * writes to a chunk that came in; what is unchanged goes on without a copy; memory does not grow with the length of the
 * stream. A filter that only leaves events out or changes them gives one chunk for each, empty if need be, so that a
 * regular stream stays regular.
 */
export interface FilterStage extends Stage<EventChunk, EventChunk> {
  readonly counters: Readonly<FilterCounters>;
}

/** What a filter did with the events it was given. */
export interface FilterCounters {
  /** Events that came in. */
  in: number;
  /** Events that went out. */
  out: number;
  /** Events left out because they are beyond the sensor, or before time 0. */
  outside: number;
}

/** Counters at zero. */
export function filterCounters(): FilterCounters {
  return { in: 0, out: 0, outside: 0 };
}

/** What filters that look at places are told. */
export interface SensorOptions {
  /** Sensor that the events come from. */
  readonly sensor: SensorSize;
}

/** What filters with chance in them are told. */
export interface SeedOptions {
  /** The numbers drawn are a function of it, the filter's name and the event's number; default 0. */
  readonly seed?: number;
}

/** Most pixels of a sensor that a filter keeps a memory for: a lying header must not allocate without bound. */
const MAX_PIXELS = 2 ** 25;

/** Number of the sensor's pixels, checked. */
export function pixelsOf({ width, height }: SensorSize): number {
  wholeNumber('sensor width', width, 1);
  wholeNumber('sensor height', height, 1);
  if (width > 65536 || height > 65536 || width * height > MAX_PIXELS) {
    throw new OptionError(`sensor: expected at most ${MAX_PIXELS} pixels, got ${width} x ${height}`);
  }
  return width * height;
}
