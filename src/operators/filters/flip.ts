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

/** length - 1 - place, for each place; all are below `length`. */
export function mirrored(places: Uint16Array, length: number): Uint16Array {
  const result = new Uint16Array(places.length);
  const last = length - 1;
  let done = 0;
  if (places.byteOffset % 4 === 0) {
    // Two at a time: no place is beyond the last, so that none borrows from the other.
    const pairs = new Uint32Array(places.buffer, places.byteOffset, places.length >> 1);
    const mirroredPairs = new Uint32Array(result.buffer, 0, pairs.length);
    const lasts = last * 0x10001;
    for (let i = 0; i < pairs.length; i++) mirroredPairs[i] = lasts - pairs[i]!;
    done = 2 * pairs.length;
  }
  for (let i = done; i < places.length; i++) result[i] = last - places[i]!;
  return result;
}
