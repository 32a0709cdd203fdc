import type { EventChunk } from '../../events.ts';

/** A bin that events may still fall in. */
export interface OpenBin {
  readonly ordinal: number;
  readonly startMicros: number;
  endMicros: number;
  /** Time between the first and the last moment of the bin; absent where that is known when the bin is closed. */
  readonly spanMicros: number | undefined;
  /** What is painted so far, [height, width, channels]; undefined where nothing is. */
  data: Float32Array | undefined;
  /** Events that came. */
  given: number;
  /** Those of them that fell on the grid. */
  events: number;
}

/** Memory for the frame with this ordinal: zeros, [height, width, channels]. */
export type Allocate = (ordinal: number) => Float32Array;

/**
 * Turns the events of bins into frames. Events come in order of time within a bin. Bins may overlap: those that begin
 * later get their events after those that begin earlier, and are finished after them.
 */
export interface Painter {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /**
   * Paints the events `start` to `end` (exclusive) of a chunk, at least one, and counts those that fall on the grid in
   * `bin.events`; either may wait for `finish`.
   */
  paint(bin: OpenBin, chunk: EventChunk, start: number, end: number, allocate: Allocate): void;
  /** The data of the finished frame; undefined where it is all zeros. */
  finish(bin: OpenBin, allocate: Allocate): Float32Array | undefined;
}
