import type { OperatorFunction } from 'rxjs';
import { OptionError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import { stage } from '../stage.ts';
import { ChunkMapping } from './chunk-mapping.ts';
import { pixelsOf, type SensorOptions } from './filter-stage.ts';
import { mirrored } from './flip.ts';
import { withinSensor } from './selection.ts';

export interface RotateOptions extends SensorOptions {
  /** Degrees clockwise as one looks at the picture, y downwards; default 90. */
  readonly degrees?: 90 | 180 | 270;
}

/**
 * Turns the picture clockwise: by 90 degrees (x', y') = (H - 1 - y, x), by 180 (W - 1 - x, H - 1 - y), by 270
 * (y, W - 1 - x).
 */
export class Rotate extends ChunkMapping {
  readonly #sensor: SensorSize;
  readonly #degrees: 90 | 180 | 270;

  constructor({ sensor, degrees = 90 }: RotateOptions) {
    super();
    pixelsOf(sensor);
    if (degrees !== 90 && degrees !== 180 && degrees !== 270) {
      throw new OptionError(`rotate degrees: expected 90, 180 or 270, got ${degrees}`);
    }
    this.#sensor = sensor;
    this.#degrees = degrees;
  }

  protected map(chunk: EventChunk): EventChunk {
    const { width, height } = this.#sensor;
    const inside = withinSensor(chunk, this.#sensor, this.counters);
    const { x, y } = inside;
    if (this.#degrees === 90) return { ...inside, x: mirrored(y, height), y: x };
    if (this.#degrees === 180) return { ...inside, x: mirrored(x, width), y: mirrored(y, height) };
    return { ...inside, x: y, y: mirrored(x, width) };
  }
}

/** Turns the picture clockwise by 90, 180 or 270 degrees. */
export function rotate(options: RotateOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new Rotate(options));
}

/** The sensor turned by a quarter: height and width swapped. */
export function quarterTurned({ width, height }: SensorSize): SensorSize {
  return { width: height, height: width };
}
