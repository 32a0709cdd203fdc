import type { OperatorFunction } from 'rxjs';
import { InputError, OptionError } from '../errors.ts';
import type { EventChunk, Frame, Stage } from '../events.ts';
import { type BinCounters, BinFrames, type BinOptions } from './bin-frames.ts';
import { firstEventFrom } from './first-event-from.ts';
import type { OpenBin } from './representations/painter.ts';
import { stage } from './stage.ts';
import { wholeNumber } from './whole-number.ts';

export interface BinByTimeOptions extends BinOptions {
  /** Length of a bin in microseconds, at least 1; fractions do not add up: bin i starts at first + i * stride. */
  readonly windowMicros: number;
  /** From one bin's start to the next one's, up to `windowMicros`, which is the default; less lets bins overlap. */
  readonly strideMicros?: number;
  /**
   * The last events rarely fill a bin. `keep` (default) gives the first incomplete bin, which holds all of them;
   * `drop` leaves it out and counts the events that are in no other bin.
   */
  readonly tail?: 'keep' | 'drop';
  /** Longest silence in empty bins, default 100,000: one wrong time must not become hours of frames. */
  readonly maxEmptyBins?: number;
  /** A longer silence throws (`error`, the default), or the rest of its bins is left out and counted (`skip`). */
  readonly silence?: 'error' | 'skip';
  /** Where the first bin starts, in microseconds; no event comes before. Default: the first event. */
  readonly firstMicros?: number;
}

/**
 * Cuts time into bins of one length, from the first event on. A bin is given when an event at or after its end has
 * come; silence gives empty frames. One push gives all bins that its chunk ends: where bins are short beside a chunk
 * and the consumer is slow, push slices of chunks.
 */
export class BinByTime implements Stage<EventChunk, Frame> {
  readonly #frames: BinFrames;
  readonly #window: number;
  readonly #stride: number;
  readonly #tail: 'keep' | 'drop';
  readonly #maxEmptyBins: number;
  readonly #silence: 'error' | 'skip';
  /** Bins that have begun and not ended, in order. */
  #open: OpenBin[] = [];
  /** Start of the first bin in microseconds. */
  #first: number | undefined;
  /** Number of the bin to be opened next. */
  #next = 0;
  /** Events since the end of the last bin that was given. */
  #uncovered = 0;

  constructor(options: BinByTimeOptions) {
    const { windowMicros, strideMicros = windowMicros, maxEmptyBins = 100_000 } = options;
    if (!(windowMicros >= 1 && windowMicros < 2 ** 53)) {
      throw new OptionError(`windowMicros: expected at least 1, got ${windowMicros}`);
    }
    if (!(strideMicros >= 1 && strideMicros <= windowMicros)) {
      throw new OptionError(
        `strideMicros: expected 1 to the window's ${windowMicros}, so that no event falls between bins; got ${strideMicros}`,
      );
    }
    this.#frames = new BinFrames(options);
    this.#window = windowMicros;
    this.#stride = strideMicros;
    this.#tail = options.tail ?? 'keep';
    this.#maxEmptyBins = wholeNumber('maxEmptyBins', maxEmptyBins, 0);
    this.#silence = options.silence ?? 'error';
    this.#first = options.firstMicros;
  }

  get counters(): Readonly<BinCounters> {
    return this.#frames.counters;
  }

