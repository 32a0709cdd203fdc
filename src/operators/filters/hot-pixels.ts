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

/** A count stops here, so that it does not wrap around. */
const MANY = 2 ** 32 - 4;

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
  /** For each pixel the number of its last period, modulo 2^32, and 2 x events in it + 1 where it is silenced. */
  readonly #state: Uint32Array;
  #first: number | undefined;
  /** Number of the period at hand, modulo 2^32, and the time at which it ends. */
  #now = 0;
  #end = -Infinity;

  constructor({ sensor, rate, periodMicros = 1_000_000 }: HotPixelsOptions) {
    super();
    const pixels = pixelsOf(sensor);
    this.#sensor = sensor;
    this.#micros = wholeNumber('hot pixels periodMicros', periodMicros, 1);
    this.#limit = (numberWithin('hot pixels rate', rate, 0) * periodMicros) / 1e6;
    this.#state = new Uint32Array(2 * pixels);
  }

  protected select({ origin, t, x, y }: EventChunk, picks: Uint32Array): number {
    const { width, height } = this.#sensor;
    const state = this.#state;
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
      const pixel = 2 * (row * width + column);
      const period = state[pixel]!;
      let events = state[pixel + 1]!;
      if (period !== this.#now) {
        const wasHot = (this.#now - period) >>> 0 === 1 && events >>> 1 > limit;
        state[pixel] = this.#now;
        events = wasHot ? 1 : 0;
      }
      if (events < MANY) events += 2;
      state[pixel + 1] = events;
      picks[kept] = i;
      if (events >>> 1 <= limit && (events & 1) === 0) kept++;
    }
    return kept;
  }

  #advance(time: number): void {
    this.#first ??= time;
    const number = Math.floor((time - this.#first) / this.#micros);
    // From 1, since 0 is what pixels without an event hold.
    this.#now = (number + 1) >>> 0;
    this.#end = this.#first + (number + 1) * this.#micros;
  }
}

/** Finds hot pixels as events come and silences them. */
export function hotPixels(options: HotPixelsOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new HotPixels(options));
}
