import type { OperatorFunction } from 'rxjs';
import type { EventChunk, SensorSize } from '../../events.ts';
import { stage } from '../stage.ts';
import { wholeNumber } from '../whole-number.ts';
import { pixelsOf, type SensorOptions } from './filter-stage.ts';
import { Selection } from './selection.ts';

export interface DecimateOptions extends SensorOptions {
  /** One event of so many stays. */
  readonly count: number;
}

/** Keeps the last of each `count` events of every pixel, whatever their polarity. */
export class Decimate extends Selection {
  readonly #sensor: SensorSize;
  readonly #count: number;
  readonly #seen: Uint32Array;

  constructor({ sensor, count }: DecimateOptions) {
    super();
    this.#sensor = sensor;
    this.#count = wholeNumber('decimate count', count, 1);
    this.#seen = new Uint32Array(pixelsOf(sensor));
  }

  protected select({ x, y }: EventChunk, picks: Uint32Array): number {
    const { width, height } = this.#sensor;
    const seen = this.#seen;
    const count = this.#count;
    let kept = 0;
    for (let i = 0; i < x.length; i++) {
      const column = x[i]!;
      const row = y[i]!;
      if (column >= width || row >= height) {
        this.counters.outside++;
        continue;
      }
      const pixel = row * width + column;
      if (++seen[pixel]! < count) continue;
      seen[pixel] = 0;
      picks[kept++] = i;
    }
    return kept;
  }
}

/** Keeps one event of each `count` of every pixel. */
export function decimate(options: DecimateOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new Decimate(options));
}
