import { InputError, OptionError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import type { FrameGrid, Polarity } from '../frame-grid.ts';
import { wholeNumber } from '../whole-number.ts';
import type { Allocate, OpenBin, Painter } from './painter.ts';
import { SurfaceMemory, type SurfaceMemoryOptions } from './surface-memory.ts';

export interface AveragedTimeSurfaceOptions extends SurfaceMemoryOptions {
  /** Side of a cell in pixels; default 10. */
  readonly cellSize?: number;
  /** Side of a cell's surface in pixels, odd, at most the cell's; default 5. */
  readonly surfaceSize?: number;
}

const CELL = 10;
const SURFACE = 5;

/** Size in pixels of the surfaces of all cells side by side. */
export function tiledSize(
  grid: SensorSize,
  { cellSize = CELL, surfaceSize = SURFACE }: AveragedTimeSurfaceOptions,
): [height: number, width: number] {
  return [Math.ceil(grid.height / cellSize) * surfaceSize, Math.ceil(grid.width / cellSize) * surfaceSize];
}

/** What a bin has gathered. */
interface Gathered {
  readonly memory: SurfaceMemory;
  /** Sums of surfaces, as the frame is laid out. */
  readonly sums: Float64Array;
  /** Events of each cell and polarity. */
  readonly events: Uint32Array;
}

/**
 * Histograms of averaged time surfaces (HATS): the sensor is cut into cells; each event sees its own, 1 in the middle,
 * and the events of its cell and polarity before it, at most `windowMicros` ago, as a small surface around itself, each
 * with the weight exp(-(t - t') / tau) or, linear, max(0, 1 - (t - t') / (3 tau)); a cell's histogram is the mean of the
 * surfaces of its events. Cell [i, j] stands at rows i S to (i + 1) S and columns j S to (j + 1) S of the frame, S the
 * side of a surface. Each bin begins anew. Sironi et al., "HATS: histograms of averaged time surfaces for robust
 * event-based object classification", CVPR 2018; an event sees itself as in Tonic.
 */
export class AveragedTimeSurface implements Painter {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2;
  readonly #grid: FrameGrid;
  readonly #options: SurfaceMemoryOptions;
  readonly #cell: number;
  readonly #surface: number;
  readonly #cells: readonly [columns: number, rows: number];
  readonly #open = new Map<OpenBin, Gathered>();

  constructor(grid: FrameGrid, polarity: Polarity, options: AveragedTimeSurfaceOptions) {
    const { cellSize = CELL, surfaceSize = SURFACE } = options;
    this.#cell = wholeNumber('cellSize', cellSize, 1);
    this.#surface = wholeNumber('surfaceSize', surfaceSize, 1);
    if (this.#surface % 2 === 0 || this.#surface > this.#cell) {
      throw new OptionError(
        `surfaceSize: expected an odd number up to the cell's ${this.#cell}, got ${this.#surface}`,
      );
    }
    this.#cells = [Math.ceil(grid.width / this.#cell), Math.ceil(grid.height / this.#cell)];
    [this.height, this.width] = tiledSize(grid, options);
    this.channels = polarity === 'two' ? 2 : 1;
    this.#grid = grid;
    this.#options = options;
    // Finds what is wrong with the options before the first event.
    new SurfaceMemory(1, options);
  }

  paint(bin: OpenBin, chunk: EventChunk, start: number, end: number): void {
    const gathered = this.#open.get(bin) ?? this.#begin(bin);
    const { columns, rows } = this.#grid;
    const { origin, t, x, y, on } = chunk;
    const polarity = this.channels - 1;
    // Whole, as bins of a fraction of a microsecond are not.
    const first = Math.floor(bin.startMicros);
    for (let i = start; i < end; i++) {
      const column = columns[x[i]!] ?? -1;
      const row = rows[y[i]!] ?? -1;
      if (column < 0 || row < 0) continue;
      this.#see(gathered, origin - first + t[i]!, column, row, on[i]! & polarity);
      bin.events++;
    }
  }

  finish(bin: OpenBin, allocate: Allocate): Float32Array | undefined {
    const gathered = this.#open.get(bin);
    if (gathered === undefined) return undefined;
    this.#open.delete(bin);
    const data = allocate(bin.ordinal);
    const { sums, events } = gathered;
    const side = this.#surface;
    for (let i = 0; i < data.length; i++) {
      const sum = sums[i]!;
      if (sum === 0) continue;
      const channel = i % this.channels;
      const place = (i - channel) / this.channels;
      const column = place % this.width;
      const row = (place - column) / this.width;
      const cell = Math.floor(row / side) * this.#cells[0] + Math.floor(column / side);
      data[i] = sum / events[cell * this.channels + channel]!;
    }
    return data;
  }

  #begin(bin: OpenBin): Gathered {
    const { width, height } = this.#grid;
    const gathered = {
      memory: new SurfaceMemory(width * height * this.channels, this.#options),
      sums: new Float64Array(this.width * this.height * this.channels),
      events: new Uint32Array(this.#cells[0] * this.#cells[1] * this.channels),
    };
    this.#open.set(bin, gathered);
    return gathered;
  }

  /** Adds the surface of one event. */
  #see(
    { memory, sums, events }: Gathered,
    micros: number,
    column: number,
    row: number,
    channel: number,
  ): void {
    const { width, height } = this.#grid;
    const { channels } = this;
    const reach = (this.#surface - 1) / 2;
    const cellColumn = Math.floor(column / this.#cell);
    const cellRow = Math.floor(row / this.#cell);
    const left = Math.max(cellColumn * this.#cell, column - reach);
    const right = Math.min((cellColumn + 1) * this.#cell, width, column + reach + 1);
    const top = Math.max(cellRow * this.#cell, row - reach);
    const bottom = Math.min((cellRow + 1) * this.#cell, height, row + reach + 1);
    memory.forget(micros);
    const across = right - left;
    for (let v = top; v < bottom; v++) {
      const surfaceRow = (cellRow * this.#surface + v - row + reach) * this.width;
      const at = surfaceRow + cellColumn * this.#surface + left - column + reach;
      const place = (v * width + left) * channels + channel;
      memory.addWeights(place, channels, across, micros, sums, at * channels + channel);
    }
    const middle = (cellRow * this.#surface + reach) * this.width + cellColumn * this.#surface + reach;
    sums[middle * channels + channel]!++;
    events[(cellRow * this.#cells[0] + cellColumn) * channels + channel]!++;
    if (!memory.remember((row * width + column) * channels + channel, micros)) {
      throw new InputError(
        `averaged time surface: expected fewer than ${memory.limit} events within ${this.#options.windowMicros} us: use a shorter window`,
      );
    }
  }
}
