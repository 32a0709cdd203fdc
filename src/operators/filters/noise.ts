import type { OperatorFunction } from 'rxjs';
import { InputError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import { RandomStream } from '../../random.ts';
import { numberWithin } from '../number-within.ts';
import { stage } from '../stage.ts';
import { ChunkWriter } from './chunk-writer.ts';
import {
  type FilterCounters,
  type FilterStage,
  filterCounters,
  pixelsOf,
  type SeedOptions,
  type SensorOptions,
} from './filter-stage.ts';

export interface NoiseOptions extends SensorOptions, SeedOptions {
  /** Noise events of a pixel in a second, on average. */
  readonly rate: number;
}

/** Most noise events between two events of the stream: one wrong time must not become hours of noise. */
const MAX_NOISE = 10_000_000;

/**
 * Adds background activity: a Poisson process over the sensor from the first event to the last. The time from one noise
 * event to the next is -ln(1 - u) / (rate x pixels), its place and polarity are uniform; of events at one time the noise
 * comes first. Noise event k takes the random words 4k to 4k + 3.
 */
export class Noise implements FilterStage {
  readonly counters: FilterCounters = filterCounters();
  readonly #sensor: SensorSize;
  readonly #random: RandomStream;
  /** Mean time between noise events in microseconds. */
  readonly #gap: number;
  readonly #writer = new ChunkWriter();
  #first = 0;
  #last: number | undefined;
  /** Number of the noise event that comes next, and its time after the first event in microseconds, exact and whole. */
  #number = 0;
  #exact = 0;
  #next = 0;

  constructor({ sensor, rate, seed = 0 }: NoiseOptions) {
    this.#sensor = sensor;
    this.#random = new RandomStream(seed, 'filter/noise');
    this.#gap = 1e6 / (numberWithin('noise rate', rate, 0, 1e6) * pixelsOf(sensor));
  }

  push(chunk: EventChunk, emit: (chunk: EventChunk) => void): void {
    const { origin, t } = chunk;
    this.counters.in += t.length;
    if (t.length > 0 && this.#last === undefined) {
      this.#first = this.#last = origin + t[0]!;
      this.#draw();
    }
    if (t.length === 0 || this.#first + this.#next > origin + t.at(-1)!) {
      this.#last = t.length === 0 ? this.#last : origin + t.at(-1)!;
      this.counters.out += t.length;
      emit(chunk);
      return;
    }
    const give = (given: EventChunk): void => {
      this.counters.out += given.t.length;
      emit(given);
    };
    for (let i = 0; i < t.length; i++) {
      const time = origin + t[i]!;
      if (time - this.#last! > MAX_NOISE * this.#gap) this.#refuse(time);
      this.#last = time;
      while (this.#first + this.#next <= time) this.#add(give);
      this.#writer.add(time, chunk.x[i]!, chunk.y[i]!, chunk.on[i]!, give);
    }
    this.#writer.flush(give);
  }

  end(): void {}

  #add(emit: (chunk: EventChunk) => void): void {
    const { width, height } = this.#sensor;
    const index = 4 * this.#number;
    const x = this.#random.integer(index + 1, width);
    const y = this.#random.integer(index + 2, height);
    this.#writer.add(this.#first + this.#next, x, y, this.#random.integer(index + 3, 2), emit);
    this.#number++;
    this.#draw();
  }

  /** Draws the time of the next noise event. */
  #draw(): void {
    this.#exact -= Math.log(1 - this.#random.word(4 * this.#number) / 2 ** 32) * this.#gap;
    this.#next = Math.floor(this.#exact);
  }

  #refuse(time: number): never {
    const seconds = ((time - this.#last!) / 1e6).toFixed(1);
    throw new InputError(
      `noise: expected at most ${MAX_NOISE} noise events between two events, found ${seconds} s without events before ${time} us: is a time wrong?`,
    );
  }
}

/** Adds background activity. */
export function noise(options: NoiseOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new Noise(options));
}
