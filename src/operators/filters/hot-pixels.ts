import type { OperatorFunction } from 'rxjs';
import type { EventChunk, SensorSize } from '../../events.ts';
import { numberWithin } from '../number-within.ts';
import { stage } from '../stage.ts';
import { wholeNumber } from '../whole-number.ts';
import { pixelsOf, type SensorOptions } from './filter-stage.ts';
import { Selection } from './selection.ts';

export interface HotPixelsOptions extends SensorOptions {
  /** Events a second that a pixel may have. */
  readonly rate: number;
  /** Length of the periods over which pixels are judged, in microseconds; default a second. */
  readonly periodMicros?: number;
}

/**
 * Finds hot pixels as events come and silences them. Time is cut into periods from the first event on. A pixel with more
 * than rate x period events in a period is hot: the events beyond go, and so do all of the next period. It is heard
 * again after a period in which it keeps to the rate. To judge a whole recording first, use `PixelCounts` and
 * `DropPixels`.
 */
export class HotPixels extends Selection {
  readonly #sensor: SensorSize;
  readonly #limit: number;
  readonly #micros: number;
  readonly #count: Uint32Array;
  /** Number of the period that `#count` is of. */
  readonly #period: Float64Array;
  readonly #hot: Uint8Array;
  #first: number | undefined;
  /** Number of the period at hand, and the time at which it ends. */
  #now = 0;
  #end = -Infinity;

  constructor({ sensor, rate, periodMicros = 1_000_000 }: HotPixelsOptions) {
    super();
    const pixels = pixelsOf(sensor);
    this.#sensor = sensor;
    this.#micros = wholeNumber('hot pixels periodMicros', periodMicros, 1);
    this.#limit = (numberWithin('hot pixels rate', rate, 0) * periodMicros) / 1e6;
    this.#count = new Uint32Array(pixels);
    this.#period = new Float64Array(pixels).fill(-2);
    this.#hot = new Uint8Array(pixels);
  }

  protected select({ origin, t, x, y }: EventChunk, picks: Uint32Array): number {
    const { width, height } = this.#sensor;
    const count = this.#count;
    const period = this.#period;
    const hot = this.#hot;
    const limit = this.#limit;
    let kept = 0;
    for (let i = 0; i < t.length; i++) {
      const time = origin + t[i]!;
      if (time >= this.#end) this.#advance(time);
      const column = x[i]!;
      const row = y[i]!;
      if (column >= width || row >= height) {
        this.counters.outside++;
        continue;
      }
      const pixel = row * width + column;
      const now = this.#now;
      if (period[pixel] !== now) {
        hot[pixel] = period[pixel] === now - 1 && count[pixel]! > limit ? 1 : 0;
        period[pixel] = now;
        count[pixel] = 0;
      }
      const seen = ++count[pixel]!;
      picks[kept] = i;
      if (seen <= limit && hot[pixel] === 0) kept++;
    }
    return kept;
  }

  #advance(time: number): void {
    this.#first ??= time;
    this.#now = Math.floor((time - this.#first) / this.#micros);
    this.#end = this.#first + (this.#now + 1) * this.#micros;
  }
}

/** Finds hot pixels as events come and silences them. */
export function hotPixels(options: HotPixelsOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new HotPixels(options));
}
