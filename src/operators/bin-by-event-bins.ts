import type { OperatorFunction } from 'rxjs';
import { OptionError } from '../errors.ts';
import type { EventChunk, Frame, Stage } from '../events.ts';
import { type BinCounters, BinFrames, type BinOptions } from './bin-frames.ts';
import { stage } from './stage.ts';
import { wholeNumber } from './whole-number.ts';

export interface BinByEventBinsOptions extends BinOptions {
  /** Number of bins, at least 1. */
  readonly bins: number;
  /** Share of its events that a bin has in common with the next one, from 0 (default) to below 1. */
  readonly overlap?: number;
  /**
   * Bins of equally many events rarely use up all. `keep` (default) spreads the rest, so that bins differ by one event;
   * `drop` leaves the last ones out and counts them.
   */
  readonly tail?: 'keep' | 'drop';
}

/**
 * Cuts one recording into `bins` bins of equally many events. With an overlap o, N events make bins of L = N / (1 +
 * (bins - 1)(1 - o)) that start L (1 - o) apart; their edges are rounded down to whole events, or L and the distance are
 * where the tail is dropped. A frame's time runs from its first event to 1 us after its last; a bin without an event
 * takes the time of the one before. The number of events is known at the end only: the stage holds the recording's
 * chunks until then, 9 bytes an event. A recording without events has no bins.
 */
export class BinByEventBins implements Stage<EventChunk, Frame> {
  readonly #frames: BinFrames;
  readonly #bins: number;
  readonly #overlap: number;
  readonly #tail: 'keep' | 'drop';
  #chunks: EventChunk[] = [];
  #events = 0;

  constructor(options: BinByEventBinsOptions) {
    const { overlap = 0 } = options;
    this.#frames = new BinFrames(options);
    this.#bins = wholeNumber('bins', options.bins, 1);
    if (!(overlap >= 0 && overlap < 1)) {
      throw new OptionError(`overlap: expected a share from 0 to below 1, got ${overlap}`);
    }
    this.#overlap = overlap;
    this.#tail = options.tail ?? 'keep';
  }

  get counters(): Readonly<BinCounters> {
    return this.#frames.counters;
  }

  push(chunk: EventChunk): void {
    this.#frames.counters.events += chunk.t.length;
    this.#events += chunk.t.length;
    if (chunk.t.length > 0) this.#chunks.push(chunk);
  }

  end(emit: (frame: Frame) => void): void {
    const first = this.#chunks[0];
    if (first === undefined) return;
    let micros = first.origin + first.t[0]!;
    let covered = 0;
    for (let number = 0; number < this.#bins; number++) {
      const [start, end] = this.#edges(number);
      covered = Math.max(covered, end);
      micros = this.#paint(start, end, micros, emit);
    }
    this.#frames.counters.tail += this.#events - covered;
    this.#chunks = [];
    this.#events = 0;
  }

  /** Positions of a bin's first event and of the first after it. */
  #edges(number: number): [start: number, end: number] {
    const step = 1 - this.#overlap;
    const length = this.#events / (1 + (this.#bins - 1) * step);
    if (this.#tail === 'drop') {
      const start = number * Math.floor(length * step);
      return [start, start + Math.floor(length)];
    }
    const isLast = number === this.#bins - 1;
    return [
      Math.floor(number * step * length),
      isLast ? this.#events : Math.floor((number * step + 1) * length),
    ];
  }

  /** Gives the frame of the events `start` to `end`; returns the time at which it ends. */
  #paint(start: number, end: number, before: number, emit: (frame: Frame) => void): number {
    if (end <= start) {
      emit(this.#frames.close(this.#frames.open(before, before, 0)));
      return before;
    }
    const firstMicros = this.#timeOf(start);
    const lastMicros = this.#timeOf(end - 1);
    const bin = this.#frames.open(firstMicros, lastMicros + 1, lastMicros - firstMicros);
    let seen = 0;
    for (const chunk of this.#chunks) {
      const { length } = chunk.t;
      this.#frames.count(bin, chunk, Math.max(0, start - seen), Math.min(length, end - seen));
      seen += length;
    }
    emit(this.#frames.close(bin));
    return bin.endMicros;
  }

  #timeOf(position: number): number {
    let seen = 0;
    for (const { origin, t } of this.#chunks) {
      if (position < seen + t.length) return origin + t[position - seen]!;
      seen += t.length;
    }
    throw new RangeError(`no event ${position} among ${seen}`);
  }
}

/** Cuts the events of one recording into `bins` frames of equally many events, at its end. */
export function binByEventBins(options: BinByEventBinsOptions): OperatorFunction<EventChunk, Frame> {
  return stage(() => new BinByEventBins(options));
}
