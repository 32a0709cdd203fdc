import type { OperatorFunction } from 'rxjs';
import type { EventChunk, SensorSize } from '../../events.ts';
import { stage } from '../stage.ts';
import { ChunkMapping } from './chunk-mapping.ts';
import type { SensorOptions } from './filter-stage.ts';
import { pixelsOf } from './filter-stage.ts';
import { withinSensor } from './selection.ts';

export interface FlipOptions extends SensorOptions {
  /** `x` (default) swaps left and right, `y` above and below. */
  readonly axis?: 'x' | 'y' | 'both';
}

/** Mirrors the sensor: x' = W - 1 - x, or y' = H - 1 - y, or both. */
export class Flip extends ChunkMapping {
  readonly #sensor: SensorSize;
  readonly #axis: 'x' | 'y' | 'both';

  constructor({ sensor, axis = 'x' }: FlipOptions) {
    super();
    pixelsOf(sensor);
    this.#sensor = sensor;
    this.#axis = axis;
  }

  protected map(chunk: EventChunk): EventChunk {
    const { width, height } = this.#sensor;
    const inside = withinSensor(chunk, this.#sensor, this.counters);
    return {
      ...inside,
      x: this.#axis === 'y' ? inside.x : mirrored(inside.x, width),
      y: this.#axis === 'x' ? inside.y : mirrored(inside.y, height),
    };
  }
}

/** Mirrors the sensor. */
export function flip(options: FlipOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new Flip(options));
}

/** length - 1 - place, for each place. */
export function mirrored(places: Uint16Array, length: number): Uint16Array {
  const result = new Uint16Array(places.length);
  for (let i = 0; i < places.length; i++) result[i] = length - 1 - places[i]!;
  return result;
}
