import type { OperatorFunction } from 'rxjs';
import { OptionError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import { RandomStream } from '../../random.ts';
import { numberWithin } from '../number-within.ts';
import { stage } from '../stage.ts';
import { pixelsOf, type SeedOptions, type SensorOptions } from './filter-stage.ts';
import { Selection } from './selection.ts';

/** A place on the sensor. */
export interface Pixel {
  readonly x: number;
  readonly y: number;
}

export interface DropPixelsOptions extends SensorOptions, SeedOptions {
  /** Pixels whose events go; those that `PixelCounts` finds, for example. */
  readonly pixels?: readonly Pixel[];
  /** Share of the pixels that go by chance, from 0 (default) to 1: pixel i goes where uniform(i) is below it. */
  readonly probability?: number;
}

/** Leaves out the events of some pixels. */
export class DropPixels extends Selection {
  readonly #sensor: SensorSize;
  /** 1 for each pixel that stays. */
  readonly #stays: Uint8Array;

  constructor({ sensor, pixels = [], probability = 0, seed = 0 }: DropPixelsOptions) {
    super();
    this.#sensor = sensor;
    this.#stays = new Uint8Array(pixelsOf(sensor)).fill(1);
    for (const { x, y } of pixels) {
      if (!(x >= 0 && x < sensor.width && y >= 0 && y < sensor.height)) {
        throw new OptionError(
          `drop pixels: expected a place on the sensor's ${sensor.width} x ${sensor.height} pixels, got ${x}x${y}`,
        );
      }
      this.#stays[y * sensor.width + x] = 0;
    }
    if (numberWithin('drop pixels probability', probability, 0, 1) === 0) return;
    const random = new RandomStream(seed, 'filter/drop-pixels');
    for (let i = 0; i < this.#stays.length; i++) if (random.uniform(i) < probability) this.#stays[i] = 0;
  }

  protected select({ x, y }: EventChunk, picks: Uint32Array): number {
    const { width, height } = this.#sensor;
    const stays = this.#stays;
    let kept = 0;
    for (let i = 0; i < x.length; i++) {
      const column = x[i]!;
      const row = y[i]!;
      if (column >= width || row >= height) {
        this.counters.outside++;
        continue;
      }
      picks[kept] = i;
      kept += stays[row * width + column]!;
    }
    return kept;
  }
}

/** Leaves out the events of some pixels. */
export function dropPixels(options: DropPixelsOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new DropPixels(options));
}
