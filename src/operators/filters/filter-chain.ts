import type { EventChunk, SensorSize } from '../../events.ts';
import { type FilterCounters, type FilterStage, filterCounters } from './filter-stage.ts';

/** A filter with its options, ready for a stream. */
export interface EventFilter {
  readonly name: string;
  /** How it was asked for: `crop:x=10,y=10,width=64,height=64`. */
  readonly text: string;
  /** Sensor of what comes out, of events from `sensor`; undefined only where that is unknown and stays so. */
  sensorAfter(sensor: SensorSize | undefined): SensorSize | undefined;
  /** A stage for one stream; throws an OptionError where an option does not fit the sensor, or the sensor is needed. */
  create(sensor: SensorSize | undefined): FilterStage;
}

/** Filters one after the other as one stage. */
export class FilterChain implements FilterStage {
  /** Sensor of what comes out, where it is known. */
  readonly sensor: SensorSize | undefined;
  /** The stages with the texts that asked for them, in order: their counters say what each did. */
  readonly steps: readonly { readonly text: string; readonly stage: FilterStage }[];
  readonly #own = filterCounters();

  /** @param sensor sensor of what comes in, where it is known */
  constructor(filters: readonly EventFilter[], sensor: SensorSize | undefined) {
    let current = sensor;
    this.steps = filters.map((filter) => {
      const stage = filter.create(current);
      current = filter.sensorAfter(current);
      return { text: filter.text, stage };
    });
    this.sensor = current;
  }

  /** What came into the first filter and out of the last, and what all of them found outside. */
  get counters(): Readonly<FilterCounters> {
    const outside = this.steps.reduce((sum, { stage }) => sum + stage.counters.outside, 0);
    return { ...this.#own, outside };
  }

  push(chunk: EventChunk, emit: (chunk: EventChunk) => void): void {
    this.#own.in += chunk.t.length;
    this.#pushTo(0, chunk, emit);
  }

  end(emit: (chunk: EventChunk) => void): void {
    this.steps.forEach(({ stage }, i) => {
      stage.end((chunk) => this.#pushTo(i + 1, chunk, emit));
    });
  }

  #pushTo(step: number, chunk: EventChunk, emit: (chunk: EventChunk) => void): void {
    const next = this.steps[step];
    if (next === undefined) {
      this.#own.out += chunk.t.length;
      emit(chunk);
      return;
    }
    next.stage.push(chunk, (given) => this.#pushTo(step + 1, given, emit));
  }
}
