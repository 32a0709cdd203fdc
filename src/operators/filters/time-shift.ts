import type { OperatorFunction } from 'rxjs';
import { OptionError } from '../../errors.ts';
import type { EventChunk } from '../../events.ts';
import { firstEventFrom } from '../first-event-from.ts';
import { stage } from '../stage.ts';
import { ChunkMapping } from './chunk-mapping.ts';

export interface TimeShiftOptions {
  /** Microseconds to add to every time; may be negative. */
  readonly micros?: number;
  /** Instead: the time in microseconds that the first event gets, 0 or later. */
  readonly startMicros?: number;
}

/**
 * Moves all events in time: t' = t + shift. Only the chunks' origin changes. Events that would be before time 0 are left
 * out and counted as outside.
 */
export class TimeShift extends ChunkMapping {
  readonly #start: number | undefined;
  #shift: number | undefined;

  constructor({ micros, startMicros }: TimeShiftOptions) {
    super();
    if ((micros === undefined) === (startMicros === undefined)) {
      throw new OptionError('time shift: expected either micros or startMicros');
    }
    const value = micros ?? startMicros;
    if (!Number.isSafeInteger(value) || (startMicros ?? 0) < 0) {
      throw new OptionError(`time shift: expected a whole number of microseconds, got ${value}`);
    }
    this.#shift = micros;
    this.#start = startMicros;
  }

  protected map(chunk: EventChunk): EventChunk {
    const { t, x, y, on } = chunk;
    if (this.#shift === undefined) {
      if (t.length === 0) return chunk;
      this.#shift = this.#start! - (chunk.origin + t[0]!);
    }
    const origin = chunk.origin + this.#shift;
    if (origin >= 0) return { ...chunk, origin };
    const first = firstEventFrom(t, -origin);
    this.counters.outside += first;
    return {
      origin: 0,
      t: t.subarray(first).map((micros) => micros + origin),
      x: x.subarray(first),
      y: y.subarray(first),
      on: on.subarray(first),
    };
  }
}

/** Moves all events in time. */
export function timeShift(options: TimeShiftOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new TimeShift(options));
}
