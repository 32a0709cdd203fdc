import type { OperatorFunction } from 'rxjs';
import { OptionError } from '../errors.ts';
import type { EventChunk, Frame, Stage } from '../events.ts';
import { BinByCount } from './bin-by-count.ts';
import { BinByEventBins } from './bin-by-event-bins.ts';
import { BinByEvents } from './bin-by-events.ts';
import { BinByTime } from './bin-by-time.ts';
import { type BinCounters, type BinOptions, binCounters } from './bin-frames.ts';
import { BinaryRepresentation } from './representations/binary-representation.ts';
import type { Representation } from './representations/representation.ts';
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
    }
  /** So many bins of equally many events over a recording; `overlap` is a share of a bin. */
  | {
      readonly kind: 'event-bins';
      readonly bins: number;
      readonly overlap?: number;
      readonly tail?: 'keep' | 'drop';
    };

/** What all kinds of binning are told, with any representation. */
export interface BinningOptions extends Omit<BinOptions, 'representation'> {
  /** What the events of a bin become; default their counts. */
  readonly representation?: Representation;
}

/** The stage that bins as the description says. */
export function createBinning(binning: Binning, options: BinningOptions): Stage<EventChunk, Frame> {
  const { representation = { kind: 'counted' } } = options;
  if (representation.kind === 'binary-representation') {
    return new BinaryBins(binning, representation.bits, options);
  }
  return cut(binning, { ...options, representation });
}

function cut(binning: Binning, options: BinOptions): Stage<EventChunk, Frame> {
  switch (binning.kind) {
    case 'count':
      return new BinByCount({ ...options, ...binning });
    case 'time':
      return new BinByTime({ ...options, ...binning });
    case 'events':
      return new BinByEvents({ ...options, ...binning });
    case 'event-bins':
      return new BinByEventBins({ ...options, ...binning });
  }
}

/** Bins as the description says. */
export function bin(binning: Binning, options: BinningOptions): OperatorFunction<EventChunk, Frame> {
  return stage(() => createBinning(binning, options));
}

/** Bins, each cut into as many parts as its numbers have bits. */
class BinaryBins implements Stage<EventChunk, Frame> {
  readonly #parts: Stage<EventChunk, Frame>;
  readonly #join: BinaryRepresentation;
  readonly counters: BinCounters;

  constructor(binning: Binning, bits: number, { allocate, representation: _, ...options }: BinningOptions) {
    this.counters = options.counters ?? binCounters();
    const tail = 'tail' in binning ? (binning.tail ?? 'keep') : 'keep';
    this.#join = new BinaryRepresentation({ bits, tail, ...(allocate === undefined ? {} : { allocate }) });
    this.#parts = cut(partsOf(binning, bits), {
      ...options,
      counters: this.counters,
    });
  }

  push(chunk: EventChunk, emit: (frame: Frame) => void): void {
    this.#parts.push(chunk, (part) => this.#join.push(part, emit));
  }

  end(emit: (frame: Frame) => void): void {
    this.#parts.end((part) => this.#join.push(part, emit));
    this.#join.end(emit);
    this.counters.tail += this.#join.dropped;
  }
}

/** The binning with `parts` bins in the place of each. */
function partsOf(binning: Binning, parts: number): Binning {
  const { kind } = binning;
  const overlaps =
    kind === 'time'
      ? (binning.strideMicros ?? binning.windowMicros) !== binning.windowMicros
      : kind === 'events'
        ? (binning.stride ?? binning.count) !== binning.count
        : (binning.overlap ?? 0) !== 0;
  if (overlaps) throw new OptionError('binary representation: expected bins that do not overlap');
  if (kind === 'time') {
    const { strideMicros: _, ...rest } = binning;
    return { ...rest, windowMicros: binning.windowMicros / parts };
  }
  if (kind !== 'events') return { ...binning, bins: binning.bins * parts };
  if (binning.count % parts !== 0) {
    throw new OptionError(
      `binary representation: expected a bin's ${binning.count} events to be a multiple of its ${parts} bits`,
    );
  }
  return { kind, count: binning.count / parts, tail: binning.tail ?? 'keep' };
}
