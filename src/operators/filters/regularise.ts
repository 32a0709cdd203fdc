import type { OperatorFunction } from 'rxjs';
import { InputError, OptionError } from '../../errors.ts';
import { allocateChunk, type EventChunk, sliceChunk } from '../../events.ts';
import { firstEventFrom } from '../first-event-from.ts';
import { stage } from '../stage.ts';
import { wholeNumber } from '../whole-number.ts';
import { type FilterCounters, type FilterStage, filterCounters } from './filter-stage.ts';

export interface RegulariseOptions {
  /** Length of a period in microseconds, from 1 to 2^31; fractions do not add up. */
  readonly micros: number;
  /** Longest silence in empty chunks, default 100,000: one wrong time must not become hours of chunks. */
  readonly maxEmptyChunks?: number;
}

/** Most events of one period: a chunk is held until its period is over. */
const MAX_EVENTS = 2 ** 26;

/**
 * Gives one chunk for each period of time, counted from the first event, empty where nothing happened: period i goes
 * from round(first + i micros) to before round(first + (i + 1) micros). A chunk that is empty or made of several has its
 * period's start as origin; one that is part of a chunk that came in is a view of it. The last period is given at the
 * end.
 */
export class Regularise implements FilterStage {
  readonly counters: FilterCounters = filterCounters();
  readonly #micros: number;
  readonly #maxEmpty: number;
  #first: number | undefined;
  #number = 0;
  /** Events of the period at hand. */
  #parts: EventChunk[] = [];
  #length = 0;

  constructor({ micros, maxEmptyChunks = 100_000 }: RegulariseOptions) {
    if (!(micros >= 1 && micros <= 2 ** 31)) {
      throw new OptionError(`regularise micros: expected a number from 1 to 2^31, got ${micros}`);
    }
    this.#micros = micros;
    this.#maxEmpty = wholeNumber('regularise maxEmptyChunks', maxEmptyChunks, 0);
  }

  push(chunk: EventChunk, emit: (chunk: EventChunk) => void): void {
    const { origin, t } = chunk;
    if (t.length === 0) return;
    this.counters.in += t.length;
    this.#first ??= origin + t[0]!;
    for (let start = 0; start < t.length; ) {
      const end = firstEventFrom(t, this.#edge(this.#number + 1) - origin, start);
      if (end > start) {
        this.#parts.push(start === 0 && end === t.length ? chunk : sliceChunk(chunk, start, end));
        this.#length += end - start;
        if (this.#length > MAX_EVENTS) this.#refuse(`${MAX_EVENTS} events in ${this.#micros} us`, 'more');
      }
      if (end === t.length) return;
      this.#close(emit);
      this.#skipTo(origin + t[end]!, emit);
      start = end;
    }
  }

  end(emit: (chunk: EventChunk) => void): void {
    if (this.#first !== undefined) this.#close(emit);
    this.#first = undefined;
  }

  #edge(number: number): number {
    return Math.round(this.#first! + number * this.#micros);
  }

  /** Gives the periods that end before `time`. */
  #skipTo(time: number, emit: (chunk: EventChunk) => void): void {
    const silent = Math.floor((time - this.#edge(this.#number)) / this.#micros);
    if (silent > this.#maxEmpty) this.#refuse(`${this.#maxEmpty} empty chunks in a row`, silent);
    while (this.#edge(this.#number + 1) <= time) this.#close(emit);
  }

  #close(emit: (chunk: EventChunk) => void): void {
    const parts = this.#parts;
    const only = parts.length === 1 ? parts[0]! : this.#join(parts);
    this.#parts = [];
    this.#length = 0;
    this.#number++;
    this.counters.out += only.t.length;
    emit(only);
  }

  #join(parts: readonly EventChunk[]): EventChunk {
    const joined = allocateChunk(this.#edge(this.#number), this.#length);
    let at = 0;
    for (const { origin, t, x, y, on } of parts) {
      const shift = origin - joined.origin;
      for (let i = 0; i < t.length; i++) joined.t[at + i] = t[i]! + shift;
      joined.x.set(x, at);
      joined.y.set(y, at);
      joined.on.set(on, at);
      at += t.length;
    }
    return joined;
  }

  #refuse(limit: string, found: number | string): never {
    throw new InputError(
      `regularise: expected at most ${limit}, found ${found} from ${this.#edge(this.#number)} us on: is a time wrong?`,
    );
  }
}

/** Gives one chunk for each period of time, empty where nothing happened. */
export function regularise(options: RegulariseOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new Regularise(options));
}
