import type { OperatorFunction } from 'rxjs';
import type { EventChunk } from '../../events.ts';
import { numberWithin } from '../number-within.ts';
import { stage } from '../stage.ts';
import { wholeNumber } from '../whole-number.ts';
import { Selection } from './selection.ts';

export interface LimitRateOptions {
  /** Events that any second may have, a whole number. */
  readonly eventsPerSecond: number;
  /** Burst that passes whole, as the microseconds in which it has its share of a second; default 10,000. */
  readonly burstMicros?: number;
}

/**
 * Holds the event rate down by a bucket of tokens: it holds at most B = max(1, N burst / 1 s), an event takes one, and
 * N + 1 - B come in a second, so that no second, wherever it begins, has more than N events; a steady stream passes up to N + 1 - B. What finds the bucket empty
 * is left out; `counters` say how many.
 */
export class LimitRate extends Selection {
  readonly #capacity: number;
  /** Tokens a microsecond. */
  readonly #refill: number;
  #tokens: number;
  #time = Infinity;

  constructor({ eventsPerSecond, burstMicros = 10_000 }: LimitRateOptions) {
    super();
    wholeNumber('limit rate eventsPerSecond', eventsPerSecond, 1);
    numberWithin('limit rate burstMicros', burstMicros, 0, 1e6);
    this.#capacity = Math.max(1, (eventsPerSecond * burstMicros) / 1e6);
    this.#refill = (eventsPerSecond + 1 - this.#capacity) / 1e6;
    this.#tokens = this.#capacity;
  }

  protected select({ origin, t }: EventChunk, picks: Uint32Array): number {
    const capacity = this.#capacity;
    const refill = this.#refill;
    let tokens = this.#tokens;
    let last = Math.min(this.#time, t.length > 0 ? origin + t[0]! : Infinity);
    let kept = 0;
    for (let i = 0; i < t.length; i++) {
      const time = origin + t[i]!;
      tokens = Math.min(capacity, tokens + (time - last) * refill);
      last = time;
      // A token that is short by rounding alone is one.
      if (tokens < 1 - 1e-9) continue;
      tokens--;
      picks[kept++] = i;
    }
    this.#tokens = tokens;
    this.#time = last;
    return kept;
  }
}

/** Leaves out what goes beyond a number of events a second. */
export function limitRate(options: LimitRateOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new LimitRate(options));
}
