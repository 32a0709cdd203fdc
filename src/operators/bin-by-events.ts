import type { OperatorFunction } from 'rxjs';
import { OptionError } from '../errors.ts';
import type { EventChunk, Frame, Stage } from '../events.ts';
import { type BinCounters, BinFrames, type BinOptions } from './bin-frames.ts';
import type { OpenBin } from './representations/painter.ts';
import { stage } from './stage.ts';
import { wholeNumber } from './whole-number.ts';

export interface BinByEventsOptions extends BinOptions {
  /** Events in a bin, at least 1, before the grid leaves any out: crop first to count the events of a part. */
  readonly count: number;
  /** Events from one bin's first to the next one's, up to `count`, which is the default; less lets bins overlap. */
  readonly stride?: number;
  /**
   * `keep` (default) gives a last bin of fewer events, if any of them is in no other bin; `drop` leaves it out and
   * counts those events.
   */
  readonly tail?: 'keep' | 'drop';
}

/** Cuts a stream into bins of equally many events. A frame's time runs from its first event to 1 us after its last. */
export class BinByEvents implements Stage<EventChunk, Frame> {
  readonly #frames: BinFrames;
  readonly #count: number;
  readonly #stride: number;
  readonly #tail: 'keep' | 'drop';
  /** Bins that have begun and are not full, in order, each with the position of its first event in the stream. */
  #open: { readonly bin: OpenBin; readonly first: number }[] = [];
  /** Events that came before the chunk at hand. */
  #seen = 0;
  /** Position of the next bin's first event. */
  #next = 0;

  constructor(options: BinByEventsOptions) {
    this.#frames = new BinFrames(options);
    this.#count = wholeNumber('count', options.count, 1);
    this.#stride = wholeNumber('stride', options.stride ?? options.count, 1);
    this.#tail = options.tail ?? 'keep';
    if (this.#stride > this.#count) {
      throw new OptionError(
        `stride: expected at most the bin's ${this.#count} events, so that none falls between bins; got ${this.#stride}`,
      );
    }
  }

  get counters(): Readonly<BinCounters> {
    return this.#frames.counters;
  }

  push(chunk: EventChunk, emit: (frame: Frame) => void): void {
    const { t, origin } = chunk;
    this.#frames.counters.events += t.length;
    const seen = this.#seen + t.length;
    for (; this.#next < seen; this.#next += this.#stride) {
      const startMicros = origin + t[this.#next - this.#seen]!;
      this.#open.push({ bin: this.#frames.open(startMicros, startMicros), first: this.#next });
    }
    let full = 0;
    for (const { bin, first } of this.#open) {
      const from = Math.max(0, first - this.#seen);
      const to = Math.min(t.length, first + this.#count - this.#seen);
      this.#frames.count(bin, chunk, from, to);
      if (to > from) bin.endMicros = origin + t[to - 1]! + 1;
      if (first + this.#count > seen) continue;
      emit(this.#frames.close(bin));
      full++;
    }
    this.#open.splice(0, full);
    this.#seen = seen;
  }

  end(emit: (frame: Frame) => void): void {
    const rest = this.#open[0];
    this.#open = [];
    if (rest === undefined) return;
    const covered = rest.first === 0 ? 0 : rest.first - this.#stride + this.#count;
    if (covered >= this.#seen) return;
    if (this.#tail === 'keep') emit(this.#frames.close(rest.bin));
    else this.#frames.counters.tail += this.#seen - covered;
  }
}

/** Cuts events into frames of `count` events each, which may overlap. */
export function binByEvents(options: BinByEventsOptions): OperatorFunction<EventChunk, Frame> {
  return stage(() => new BinByEvents(options));
}
