import type { EventChunk, Frame } from '../events.ts';
import type { FrameGrid, Polarity } from './frame-grid.ts';
import type { Allocate, OpenBin, Painter } from './representations/painter.ts';
import { createPainter, type PaintedRepresentation } from './representations/representation.ts';

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
  /** What the events of a bin become; default their counts. */
  readonly representation?: PaintedRepresentation;
  /** Where frame number `ordinal` goes: zeros, [height, width, channels]. Default a fresh array. */
  readonly allocate?: (ordinal: number) => Float32Array;
  /** Counters to go on with; default fresh ones. */
  readonly counters?: BinCounters;
}

/** Makes the frames of one binning stage and paints events into them. */
export class BinFrames {
  readonly counters: BinCounters;
  readonly #painter: Painter;
  readonly #allocate: Allocate;
  #empty: Float32Array | undefined;
  #opened = 0;

  constructor(options: BinOptions) {
    const {
      grid,
      polarity = 'two',
      representation = { kind: 'counted' },
      counters = binCounters(),
    } = options;
    this.counters = counters;
    this.#painter = createPainter(representation, grid, polarity);
    this.#allocate = options.allocate ?? (() => new Float32Array(this.#size));
  }

  get #size(): number {
    const { width, height, channels } = this.#painter;
    return width * height * channels;
  }

  /**
   * A bin without events yet; bins are opened in the order of their frames.
   * @param spanMicros time between the first and the last moment of the bin; absent where that is known when it closes
   */
  open(startMicros: number, endMicros: number, spanMicros?: number): OpenBin {
    return {
      ordinal: this.#opened++,
      startMicros,
      endMicros,
      spanMicros,
      data: undefined,
      given: 0,
      events: 0,
    };
  }

  /** Paints the events `start` to `end` (exclusive) of a chunk into a bin. */
  count(bin: OpenBin, chunk: EventChunk, start: number, end: number): void {
    if (start >= end) return;
    bin.given += end - start;
    this.#painter.paint(bin, chunk, start, end, this.#allocate);
  }

  /** The finished frame. Bins that show nothing share one array of zeros, so that silence costs no memory. */
  close(bin: OpenBin): Frame {
    const { width, height, channels } = this.#painter;
    const data = this.#painter.finish(bin, this.#allocate);
    if (data === undefined) this.#empty ??= new Float32Array(this.#size);
    const { startMicros, endMicros, given, events } = bin;
    this.counters.outside += given - events;
    return { width, height, channels, data: data ?? this.#empty!, startMicros, endMicros, events };
  }
}
