import type { OperatorFunction } from 'rxjs';
import type { EventChunk } from '../../events.ts';
import { stage } from '../stage.ts';
import { wholeNumber } from '../whole-number.ts';
import { type FilterCounters, type FilterStage, filterCounters } from './filter-stage.ts';
import { retime } from './retime.ts';

export interface DownsampleTimeOptions {
  /** Microseconds that become one instant. */
  readonly micros: number;
}

/** Makes time coarser and keeps every event and the unit: t' = floor(t / micros) micros. */
export class DownsampleTime implements FilterStage {
  readonly counters: FilterCounters = filterCounters();
  readonly #micros: number;

  constructor({ micros }: DownsampleTimeOptions) {
    this.#micros = wholeNumber('downsample time micros', micros, 1);
  }

  push(chunk: EventChunk, emit: (chunk: EventChunk) => void): void {
    const step = this.#micros;
    this.counters.in += chunk.t.length;
    this.counters.out += chunk.t.length;
    retime(chunk, (micros) => micros - (micros % step), emit);
  }

  end(): void {}
}

/** Makes time coarser and keeps every event. */
export function downsampleTime(options: DownsampleTimeOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new DownsampleTime(options));
}
