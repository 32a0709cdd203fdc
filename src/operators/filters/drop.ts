import type { OperatorFunction } from 'rxjs';
import type { EventChunk, SensorSize } from '../../events.ts';
import { RandomStream } from '../../random.ts';
import { numberWithin } from '../number-within.ts';
import { stage } from '../stage.ts';
import { wholeNumber } from '../whole-number.ts';
import { within } from './crop.ts';
import { pixelsOf, type SeedOptions, type SensorOptions } from './filter-stage.ts';
import { Selection } from './selection.ts';

/** The three ways of Gu et al., "EventDrop: data augmentation for event-based learning", IJCAI 2021. */

export interface DropOptions extends SeedOptions {
  /** Chance of each event to go, from 0 to 1. */
  readonly probability: number;
}

/** Leaves events out by chance: event i goes where uniform(i) < probability. */
export class Drop extends Selection {
  /** Of the 2^24 numbers that uniform may give, how many drop an event. */
  readonly #limit: number;
  readonly #random: RandomStream;
  #seen = 0;

  constructor({ probability, seed = 0 }: DropOptions) {
    super();
    this.#limit = Math.ceil(numberWithin('drop probability', probability, 0, 1) * 2 ** 24);
    this.#random = new RandomStream(seed, 'filter/drop');
  }

  protected select({ t }: EventChunk, picks: Uint32Array): number {
    const random = this.#random;
    const limit = this.#limit;
    const seen = this.#seen;
    let kept = 0;
    for (let i = 0; i < t.length; i++) {
      picks[kept] = i;
      // uniform >= probability, without a branch.
      kept += (limit - 1 - (random.word(seen + i) >>> 8)) >>> 31;
    }
    this.#seen = seen + t.length;
    return kept;
  }
}

/** Leaves events out by chance. */
export function drop(options: DropOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new Drop(options));
}

export interface DropTimeOptions extends SeedOptions {
  /** Share of every period that goes, from 0 to 1. */
  readonly ratio: number;
  /** Length of a period in microseconds; a recording's whole length gives one gap in it. */
  readonly periodMicros: number;
}

/**
 * Leaves out all events of a stretch of time in every period, which are counted from the first event: in period k from
 * uniform(k) (1 - ratio) period on, ratio x period long.
 */
export class DropTime extends Selection {
  readonly #ratio: number;
  readonly #period: number;
  readonly #random: RandomStream;
  #first: number | undefined;
  /** Where the gap of the period at hand begins and ends, and where the period ends. */
  #gapStart = 0;
  #gapEnd = 0;
  #end = -Infinity;

  constructor({ ratio, periodMicros, seed = 0 }: DropTimeOptions) {
    super();
    this.#ratio = numberWithin('drop time ratio', ratio, 0, 1);
    this.#period = wholeNumber('drop time periodMicros', periodMicros, 1);
    this.#random = new RandomStream(seed, 'filter/drop-time');
  }

  protected select({ origin, t }: EventChunk, picks: Uint32Array): number {
    let kept = 0;
    for (let i = 0; i < t.length; i++) {
      const time = origin + t[i]!;
      if (time >= this.#end) this.#advance(time);
      picks[kept] = i;
      if (time < this.#gapStart || time >= this.#gapEnd) kept++;
    }
    return kept;
  }

  #advance(time: number): void {
    this.#first ??= time;
    const number = Math.floor((time - this.#first) / this.#period);
    const start = this.#first + number * this.#period;
    const gap = this.#ratio * this.#period;
    this.#gapStart = start + this.#random.uniform(number) * (this.#period - gap);
    this.#gapEnd = this.#gapStart + gap;
    this.#end = start + this.#period;
  }
}

/** Leaves out a stretch of every period. */
export function dropTime(options: DropTimeOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new DropTime(options));
}

export interface DropAreaOptions extends SensorOptions, SeedOptions {
  /** Share of the sensor's width, and of its height, that goes: 0.2 is 4 % of its area. From 0 to 1. */
  readonly ratio: number;
}

/** Leaves out the events of one rectangle, of floor(ratio W) x floor(ratio H) pixels, put on the sensor by chance. */
export class DropArea extends Selection {
  readonly #sensor: SensorSize;
  readonly #x: number;
  readonly #y: number;
  readonly #size: SensorSize;

  constructor({ sensor, ratio, seed = 0 }: DropAreaOptions) {
    super();
    pixelsOf(sensor);
    numberWithin('drop area ratio', ratio, 0, 1);
    const random = new RandomStream(seed, 'filter/drop-area');
    const size = { width: Math.floor(sensor.width * ratio), height: Math.floor(sensor.height * ratio) };
    this.#sensor = sensor;
    this.#size = size;
    this.#x = random.integer(0, sensor.width - size.width + 1);
    this.#y = random.integer(1, sensor.height - size.height + 1);
  }

  protected select({ x, y }: EventChunk, picks: Uint32Array): number {
    const { width, height } = this.#size;
    const sensor = this.#sensor;
    const left = this.#x;
    const top = this.#y;
    let kept = 0;
    for (let i = 0; i < x.length; i++) {
      const column = x[i]!;
      const row = y[i]!;
      if (column >= sensor.width || row >= sensor.height) {
        this.counters.outside++;
        continue;
      }
      picks[kept] = i;
      kept += (within(column - left, width) & within(row - top, height)) ^ 1;
    }
    return kept;
  }
}

/** Leaves out the events of one rectangle. */
export function dropArea(options: DropAreaOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new DropArea(options));
}