  push(chunk: EventChunk, emit: (frame: Frame) => void): void {
    const { t, origin } = chunk;
    if (t.length === 0) return;
    this.#frames.counters.events += t.length;
    this.#uncovered += t.length;
    this.#first ??= origin + t[0]!;
    const open = this.#open;
    this.#open = [];
    for (const bin of open) this.#fill(bin, chunk, emit);
    const last = origin + t.at(-1)!;
    while (this.#start(this.#next) <= last) {
      const tooMany = this.#emptyBinsBefore(chunk) - this.#maxEmptyBins;
      if (tooMany > 0 && this.#silence === 'error') this.#refuse(this.#maxEmptyBins + tooMany);
      if (tooMany > 0) {
        for (let empty = 0; empty < this.#maxEmptyBins; empty++) this.#fill(this.#openNext(), chunk, emit);
        this.#next += tooMany;
        this.#frames.counters.skippedBins += tooMany;
      }
      this.#fill(this.#openNext(), chunk, emit);
    }
  }

  end(emit: (frame: Frame) => void): void {
    const rest = this.#open[0];
    this.#open = [];
    if (rest === undefined) return;
    if (this.#tail === 'keep') emit(this.#frames.close(rest));
    else this.#frames.counters.tail += this.#uncovered;
  }

  /** Start of the next bin that will be given, in microseconds; undefined before the first event. */
  get nextStartMicros(): number | undefined {
    return this.#first === undefined ? undefined : this.#start(this.#next - this.#open.length);
  }

  /** End of the bin that will be given after `ahead` others, in microseconds; undefined before the first event. */
  endMicrosOf(ahead: number): number | undefined {
    return this.#first === undefined ? undefined : this.#end(this.#next - this.#open.length + ahead);
  }

  /**
   * Closes the bins that end at or before `micros`, the end of a bin, without waiting for an event behind them. The
   * caller sees to it that no event before `micros` follows.
   */
  advance(micros: number, emit: (frame: Frame) => void): void {
    if (this.#first === undefined) return;
    while (this.#start(this.#next) < micros) this.#open.push(this.#openNext());
    const still = this.#open.findIndex((bin) => bin.endMicros > micros);
    const closed = this.#open.splice(0, still < 0 ? this.#open.length : still);
    if (closed.length > 0) this.#uncovered = 0;
    for (const bin of closed) emit(this.#frames.close(bin));
  }

  /** Counts the chunk's events of a bin; gives the bin's frame if it has ended, else keeps the bin open. */
  #fill(bin: OpenBin, chunk: EventChunk, emit: (frame: Frame) => void): void {
    const from = firstEventFrom(chunk.t, bin.startMicros - chunk.origin);
    const to = firstEventFrom(chunk.t, bin.endMicros - chunk.origin, from);
    this.#frames.count(bin, chunk, from, to);
    if (to === chunk.t.length) {
      this.#open.push(bin);
      return;
    }
    this.#uncovered = chunk.t.length - to;
    emit(this.#frames.close(bin));
  }

  #openNext(): OpenBin {
    const number = this.#next++;
    return this.#frames.open(this.#start(number), this.#end(number), this.#window);
  }

  #start(number: number): number {
    return this.#first! + number * this.#stride;
  }

  /** Without overlap exactly the next bin's start, whatever the rounding of fractions. */
  #end(number: number): number {
    return this.#stride === this.#window ? this.#start(number + 1) : this.#start(number) + this.#window;
  }

  /** How many bins from the next one on end before the next event of the chunk. */
  #emptyBinsBefore({ t, origin }: EventChunk): number {
    const time = origin + t[firstEventFrom(t, this.#start(this.#next) - origin)]!;
    let empty = Math.max(0, Math.floor((time - this.#end(this.#next)) / this.#stride) + 1);
    while (empty > 0 && this.#end(this.#next + empty - 1) > time) empty--;
    return empty;
  }

  #refuse(empty: number): never {
    const seconds = ((empty * this.#stride) / 1e6).toFixed(1);
    throw new InputError(
      `binning: expected at most ${this.#maxEmptyBins} empty bins in a row, found ${seconds} s without events (${empty} bins) from ${this.#start(this.#next)} us on: is a time wrong?`,
    );
  }
}

/** Cuts events into frames of `windowMicros` each, which may overlap, from the first event on. */
export function binByTime(options: BinByTimeOptions): OperatorFunction<EventChunk, Frame> {
  return stage(() => new BinByTime(options));
}
