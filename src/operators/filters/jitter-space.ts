import type { OperatorFunction } from 'rxjs';
import type { EventChunk, SensorSize } from '../../events.ts';
import { RandomStream } from '../../random.ts';
import { numberWithin } from '../number-within.ts';
import { stage } from '../stage.ts';
import { ChunkMapping } from './chunk-mapping.ts';
import { pixelsOf, type SeedOptions, type SensorOptions } from './filter-stage.ts';
import { RoundedNormals } from './rounded-normals.ts';
import { pick } from './selection.ts';

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
  readonly #normals: RoundedNormals;
  readonly #clamps: boolean;
  #picks = new Uint32Array(0);
  #seen = 0;

  constructor(options: JitterSpaceOptions) {
    super();
    const { sensor, deviationX = 1, deviationY = deviationX, correlation = 0, outside = 'drop' } = options;
    pixelsOf(sensor);
    numberWithin('jitter space deviationX', deviationX, 0, 65536);
    numberWithin('jitter space deviationY', deviationY, 0, 65536);
    numberWithin('jitter space correlation', correlation, -1, 1);
    this.#sensor = sensor;
    this.#clamps = outside === 'clamp';
    this.#normals = new RoundedNormals(new RandomStream(options.seed ?? 0, 'filter/jitter-space'), {
      first: deviationX,
      shared: deviationY * correlation,
      second: deviationY * Math.sqrt(1 - correlation ** 2),
    });
  }

  protected map(chunk: EventChunk): EventChunk {
    const { length } = chunk.t;
    const moved = { ...chunk, x: new Uint16Array(length), y: new Uint16Array(length) };
    if (this.#picks.length < length) this.#picks = new Uint32Array(length);
    const moves = this.#normals.draw(this.#seen, length);
    const kept = move(chunk, moves, this.#sensor, this.#clamps, moved, this.#picks);
    this.#seen += length;
    this.counters.outside += length - kept;
    return pick(moved, this.#picks, kept);
  }
}

/** Moves the places of events; writes the positions of those that stay to `picks`, and returns how many they are. */
function move(
  { x, y }: EventChunk,
  moves: Float64Array,
  { width, height }: SensorSize,
  clamps: boolean,
  moved: EventChunk,
  picks: Uint32Array,
): number {
  let kept = 0;
  for (let i = 0; i < x.length; i++) {
    const column = x[i]! + moves[2 * i]!;
    const row = y[i]! + moves[2 * i + 1]!;
    const stays = column >= 0 && column < width && row >= 0 && row < height;
    moved.x[i] = stays ? column : Math.min(Math.max(column, 0), width - 1);
    moved.y[i] = stays ? row : Math.min(Math.max(row, 0), height - 1);
    picks[kept] = i;
    kept += stays || clamps ? 1 : 0;
  }
  return kept;
}

/** Moves each event by a normal deviate. */
export function jitterSpace(options: JitterSpaceOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new JitterSpace(options));
}
