import { OptionError } from '../../errors.ts';
import { checkedTau } from './time-surface.ts';

/** Time constants after which the time that weights are of moves on: a double holds e^600, and its reciprocal. */
const FARTHEST = 600;

export interface SurfaceMemoryOptions {
  /** How far back events are seen, in microseconds, at least 0. */
  readonly windowMicros: number;
  /** Time constant in microseconds, above 0. */
  readonly tauMicros: number;
  /** Weight of an event d ago: exp(-d / tau) (`exponential`, the default), or max(0, 1 - d / (3 tau)) (`linear`). */
  readonly decay?: 'exponential' | 'linear';
}

/**
 * The summed weights of each place's events within a window. A place keeps one sum, which events that leave the window
 * are taken from, so that an event costs the same however many there are: exponential, exp((t - T) / tau) of each with a
 * time T that moves on now and then, so that one factor makes weights of all sums; linear, the events' times. Only the
 * queue of the events in the window grows with their rate. Times are whole microseconds.
 */
export class SurfaceMemory {
  /** Most events within a window. */
  readonly limit: number;
  readonly #window: number;
  readonly #tau: number;
  readonly #linear: boolean;
  readonly #sums: Float64Array;
  readonly #counts: Uint32Array;
  /** Exponential sums are of weights at this time, which is behind the present by at most `#farthest`. */
  #reference = 0;
  readonly #farthest: number;
  /** Places and times of the events in the window: a ring. */
  #places = new Int32Array(1024);
  #queue = new Float64Array(1024);
  #head = 0;
  #length = 0;

  constructor(
    places: number,
    { windowMicros, tauMicros, decay = 'exponential' }: SurfaceMemoryOptions,
    limit: number = 2 ** 24,
  ) {
    this.limit = limit;
    if (!(windowMicros >= 0)) {
      throw new OptionError(`windowMicros: expected a number of at least 0, got ${windowMicros}`);
    }
    this.#tau = checkedTau(tauMicros);
    this.#linear = decay === 'linear';
    this.#window = this.#linear ? Math.min(windowMicros, 3 * tauMicros) : windowMicros;
    this.#sums = new Float64Array(places);
    this.#farthest = FARTHEST * tauMicros;
    this.#counts = new Uint32Array(places);
  }

  /** Goes on to a time: takes out the events that are longer ago than the window. */
  forget(micros: number): void {
    const mask = this.#queue.length - 1;
    while (this.#length > 0 && this.#queue[this.#head]! < micros - this.#window) {
      const place = this.#places[this.#head]!;
      const time = this.#queue[this.#head]!;
      this.#head = (this.#head + 1) & mask;
      this.#length--;
      const left = --this.#counts[place]!;
      // A place without events holds exactly nothing, whatever was rounded.
      if (left === 0) this.#sums[place] = 0;
      else this.#sums[place]! -= this.#linear ? time : Math.exp((time - this.#reference) / this.#tau);
    }
    if (!this.#linear && micros - this.#reference > this.#farthest) this.#moveReference(micros);
  }

  /** Sum of the weights of a place's events, at the time of the last `forget`. */
  weight(place: number, micros: number): number {
    const count = this.#counts[place]!;
    if (count === 0) return 0;
    const sum = this.#sums[place]!;
    return this.#linear ? count - (count * micros - sum) / (3 * this.#tau) : sum * this.#weightOf(micros);
  }

  /**
   * Adds the weights of places from `place` on, `step` apart, to `out` from `at` on, as far apart.
   * @param micros time of the last `forget`
   */
  addWeights(
    place: number,
    step: number,
    count: number,
    micros: number,
    out: Float64Array,
    at: number,
  ): void {
    const end = place + step * count;
    if (this.#linear) {
      for (let from = place, to = at; from < end; from += step, to += step)
        out[to]! += this.weight(from, micros);
      return;
    }
    const factor = this.#weightOf(micros);
    const sums = this.#sums;
    for (let from = place, to = at; from < end; from += step, to += step) out[to]! += sums[from]! * factor;
  }

  /** Adds an event at the time of the last `forget`; false where the window holds too many. */
  remember(place: number, micros: number): boolean {
    if (this.#length === this.limit) return false;
    if (this.#length === this.#queue.length) this.#grow();
    const at = (this.#head + this.#length++) & (this.#queue.length - 1);
    this.#queue[at] = micros;
    this.#places[at] = place;
    this.#counts[place]!++;
    this.#sums[place]! += this.#linear ? micros : Math.exp((micros - this.#reference) / this.#tau);
    return true;
  }

  /** What turns a sum into a weight at a time. */
  #weightOf(micros: number): number {
    return Math.exp((this.#reference - micros) / this.#tau);
  }

  #moveReference(micros: number): void {
    const factor = this.#weightOf(micros);
    const sums = this.#sums;
    for (let i = 0; i < sums.length; i++) sums[i]! *= factor;
    this.#reference = micros;
  }

  #grow(): void {
    const size = this.#queue.length;
    const queue = new Float64Array(2 * size);
    const places = new Int32Array(2 * size);
    for (let i = 0; i < size; i++) {
      queue[i] = this.#queue[(this.#head + i) & (size - 1)]!;
      places[i] = this.#places[(this.#head + i) & (size - 1)]!;
    }
    this.#queue = queue;
    this.#places = places;
    this.#head = 0;
  }
}
