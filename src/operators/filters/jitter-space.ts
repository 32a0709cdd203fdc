import type { OperatorFunction } from 'rxjs';
import { allocateChunk, type EventChunk, type SensorSize, sliceChunk } from '../../events.ts';
import { RandomStream } from '../../random.ts';
import { numberWithin } from '../number-within.ts';
import { stage } from '../stage.ts';
import { ChunkMapping } from './chunk-mapping.ts';
import { pixelsOf, type SeedOptions, type SensorOptions } from './filter-stage.ts';
import { isBesideHalf, NormalPairs } from './normal-pairs.ts';

export interface JitterSpaceOptions extends SensorOptions, SeedOptions {
  /** Standard deviation along x in pixels; default 1. */
  readonly deviationX?: number;
  /** Standard deviation along y in pixels; default as along x. */
  readonly deviationY?: number;
  /** Correlation of the two, from -1 to 1; default 0. */
  readonly correlation?: number;
  /** What becomes of an event that leaves the sensor: left out and counted (`drop`, the default), or put on its edge. */
  readonly outside?: 'drop' | 'clamp';
}

/**
 * Moves each event by a normal deviate, rounded to the nearest pixel: x' = x + round(sx g1), y' = y + round(sy (r g1 +
 * sqrt(1 - r^2) g2)). Event i takes the random words 2i and 2i + 1 (Box and Muller's two deviates).
 */
export class JitterSpace extends ChunkMapping {
  readonly #sensor: SensorSize;
  readonly #pairs: NormalPairs;
  readonly #scales: readonly [x: number, shared: number, y: number];
  readonly #clamps: boolean;
  #seen = 0;

  constructor(options: JitterSpaceOptions) {
    super();
    const { sensor, deviationX = 1, deviationY = deviationX, correlation = 0, outside = 'drop' } = options;
    pixelsOf(sensor);
    numberWithin('jitter space deviationX', deviationX, 0, 65536);
    numberWithin('jitter space deviationY', deviationY, 0, 65536);
    numberWithin('jitter space correlation', correlation, -1, 1);
    this.#sensor = sensor;
    this.#scales = [deviationX, deviationY * correlation, deviationY * Math.sqrt(1 - correlation ** 2)];
    this.#clamps = outside === 'clamp';
    this.#pairs = new NormalPairs(new RandomStream(options.seed ?? 0, 'filter/jitter-space'));
  }

  protected map(chunk: EventChunk): EventChunk {
    const { origin, t, x, y, on } = chunk;
    const { width, height } = this.#sensor;
    const [scaleX, shared, scaleY] = this.#scales;
    const clamps = this.#clamps;
    const pairs = this.#pairs;
    pairs.draw(this.#seen, t.length);
    const { first, second } = pairs;
    const error = NormalPairs.ERROR * Math.max(scaleX, Math.abs(shared) + scaleY);
    const out = allocateChunk(origin, t.length);
    let kept = 0;
    for (let i = 0; i < t.length; i++) {
      let right = scaleX * first[i]!;
      let down = shared * first[i]! + scaleY * second[i]!;
      if (isBesideHalf(right, error) || isBesideHalf(down, error)) {
        pairs.settle(i);
        right = scaleX * first[i]!;
        down = shared * first[i]! + scaleY * second[i]!;
      }
      const column = x[i]! + Math.round(right);
      const row = y[i]! + Math.round(down);
      const stays = column >= 0 && column < width && row >= 0 && row < height;
      if (!stays && !clamps) continue;
      out.t[kept] = t[i]!;
      out.x[kept] = stays ? column : Math.min(Math.max(column, 0), width - 1);
      out.y[kept] = stays ? row : Math.min(Math.max(row, 0), height - 1);
      out.on[kept] = on[i]!;
      kept++;
    }
    this.#seen += t.length;
    this.counters.outside += t.length - kept;
    return kept === t.length ? out : sliceChunk(out, 0, kept);
  }
}

/** Moves each event by a normal deviate. */
export function jitterSpace(options: JitterSpaceOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new JitterSpace(options));
}
