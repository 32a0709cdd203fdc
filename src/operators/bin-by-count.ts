import type { OperatorFunction } from 'rxjs';
import { OptionError } from '../errors.ts';
import type { EventChunk, Frame, Stage } from '../events.ts';
import { type BinCounters, BinFrames, type BinOptions } from './bin-frames.ts';
import { firstEventFrom } from './first-event-from.ts';
import { stage } from './stage.ts';
import { wholeNumber } from './whole-number.ts';

export interface BinByCountOptions extends BinOptions {
  /** Number of bins, at least 1. */
  readonly bins: number;
  /** Share of its length that a bin has in common with the next one, from 0 (default) to below 1. */
  readonly overlap?: number;
}

/**
 * Cuts one recording into `bins` bins of equal length that together span its first to its last event, both included:
 * an event at the last one's time falls in the last bin. With an overlap o, bins are L = span / (1 + (bins - 1)(1 - o))
 * long and start L (1 - o) apart. The span is known at the end only, so the stage holds the recording's chunks until
 * then, 9 bytes an event. A recording without events has no bins.
 */
export class BinByCount implements Stage<EventChunk, Frame> {
  readonly #frames: BinFrames;
  readonly #bins: number;
  readonly #overlap: number;
  #chunks: EventChunk[] = [];

  constructor(options: BinByCountOptions) {
    const { overlap = 0 } = options;
    this.#frames = new BinFrames(options);
    this.#bins = wholeNumber('bins', options.bins, 1);
    if (!(overlap >= 0 && overlap < 1)) {
      throw new OptionError(`overlap: expected a share from 0 to below 1, got ${overlap}`);
    }
    this.#overlap = overlap;
  }

  get counters(): Readonly<BinCounters> {
    return this.#frames.counters;
  }

  push(chunk: EventChunk): void {
    this.#frames.counters.events += chunk.t.length;
    if (chunk.t.length > 0) this.#chunks.push(chunk);
  }

  end(emit: (frame: Frame) => void): void {
    const chunks = this.#chunks;
    this.#chunks = [];
    const start = chunks[0];
    const end = chunks.at(-1);
    if (start === undefined || end === undefined) return;
    const first = start.origin + start.t[0]!;
    const last = end.origin + end.t.at(-1)!;
    const step = 1 - this.#overlap;
    const parts = 1 + (this.#bins - 1) * step;
    /** The first whole microsecond of part `p` of the span. */
    const edge = (p: number): number => first + Math.ceil((p * (last - first)) / parts);
    for (let number = 0; number < this.#bins; number++) {
      const isLast = number === this.#bins - 1;
      // Without overlap step is 1, so that a bin's end is the next one's start.
      const start = edge(number * step);
      const end = isLast ? last : edge(number * step + 1);
      const bin = this.#frames.open(start, end, end - start);
      for (const chunk of chunks) {
        const from = firstEventFrom(chunk.t, bin.startMicros - chunk.origin);
        const to = isLast ? chunk.t.length : firstEventFrom(chunk.t, bin.endMicros - chunk.origin, from);
        this.#frames.count(bin, chunk, from, to);
      }
      emit(this.#frames.close(bin));
    }
  }
}

/** Cuts the events of one recording into `bins` frames over its whole length, at its end. */
export function binByCount(options: BinByCountOptions): OperatorFunction<EventChunk, Frame> {
  return stage(() => new BinByCount(options));
}
