import type { OperatorFunction } from 'rxjs';
import { OptionError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import { stage } from '../stage.ts';
import { wholeNumber } from '../whole-number.ts';
import { ChunkMapping } from './chunk-mapping.ts';
import { pixelsOf, type SensorOptions } from './filter-stage.ts';
import { withinSensor } from './selection.ts';

/** Smaller size, or how many pixels along each axis become one. */
export interface DownsampleOptions extends SensorOptions {
  /** Width that comes out, up to the sensor's. */
  readonly width?: number;
  /** Height that comes out, up to the sensor's. */
  readonly height?: number;
  /** Instead of a size: pixels that become one, along each axis. */
  readonly factor?: number;
}

/**
 * Scales places down and keeps every event: x' = floor(x W' / W), y' = floor(y H' / H), in whole numbers, so that no
 * rounding moves an event. With a factor f, x' = floor(x / f) and a last, smaller column takes the rest.
 */
export class Downsample extends ChunkMapping {
  readonly #sensor: SensorSize;
  readonly #columns: Uint16Array;
  readonly #rows: Uint16Array;

  constructor(options: DownsampleOptions) {
    super();
    const { sensor, factor } = options;
    pixelsOf(sensor);
    const { width, height } = downsampledSize(sensor, options);
    const share = (place: number, from: number, to: number): number =>
      factor === undefined ? Math.floor((place * to) / from) : Math.floor(place / factor);
    this.#sensor = sensor;
    this.#columns = Uint16Array.from({ length: sensor.width }, (_, x) => share(x, sensor.width, width));
    this.#rows = Uint16Array.from({ length: sensor.height }, (_, y) => share(y, sensor.height, height));
  }

  protected map(chunk: EventChunk): EventChunk {
    const { origin, t, x, y, on } = withinSensor(chunk, this.#sensor, this.counters);
    const columns = this.#columns;
    const rows = this.#rows;
    const places = new Uint16Array(x.length);
    const lines = new Uint16Array(x.length);
    for (let i = 0; i < x.length; i++) {
      places[i] = columns[x[i]!]!;
      lines[i] = rows[y[i]!]!;
    }
    return { origin, t, x: places, y: lines, on };
  }
}

/** Scales places down and keeps every event. */
export function downsample(options: DownsampleOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new Downsample(options));
}

/** The size that comes out: the one that is named, or the sensor's divided by the factor, rounded up. */
export function downsampledSize(sensor: SensorSize, options: Omit<DownsampleOptions, 'sensor'>): SensorSize {
  const { width, height, factor } = options;
  if (factor !== undefined) {
    if (width !== undefined || height !== undefined) {
      throw new OptionError('downsample: expected a factor, or a width and a height, got both');
    }
    wholeNumber('downsample factor', factor, 1);
    return { width: Math.ceil(sensor.width / factor), height: Math.ceil(sensor.height / factor) };
  }
  if (width === undefined || height === undefined) {
    throw new OptionError('downsample: expected a factor, or a width and a height');
  }
  return { width: shrunk('width', sensor.width, width), height: shrunk('height', sensor.height, height) };
}

function shrunk(axis: string, from: number, to: number): number {
  if (wholeNumber(`downsample ${axis}`, to, 1) <= from) return to;
  throw new OptionError(`downsample ${axis}: expected at most the sensor's ${from}, got ${to}`);
}
