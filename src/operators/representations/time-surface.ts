import { OptionError } from '../../errors.ts';
import type { EventChunk } from '../../events.ts';
import { firstEventFrom } from '../first-event-from.ts';
import type { FrameGrid, Polarity } from '../frame-grid.ts';
import { Growth } from './growth.ts';
import type { Allocate, OpenBin, Painter } from './painter.ts';

export interface TimeSurfaceOptions {
  /** Time constant in microseconds, above 0. */
  readonly tauMicros: number;
}

/**
 * How long ago each pixel, and polarity, had its last event: S = exp(-(end - last) / tau), `end` the end of the bin; 0
 * where none was. Times are kept from bin to bin. Lagorce et al., "HOTS: a hierarchy of event-based time-surfaces for
 * pattern recognition", 2017, over the whole sensor and at the end of each bin.
 *
 * What is kept is exp((last - T) / tau) with a time T that moves on now and then, so that a frame is these weights times
 * one factor, exp((T - end) / tau).
 */
export class TimeSurface implements Painter {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2;
  readonly #grid: FrameGrid;
  readonly #tau: number;
  readonly #growth: Growth;
  readonly #weights: Float64Array;
  /** T in microseconds: the time of an event. */
  #reference = -Infinity;

  constructor(grid: FrameGrid, polarity: Polarity, { tauMicros }: TimeSurfaceOptions) {
    this.width = grid.width;
    this.height = grid.height;
    this.channels = polarity === 'two' ? 2 : 1;
    this.#grid = grid;
    this.#tau = checkedTau(tauMicros);
    this.#growth = new Growth(tauMicros);
    this.#weights = new Float64Array(grid.width * grid.height * this.channels);
  }

  /** Events that overlapping bins share are written again, all up to the later bin's last: the result is the same. */
  paint(bin: OpenBin, chunk: EventChunk, start: number, end: number): void {
    const { origin, t } = chunk;
    const { reach } = this.#growth;
    // What is before the reference has been written, by a bin that overlaps this one.
    let from = firstEventFrom(t, this.#reference - origin, start, end);
    bin.events += this.#grid.inside(chunk, start, from);
    while (from < end) {
      const micros = origin + t[from]!;
      if (micros - this.#reference > reach) this.#moveReference(micros);
      const to = firstEventFrom(t, this.#reference + reach + 1 - origin, from, end);
      bin.events += this.#write(chunk, from, to, origin - this.#reference);
      from = to;
    }
  }

  finish(bin: OpenBin, allocate: Allocate): Float32Array | undefined {
    if (this.#reference === -Infinity) return undefined;
    const data = allocate(bin.ordinal);
    const factor = Math.exp((this.#reference - bin.endMicros) / this.#tau);
    // Row by row: a loop that is called often is compiled once and for all.
    const row = this.width * this.channels;
    for (let at = 0; at < data.length; at += row) renderRow(this.#weights, factor, data, at, at + row);
    return data;
  }

  #moveReference(micros: number): void {
    const factor = Math.exp((this.#reference - micros) / this.#tau);
    const weights = this.#weights;
    for (let i = 0; i < weights.length; i++) weights[i]! *= factor;
    this.#reference = micros;
  }

  /**
   * Writes the weights of the events `start` to `end`, which are `t + offset` after the reference, within reach; returns
   * how many fell on the grid.
   */
  #write({ t, x, y, on }: EventChunk, start: number, end: number, offset: number): number {
    const { columns, rows } = this.#grid.offsets(this.channels);
    const { coarse, fine, shift, mask } = this.#growth;
    const polarity = this.channels - 1;
    const weights = this.#weights;
    let outside = 0;
    let i = start;
    // Four events at a time, as frames count them.
    for (; i + 3 < end; i += 4) {
      const index0 = rows[y[i]!]! + columns[x[i]!]! + (on[i]! & polarity);
      const index1 = rows[y[i + 1]!]! + columns[x[i + 1]!]! + (on[i + 1]! & polarity);
      const index2 = rows[y[i + 2]!]! + columns[x[i + 2]!]! + (on[i + 2]! & polarity);
      const index3 = rows[y[i + 3]!]! + columns[x[i + 3]!]! + (on[i + 3]! & polarity);
      const after0 = (t[i]! + offset) | 0;
      const after1 = (t[i + 1]! + offset) | 0;
      const after2 = (t[i + 2]! + offset) | 0;
      const after3 = (t[i + 3]! + offset) | 0;
      const weight0 = coarse[after0 >> shift]! * fine[after0 & mask]!;
      const weight1 = coarse[after1 >> shift]! * fine[after1 & mask]!;
      const weight2 = coarse[after2 >> shift]! * fine[after2 & mask]!;
      const weight3 = coarse[after3 >> shift]! * fine[after3 & mask]!;
      if (index0 >= 0) weights[index0] = weight0;
      else outside++;
      if (index1 >= 0) weights[index1] = weight1;
      else outside++;
      if (index2 >= 0) weights[index2] = weight2;
      else outside++;
      if (index3 >= 0) weights[index3] = weight3;
      else outside++;
    }
    for (; i < end; i++) {
      const index = rows[y[i]!]! + columns[x[i]!]! + (on[i]! & polarity);
      const after = (t[i]! + offset) | 0;
      if (index >= 0) weights[index] = coarse[after >> shift]! * fine[after & mask]!;
      else outside++;
    }
    return end - start - outside;
  }
}

function renderRow(
  weights: Float64Array,
  factor: number,
  data: Float32Array,
  start: number,
  end: number,
): void {
  for (let i = start; i < end; i++) data[i] = weights[i]! * factor;
}

/** `tau`, if it is above 0. */
export function checkedTau(tau: number): number {
  if (tau > 0 && tau < Infinity) return tau;
  throw new OptionError(`tauMicros: expected a number above 0, got ${tau}`);
}
