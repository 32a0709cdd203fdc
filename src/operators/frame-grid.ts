import { OptionError } from '../errors.ts';
import type { EventChunk, SensorSize } from '../events.ts';
import { wholeNumber } from './whole-number.ts';

/** A rectangle of the sensor in pixels, from its left upper corner. */
export interface Crop extends SensorSize {
  readonly x: number;
  readonly y: number;
}

export interface FrameGridOptions {
  readonly sensor: SensorSize;
  /** Size of the frames; default the crop's. Sizes only shrink. */
  readonly frame?: SensorSize;
  /** Part of the sensor that the frames show; default all of it. */
  readonly crop?: Crop;
}

/** `two`: channel 0 counts off events, 1 on events. `merged`: one channel counts both. */
export type Polarity = 'two' | 'merged';

/** Marks a coordinate outside in a table of offsets: two of them, or one and any offset, sum to less than zero. */
const OUTSIDE = -(2 ** 30);

/**
 * Where on a frame each sensor pixel falls, as two tables: column = floor((x - crop.x) * width / crop.width), rows
 * likewise. So 128 pixels become 48 columns with 2 or 3 pixels to a column, and no pixel is counted twice or left out.
 */
export class FrameGrid {
  readonly sensor: SensorSize;
  readonly crop: Crop;
  /** Width of the frames in pixels. */
  readonly width: number;
  /** Height of the frames in pixels. */
  readonly height: number;
  /** Column of each sensor x; -1 outside the crop. */
  readonly columns: Int32Array;
  /** Row of each sensor y; -1 outside the crop. */
  readonly rows: Int32Array;
  readonly #offsets: { [channels: number]: { columns: Int32Array; rows: Int32Array } } = {};

  constructor({ sensor, crop = { x: 0, y: 0, ...sensor }, frame = crop }: FrameGridOptions) {
    this.sensor = { width: sensor.width, height: sensor.height };
    this.crop = crop;
    this.width = frame.width;
    this.height = frame.height;
    this.columns = places('width', sensor.width, crop.x, crop.width, frame.width);
    this.rows = places('height', sensor.height, crop.y, crop.height, frame.height);
  }

  /**
   * Counts the events `start` to `end` (exclusive) into a frame [height, width, channels] and returns how many of them
   * fell on it; the others are outside the crop, or outside the sensor.
   */
  count(chunk: EventChunk, start: number, end: number, data: Float32Array, channels: 1 | 2): number {
    const { columns, rows } = this.offsets(channels);
    const { x, y, on } = chunk;
    const polarity = channels - 1;
    let outside = 0;
    let i = start;
    // A coordinate beyond the sensor reads undefined: the sum is then NaN, which is outside too. Four events at a time,
    // so that the places of the next are known while a place that is in no cache is waited for.
    for (; i + 3 < end; i += 4) {
      const index0 = rows[y[i]!]! + columns[x[i]!]! + (on[i]! & polarity);
      const index1 = rows[y[i + 1]!]! + columns[x[i + 1]!]! + (on[i + 1]! & polarity);
      const index2 = rows[y[i + 2]!]! + columns[x[i + 2]!]! + (on[i + 2]! & polarity);
      const index3 = rows[y[i + 3]!]! + columns[x[i + 3]!]! + (on[i + 3]! & polarity);
      if (index0 >= 0) data[index0]!++;
      else outside++;
      if (index1 >= 0) data[index1]!++;
      else outside++;
      if (index2 >= 0) data[index2]!++;
      else outside++;
      if (index3 >= 0) data[index3]!++;
      else outside++;
    }
    for (; i < end; i++) {
      const index = rows[y[i]!]! + columns[x[i]!]! + (on[i]! & polarity);
      if (index >= 0) data[index]!++;
      else outside++;
    }
    return end - start - outside;
  }

  /** How many of the events `start` to `end` (exclusive) fall on a frame. */
  inside({ x, y }: EventChunk, start: number, end: number): number {
    const { columns, rows } = this.offsets(1);
    let inside = 0;
    for (let i = start; i < end; i++) if (rows[y[i]!]! + columns[x[i]!]! >= 0) inside++;
    return inside;
  }

  /**
   * The tables as offsets into the data of a frame [height, width, channels]: rows[y] + columns[x] is a pixel's first
   * channel, or less than zero outside; a coordinate beyond the sensor reads undefined, so that the sum is NaN.
   */
  offsets(channels: number): { readonly columns: Int32Array; readonly rows: Int32Array } {
    this.#offsets[channels] ??= {
      columns: this.columns.map((column) => (column < 0 ? OUTSIDE : column * channels)),
      rows: this.rows.map((row) => (row < 0 ? OUTSIDE : row * this.width * channels)),
    };
    return this.#offsets[channels];
  }
}

/** The frame position of each sensor position along one axis. */
function places(axis: string, sensor: number, start: number, length: number, frame: number): Int32Array {
  wholeNumber(`sensor ${axis}`, sensor, 1);
  wholeNumber(`crop ${axis}`, length, 1);
  wholeNumber(`frame ${axis}`, frame, 1);
  wholeNumber(`crop start along the ${axis}`, start, 0);
  if (start + length > sensor) {
    throw new OptionError(
      `crop: expected a part of the sensor's ${axis} ${sensor}, got ${start} to ${start + length}`,
    );
  }
  if (frame > length) {
    throw new OptionError(
      `frame ${axis}: expected at most the ${length} pixels it is made from, got ${frame}`,
    );
  }
  const table = new Int32Array(sensor).fill(-1);
  for (let i = 0; i < length; i++) table[start + i] = Math.floor((i * frame) / length);
  return table;
}
