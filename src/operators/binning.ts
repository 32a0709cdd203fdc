import type { OperatorFunction } from 'rxjs';
import type { EventChunk, Frame, Stage } from '../events.ts';
import { BinByCount } from './bin-by-count.ts';
import { BinByEvents } from './bin-by-events.ts';
import { BinByTime } from './bin-by-time.ts';
import type { BinOptions } from './bin-frames.ts';
import { stage } from './stage.ts';

/** How events are cut into bins, as plain data: options and checkpoints hold it. */
export type Binning =
  /** So many bins between a recording's first and last event; `overlap` is a share of a bin. */
  | { readonly kind: 'count'; readonly bins: number; readonly overlap?: number }
  /** Bins of so many microseconds. */
  | {
      readonly kind: 'time';
      readonly windowMicros: number;
      readonly strideMicros?: number;
      readonly tail?: 'keep' | 'drop';
      readonly maxEmptyBins?: number;
      readonly silence?: 'error' | 'skip';
    }
  /** So many events in a bin. */
  | {
      readonly kind: 'events';
      readonly count: number;
      readonly stride?: number;
      readonly tail?: 'keep' | 'drop';
    };

/** The stage that bins as the description says. */
export function createBinning(binning: Binning, options: BinOptions): Stage<EventChunk, Frame> {
  switch (binning.kind) {
    case 'count':
      return new BinByCount({ ...options, ...binning });
    case 'time':
      return new BinByTime({ ...options, ...binning });
    case 'events':
      return new BinByEvents({ ...options, ...binning });
  }
}

/** Bins as the description says. */
export function bin(binning: Binning, options: BinOptions): OperatorFunction<EventChunk, Frame> {
  return stage(() => createBinning(binning, options));
}
