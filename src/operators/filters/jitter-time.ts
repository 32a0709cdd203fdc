import type { OperatorFunction } from 'rxjs';
import { InputError } from '../../errors.ts';
import { allocateChunk, CHUNK_EVENTS, type EventChunk, sliceChunk } from '../../events.ts';
import { RandomStream } from '../../random.ts';
import { numberWithin } from '../number-within.ts';
import { stage } from '../stage.ts';
import { type FilterCounters, type FilterStage, filterCounters, type SeedOptions } from './filter-stage.ts';
import { RoundedNormals } from './rounded-normals.ts';
import { SortedOrder } from './sorted-order.ts';

export interface JitterTimeOptions extends SeedOptions {
  /** Standard deviation in microseconds; what is drawn is held within four of them. */
  readonly deviationMicros: number;
}

/** Most events that wait: those of two times four deviations. */
const MAX_HELD = 2 ** 24;
/** Events sorted at once. */
const BLOCK = 2 ** 16;

/** Events in order, with their times in microseconds; memory that is used again. */
interface Events {
  readonly times: Float64Array;
  readonly x: Uint16Array;
  readonly y: Uint16Array;
  readonly on: Uint8Array;
}

/**
 * Moves each event's time by a normal deviate, rounded to the nearest microsecond and never below 0, and puts the events
 * in order again: those at one time stay in the order they came. Event i takes the i-th normal deviate, pairs of which
 * are made of two random words. Events wait until none that is still to come can be before them, four deviations.
 */
export class JitterTime implements FilterStage {
  readonly counters: FilterCounters = filterCounters();
  readonly #reach: number;
  readonly #normals: RoundedNormals;
  readonly #order = new SortedOrder();
  #times = new Float64Array(0);
  #merged = eventsOf(0);
  /** Events that wait, the first `#waiting` ones. */
  #held = eventsOf(0);
  #waiting = 0;
  #seen = 0;

  constructor({ deviationMicros, seed = 0 }: JitterTimeOptions) {
    numberWithin('jitter time deviationMicros', deviationMicros, 0, 1e9);
    this.#reach = Math.ceil(4 * deviationMicros);
    this.#normals = new RoundedNormals(new RandomStream(seed, 'filter/jitter-time'), {
      first: deviationMicros,
      shared: 0,
      second: deviationMicros,
    });
  }

  push(chunk: EventChunk, emit: (chunk: EventChunk) => void): void {
    for (let start = 0; start < chunk.t.length; start += BLOCK) {
      this.#add(sliceChunk(chunk, start, Math.min(start + BLOCK, chunk.t.length)), emit);
    }
  }

  end(emit: (chunk: EventChunk) => void): void {
    this.#give(this.#held, this.#waiting, emit);
    this.#waiting = 0;
  }

  /** Merges the block, sorted by its new times, with the events that wait; gives what is settled. */
  #add(block: EventChunk, emit: (chunk: EventChunk) => void): void {
    const { length } = block.t;
    const total = this.#waiting + length;
    if (this.#times.length < length) this.#times = new Float64Array(length);
    if (this.#merged.times.length < total) this.#merged = eventsOf(2 * Math.max(total, BLOCK));
    this.#move(block);
    const order = this.#order.of(this.#times, length);
    merge(this.#held, this.#waiting, block, this.#times, order, this.#merged);
    this.#seen += length;
    this.counters.in += length;
    const settled = countUpTo(this.#merged.times, total, block.origin + block.t[length - 1]! - this.#reach);
    this.#give(this.#merged, settled, emit);
    this.#hold(settled, total);
    if (this.#waiting > MAX_HELD) {
      throw new InputError(
        `jitter time: expected at most ${MAX_HELD} events within ${2 * this.#reach} us, found ${this.#waiting}: use a smaller deviation`,
      );
    }
  }

  /** Works out the new times of the block's events, in microseconds. */
  #move({ origin, t }: EventChunk): void {
    // Two events share a pair, and one may have been in the block before.
    const second = this.#seen % 2;
    const moves = this.#normals.draw((this.#seen - second) / 2, (t.length + second + 1) >> 1);
    moveTimes(origin, t, moves.subarray(second), this.#reach, this.#times);
  }

  /** Gives the first `count` events in chunks. */
  #give(events: Events, count: number, emit: (chunk: EventChunk) => void): void {
    this.counters.out += count;
    for (let start = 0; start < count; ) {
      const origin = events.times[start]!;
      const end = countUpTo(events.times, Math.min(count, start + CHUNK_EVENTS), origin + 0xffffffff);
      const chunk = allocateChunk(origin, end - start);
      copyTimes(events.times, start, origin, chunk.t);
      chunk.x.set(events.x.subarray(start, end));
      chunk.y.set(events.y.subarray(start, end));
      chunk.on.set(events.on.subarray(start, end));
      emit(chunk);
      start = end;
    }
  }

  /** Keeps the merged events `start` to `end`. */
  #hold(start: number, end: number): void {
    this.#waiting = end - start;
    if (this.#held.times.length < this.#waiting) this.#held = eventsOf(2 * this.#waiting);
    const { times, x, y, on } = this.#merged;
    this.#held.times.set(times.subarray(start, end));
    this.#held.x.set(x.subarray(start, end));
    this.#held.y.set(y.subarray(start, end));
    this.#held.on.set(on.subarray(start, end));
  }
}

function eventsOf(count: number): Events {
  return {
    times: new Float64Array(count),
    x: new Uint16Array(count),
    y: new Uint16Array(count),
    on: new Uint8Array(count),
  };
}

/** Adds a move, held within the reach, to each time. */
function moveTimes(
  origin: number,
  t: Uint32Array,
  moves: Float64Array,
  reach: number,
  times: Float64Array,
): void {
  for (let i = 0; i < t.length; i++) {
    const bounded = Math.min(Math.max(moves[i]!, -reach), reach);
    times[i] = Math.max(origin + t[i]! + bounded, 0);
  }
}

/** Merges the events that wait with those of a block in the given order; where times are equal, who waits is first. */
function merge(
  held: Events,
  waiting: number,
  block: EventChunk,
  times: Float64Array,
  order: Uint32Array,
  out: Events,
): void {
  let before = 0;
  for (let to = 0, next = 0; to < waiting + order.length; to++) {
    if (before < waiting && (next === order.length || held.times[before]! <= times[order[next]!]!)) {
      out.times[to] = held.times[before]!;
      out.x[to] = held.x[before]!;
      out.y[to] = held.y[before]!;
      out.on[to] = held.on[before]!;
      before++;
    } else {
      const from = order[next]!;
      out.times[to] = times[from]!;
      out.x[to] = block.x[from]!;
      out.y[to] = block.y[from]!;
      out.on[to] = block.on[from]!;
      next++;
    }
  }
}

/** How many of the first `count` sorted times are at most `last`. */
function countUpTo(times: Float64Array, count: number, last: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! <= last) low = middle + 1;
    else high = middle;
  }
  return low;
}

function copyTimes(times: Float64Array, start: number, origin: number, t: Uint32Array): void {
  for (let i = 0; i < t.length; i++) t[i] = times[start + i]! - origin;
}

/** Moves each event's time by a normal deviate and puts the events in order again. */
export function jitterTime(options: JitterTimeOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new JitterTime(options));
}
