import type { OperatorFunction } from 'rxjs';
import { OptionError } from '../../errors.ts';
import type { EventChunk } from '../../events.ts';
import { stage } from '../stage.ts';
import { type FilterCounters, type FilterStage, filterCounters } from './filter-stage.ts';
import { retime } from './retime.ts';

export interface TimeScaleOptions {
  /** What durations are multiplied by, above 0: 2 is half as fast. */
  readonly factor: number;
  /** The time that stays: that of the first event (`first`, the default), or 0 (`zero`). */
  readonly about?: 'first' | 'zero';
}

/** Stretches time: t' = t0 + floor((t - t0) factor), t0 the first event's time or 0. */
export class TimeScale implements FilterStage {
  readonly counters: FilterCounters = filterCounters();
  readonly #factor: number;
  #start: number | undefined;

  constructor({ factor, about = 'first' }: TimeScaleOptions) {
    if (!(factor > 0 && factor < Infinity)) {
      throw new OptionError(`time scale factor: expected a number above 0, got ${factor}`);
    }
    this.#factor = factor;
    this.#start = about === 'zero' ? 0 : undefined;
  }

  push(chunk: EventChunk, emit: (chunk: EventChunk) => void): void {
    const events = chunk.t.length;
    this.counters.in += events;
    this.counters.out += events;
    if (events > 0) this.#start ??= chunk.origin + chunk.t[0]!;
    const start = this.#start ?? chunk.origin;
    const factor = this.#factor;
    // An empty chunk's origin may be before the first event; its time is at least 0 all the same.
    retime(chunk, (micros) => Math.max(0, start + Math.floor((micros - start) * factor)), emit);
  }

  end(): void {}
}

/** Stretches time. */
export function timeScale(options: TimeScaleOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new TimeScale(options));
}
