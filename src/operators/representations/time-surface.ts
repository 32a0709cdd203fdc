import { OptionError } from '../../errors.ts';
import type { EventChunk } from '../../events.ts';
import type { FrameGrid, Polarity } from '../frame-grid.ts';
import { Decay } from './decay.ts';
import type { Allocate, OpenBin, Painter } from './painter.ts';

export interface TimeSurfaceOptions {
  /** Time constant in microseconds, above 0. */
  readonly tauMicros: number;
}

/**
 * How long ago each pixel, and polarity, had its last event: S = exp(-(end - last) / tau), `end` the end of the bin; 0
 * where none was. Times are kept from bin to bin. Lagorce et al., "HOTS: a hierarchy of event-based time-surfaces for
 * pattern recognition", 2017, over the whole sensor and at the end of each bin.
 */
export class TimeSurface implements Painter {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2;
  readonly #grid: FrameGrid;
  readonly #decay: Decay;
  readonly #last: Float64Array;
  #isEmpty = true;

  constructor(grid: FrameGrid, polarity: Polarity, { tauMicros }: TimeSurfaceOptions) {
    this.width = grid.width;
    this.height = grid.height;
    this.channels = polarity === 'two' ? 2 : 1;
    this.#grid = grid;
    this.#decay = new Decay(checkedTau(tauMicros));
    this.#last = new Float64Array(grid.width * grid.height * this.channels).fill(-Infinity);
  }

  /** Events that overlapping bins share are written again, all up to the later bin's last: the result is the same. */
  paint(_bin: OpenBin, chunk: EventChunk, start: number, end: number): number {
    const { columns, rows } = this.#grid.offsets(this.channels);
    const { origin, t, x, y, on } = chunk;
    const polarity = this.channels - 1;
    const last = this.#last;
    let outside = 0;
    let i = start;
    // Four events at a time, as frames count them.
    for (; i + 3 < end; i += 4) {
      const index0 = rows[y[i]!]! + columns[x[i]!]! + (on[i]! & polarity);
      const index1 = rows[y[i + 1]!]! + columns[x[i + 1]!]! + (on[i + 1]! & polarity);
      const index2 = rows[y[i + 2]!]! + columns[x[i + 2]!]! + (on[i + 2]! & polarity);
      const index3 = rows[y[i + 3]!]! + columns[x[i + 3]!]! + (on[i + 3]! & polarity);
      if (index0 >= 0) last[index0] = origin + t[i]!;
      else outside++;
      if (index1 >= 0) last[index1] = origin + t[i + 1]!;
      else outside++;
      if (index2 >= 0) last[index2] = origin + t[i + 2]!;
      else outside++;
      if (index3 >= 0) last[index3] = origin + t[i + 3]!;
      else outside++;
    }
    for (; i < end; i++) {
      const index = rows[y[i]!]! + columns[x[i]!]! + (on[i]! & polarity);
      if (index >= 0) last[index] = origin + t[i]!;
      else outside++;
    }
    if (outside < end - start) this.#isEmpty = false;
    return end - start - outside;
  }

  finish(bin: OpenBin, allocate: Allocate): Float32Array | undefined {
    if (this.#isEmpty) return undefined;
    const data = allocate(bin.ordinal);
    this.#decay.render(bin.endMicros, this.#last, data);
    return data;
  }
}

/** `tau`, if it is above 0. */
export function checkedTau(tau: number): number {
  if (tau > 0 && tau < Infinity) return tau;
  throw new OptionError(`tauMicros: expected a number above 0, got ${tau}`);
}
