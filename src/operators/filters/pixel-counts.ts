import type { EventChunk, SensorSize } from '../../events.ts';
import { numberWithin } from '../number-within.ts';
import type { Pixel } from './drop-pixels.ts';
import { pixelsOf } from './filter-stage.ts';

/** Counts the events of every pixel, to find hot ones over a whole recording: a first pass, `DropPixels` the second. */
export class PixelCounts {
  readonly sensor: SensorSize;
  /** Events of each pixel, [height, width]. */
  readonly counts: Float64Array;
  #first: number | undefined;
  #last = 0;

  constructor(sensor: SensorSize) {
    this.sensor = sensor;
    this.counts = new Float64Array(pixelsOf(sensor));
  }

  /** Counts the chunk's events; those beyond the sensor count for the time only. */
  push({ origin, t, x, y }: EventChunk): void {
    if (t.length === 0) return;
    this.#first ??= origin + t[0]!;
    this.#last = origin + t.at(-1)!;
    const { width, height } = this.sensor;
    for (let i = 0; i < t.length; i++) {
      if (x[i]! < width && y[i]! < height) this.counts[y[i]! * width + x[i]!]!++;
    }
  }

  /**
   * Pixels with more than `rate` events a second between the first and the last event. A recording without duration has
   * none.
   */
  above(rate: number): Pixel[] {
    const limit = (numberWithin('rate', rate, 0) * (this.#last - (this.#first ?? this.#last))) / 1e6;
    return limit > 0 ? this.#where((count) => count > limit) : [];
  }

  /** Pixels with at least `ratio` times the events of the busiest of their four neighbours, plus one each. */
  aboveNeighbours(ratio: number): Pixel[] {
    numberWithin('ratio', ratio, 0);
    const { width, height } = this.sensor;
    const at = (x: number, y: number): number =>
      x < 0 || y < 0 || x >= width || y >= height ? 0 : this.counts[y * width + x]!;
    return this.#where((count, x, y) => {
      const busiest = Math.max(at(x - 1, y), at(x + 1, y), at(x, y - 1), at(x, y + 1));
      return count > 0 && count + 1 >= ratio * (busiest + 1);
    });
  }

  #where(isHot: (count: number, x: number, y: number) => boolean): Pixel[] {
    const { width } = this.sensor;
    const found: Pixel[] = [];
    this.counts.forEach((count, i) => {
      const x = i % width;
      const y = (i - x) / width;
      if (isHot(count, x, y)) found.push({ x, y });
    });
    return found;
  }
}
