import type { OperatorFunction } from 'rxjs';
import { InputError } from '../../errors.ts';
import { type EventChunk, sliceChunk } from '../../events.ts';
import { RandomStream } from '../../random.ts';
import { numberWithin } from '../number-within.ts';
import { stage } from '../stage.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { type FilterCounters, type FilterStage, filterCounters, type SeedOptions } from './filter-stage.ts';
import { RoundedNormals } from './rounded-normals.ts';
import { sortedOrder } from './sorted-order.ts';

export interface JitterTimeOptions extends SeedOptions {
  /** Standard deviation in microseconds; what is drawn is held within four of them. */
  readonly deviationMicros: number;
}

/** Most events that wait: those of two times four deviations. */
const MAX_HELD = 2 ** 24;
/** Events sorted at once. */
const BLOCK = 2 ** 16;

/**
 * Moves each event's time by a normal deviate, rounded to the nearest microsecond and never below 0, and puts the events
 * in order again: those at one time stay in the order they came. Event i takes the i-th normal deviate, pairs of which
 * are made of two random words. Events wait until none that is still to come can be before them, four deviations.
 */
export class JitterTime implements FilterStage {
  readonly counters: FilterCounters = filterCounters();
  readonly #reach: number;
  readonly #normals: RoundedNormals;
  readonly #writer = new ChunkWriter();
  /** Events that wait, in order. */
  #held: EventChunk[] = [];
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
      this.#add(sliceChunk(chunk, start, Math.min(start + BLOCK, chunk.t.length)), this.#counted(emit));
    }
  }

  end(emit: (chunk: EventChunk) => void): void {
    for (const held of this.#held) this.#counted(emit)(held);
    this.#held = [];
  }

  #counted(emit: (chunk: EventChunk) => void): (chunk: EventChunk) => void {
    return (chunk) => {
      this.counters.out += chunk.t.length;
      emit(chunk);
    };
  }

  /** Merges the block, sorted by its new times, with the events that wait; gives what is settled. */
  #add(block: EventChunk, emit: (chunk: EventChunk) => void): void {
    const { origin, t, x, y, on } = block;
    const { length } = t;
    const times = this.#moved(block);
    const order = sortedOrder(times);
    const base = origin - this.#reach;
    const settled = origin + t[length - 1]! - this.#reach;
    const waits: EventChunk[] = [];
    const hold = (chunk: EventChunk): void => {
      waits.push(chunk);
    };
    let give = emit;
    let held = 0;
    const put = (micros: number, column: number, row: number, polarity: number): void => {
      if (give === emit && micros > settled) {
        this.#writer.flush(emit);
        give = hold;
      }
      if (give === hold) held++;
      this.#writer.add(micros, column, row, polarity, give);
    };
    let next = 0;
    for (const before of this.#held) {
      for (let i = 0; i < before.t.length; i++) {
        const time = before.origin + before.t[i]!;
        for (; next < length; next++) {
          const from = order[next]!;
          if (base + times[from]! >= time) break;
          put(base + times[from]!, x[from]!, y[from]!, on[from]!);
        }
        put(time, before.x[i]!, before.y[i]!, before.on[i]!);
      }
    }
    for (; next < length; next++) {
      const from = order[next]!;
      put(base + times[from]!, x[from]!, y[from]!, on[from]!);
    }
    this.#writer.flush(give);
    this.#held = waits;
    this.#seen += length;
    this.counters.in += length;
    if (held > MAX_HELD) {
      throw new InputError(
        `jitter time: expected at most ${MAX_HELD} events within ${2 * this.#reach} us, found ${held}: use a smaller deviation`,
      );
    }
  }

  /** The new time of each event of the block, in microseconds after its origin less the reach. */
  #moved({ origin, t }: EventChunk): Float64Array {
    const times = new Float64Array(t.length);
    const reach = this.#reach;
    const lowest = reach - origin;
    // Two events share a pair, and one may have been in the block before.
    const second = this.#seen % 2;
    const moves = this.#normals.draw((this.#seen - second) / 2, (t.length + second + 1) >> 1);
    for (let i = 0; i < t.length; i++) {
      const bounded = Math.min(Math.max(moves[i + second]!, -reach), reach);
      times[i] = Math.max(t[i]! + reach + bounded, lowest);
    }
    return times;
  }
}

/** Moves each event's time by a normal deviate and puts the events in order again. */
export function jitterTime(options: JitterTimeOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new JitterTime(options));
}
