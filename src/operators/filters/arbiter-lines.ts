import type { OperatorFunction } from 'rxjs';
import { type EventChunk, sliceChunk } from '../../events.ts';
import { numberWithin } from '../number-within.ts';
import { stage } from '../stage.ts';
import { type FilterCounters, type FilterStage, filterCounters, type SensorOptions } from './filter-stage.ts';
import { pick } from './selection.ts';

export interface ArbiterLinesOptions extends SensorOptions {
  /** Most of a line that may come at a stretch, as a share of its pixels, from 0 to 1. */
  readonly ratio: number;
  /** Whether the sensor's arbiter reads `row` (default) or `column` by `column`. */
  readonly lines?: 'row' | 'column';
}

/**
 * Removes what a saturated arbiter makes: whole lines of events at once. A run of events of one line, one directly after
 * the other in the stream, goes where it is longer than round(ratio x pixels of a line). A run waits for its end, so
 * that no more events are held than may stay.
 */
export class ArbiterLines implements FilterStage {
  readonly counters: FilterCounters = filterCounters();
  readonly #column: 'x' | 'y';
  readonly #limit: number;
  #picks = new Uint32Array(0);
  /** The line of the run that has not ended, how long the run is, and its events while they may still stay. */
  #line = -1;
  #length = 0;
  #held: EventChunk[] = [];

  constructor({ sensor, ratio, lines = 'row' }: ArbiterLinesOptions) {
    numberWithin('arbiter lines ratio', ratio, 0, 1);
    this.#column = lines === 'row' ? 'y' : 'x';
    this.#limit = Math.round((lines === 'row' ? sensor.width : sensor.height) * ratio);
  }

  push(chunk: EventChunk, emit: (chunk: EventChunk) => void): void {
    const place = chunk[this.#column];
    const { length } = place;
    this.counters.in += length;
    if (this.#picks.length < length) this.#picks = new Uint32Array(length);
    let kept = 0;
    for (let start = 0; start < length; ) {
      const line = place[start]!;
      let end = start + 1;
      while (end < length && place[end] === line) end++;
      if (line !== this.#line) {
        this.#release(emit);
        this.#line = line;
        this.#length = 0;
      }
      this.#length += end - start;
      if (this.#length > this.#limit) this.#held = [];
      else if (end === length) this.#held.push(sliceChunk(chunk, start, end));
      else {
        this.#release(emit);
        for (let i = start; i < end; i++) this.#picks[kept++] = i;
      }
      start = end;
    }
    this.counters.out += kept;
    emit(pick(chunk, this.#picks, kept));
  }

  end(emit: (chunk: EventChunk) => void): void {
    this.#release(emit);
    this.#line = -1;
  }

  #release(emit: (chunk: EventChunk) => void): void {
    if (this.#held.length === 0) return;
    for (const held of this.#held) {
      this.counters.out += held.t.length;
      emit(held);
    }
    this.#held = [];
  }
}

/** Removes runs of events that fill too much of a line. */
export function arbiterLines(options: ArbiterLinesOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new ArbiterLines(options));
}
