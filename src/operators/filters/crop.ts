import type { OperatorFunction } from 'rxjs';
import { OptionError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import type { Crop as Box } from '../frame-grid.ts';
import { stage } from '../stage.ts';
import { wholeNumber } from '../whole-number.ts';
import { ChunkMapping } from './chunk-mapping.ts';
import type { SensorOptions } from './filter-stage.ts';
import { pick } from './selection.ts';

/** The rectangle that stays, in pixels of the sensor, and the sensor that it must lie on. */
export interface CropOptions extends SensorOptions, Box {}

/** Keeps the events of a rectangle and counts their places from its left upper corner: x' = x - x0, y' = y - y0. */
export class Crop extends ChunkMapping {
  readonly #box: Box;
  #picks = new Uint32Array(0);

  constructor({ sensor, x, y, width, height }: CropOptions) {
    super();
    this.#box = { x, y, width, height };
    checkAxis('x', sensor.width, x, width);
    checkAxis('y', sensor.height, y, height);
  }

  protected map(chunk: EventChunk): EventChunk {
    const { x: left, y: top, width, height } = this.#box;
    const { x, y } = chunk;
    if (this.#picks.length < x.length) this.#picks = new Uint32Array(x.length);
    const picks = this.#picks;
    let kept = 0;
    for (let i = 0; i < x.length; i++) {
      picks[kept] = i;
      kept += within(x[i]! - left, width) & within(y[i]! - top, height);
    }
    const cropped = pick(chunk, picks, kept);
    return {
      ...cropped,
      x: left === 0 ? cropped.x : cropped.x.map((place) => place - left),
      y: top === 0 ? cropped.y : cropped.y.map((place) => place - top),
    };
  }
}

/** 1 where 0 <= place < length, else 0; without a branch, since places are hard to predict. */
export function within(place: number, length: number): number {
  return ((place - length) & ~place) >>> 31;
}

/** Keeps the events of a rectangle. */
export function crop(options: CropOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new Crop(options));
}

/** The rectangle of a size in the middle of a sensor; an odd rest is one pixel more to the right and below. */
export function centreOf(sensor: SensorSize, { width, height }: SensorSize): Box {
  const x = Math.floor((sensor.width - width) / 2);
  const y = Math.floor((sensor.height - height) / 2);
  if (x < 0 || y < 0) {
    throw new OptionError(
      `centre crop: expected at most the sensor's ${sensor.width} x ${sensor.height} pixels, got ${width} x ${height}`,
    );
  }
  return { x, y, width, height };
}

/** Keeps the events of a rectangle in the middle of the sensor. */
export function centreCrop({
  sensor,
  width,
  height,
}: SensorOptions & SensorSize): OperatorFunction<EventChunk, EventChunk> {
  return crop({ sensor, ...centreOf(sensor, { width, height }) });
}

function checkAxis(axis: 'x' | 'y', sensor: number, start: number, length: number): void {
  const size = axis === 'x' ? 'width' : 'height';
  wholeNumber(`crop ${axis}`, start, 0);
  wholeNumber(`crop ${size}`, length, 1);
  if (start + length <= sensor) return;
  throw new OptionError(
    `crop: expected a part of the sensor's ${size} ${sensor}, got ${start} to ${start + length}`,
  );
}
