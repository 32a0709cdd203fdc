import type { EventChunk, Frame } from '../events.ts';
import type { FrameGrid, Polarity } from './frame-grid.ts';

/** What the binning stages did with the events they were given; nothing is left out without being counted here. */
export interface BinCounters {
  /** Events that came in. */
  events: number;
  /** Times that an event was not counted into a bin because it is outside the grid. */
  outside: number;
  /** Events of a last, incomplete bin that the policy for the tail dropped, and that are in no other bin. */
  tail: number;
  /** Empty bins left out where a silence was longer than `maxEmptyBins`. */
  skippedBins: number;
}

/** Counters at zero. */
export function binCounters(): BinCounters {
  return { events: 0, outside: 0, tail: 0, skippedBins: 0 };
}

/** What all kinds of binning are told. */
export interface BinOptions {
  readonly grid: FrameGrid;
  /** Default `two`. */
  readonly polarity?: Polarity;
  /** Where the counts of frame number `ordinal` go: zeros, [height, width, channels]. Default a fresh array. */
  readonly allocate?: (ordinal: number) => Float32Array;
  /** Counters to go on with; default fresh ones. */
  readonly counters?: BinCounters;
}

/** Makes the frames of one binning stage and counts events into them. */
export class BinFrames {
  readonly counters: BinCounters;
  readonly #grid: FrameGrid;
  readonly #channels: 1 | 2;
  readonly #allocate: (ordinal: number) => Float32Array;
  #empty: Float32Array | undefined;
  #opened = 0;

  constructor({ grid, polarity = 'two', allocate, counters = binCounters() }: BinOptions) {
    this.counters = counters;
    this.#grid = grid;
    this.#channels = polarity === 'two' ? 2 : 1;
    const size = grid.width * grid.height * this.#channels;
    this.#allocate = allocate ?? (() => new Float32Array(size));
  }

  /** A bin that counts nothing yet; bins are opened in the order of their frames. */
  open(startMicros: number, endMicros: number): OpenBin {
    return { ordinal: this.#opened++, startMicros, endMicros, data: undefined, events: 0 };
  }

  /** Counts the events `start` to `end` (exclusive) of a chunk into a bin. */
  count(bin: OpenBin, chunk: EventChunk, start: number, end: number): void {
    if (start >= end) return;
    bin.data ??= this.#allocate(bin.ordinal);
    const counted = this.#grid.count(chunk, start, end, bin.data, this.#channels);
    bin.events += counted;
    this.counters.outside += end - start - counted;
  }

  /** The finished frame. Bins without events share one array of zeros, so that silence costs no memory. */
  close({ startMicros, endMicros, data, events }: OpenBin): Frame {
    const { width, height } = this.#grid;
    const channels = this.#channels;
    if (data === undefined) this.#empty ??= new Float32Array(width * height * channels);
    return { width, height, channels, data: data ?? this.#empty!, startMicros, endMicros, events };
  }
}

/** A bin that events may still fall in. */
export interface OpenBin {
  readonly ordinal: number;
  readonly startMicros: number;
  endMicros: number;
  data: Float32Array | undefined;
  events: number;
}
