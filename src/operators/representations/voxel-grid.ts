import { type EventChunk, sliceChunk } from '../../events.ts';
import { firstEventFrom } from '../first-event-from.ts';
import type { FrameGrid } from '../frame-grid.ts';
import { wholeNumber } from '../whole-number.ts';
import type { Allocate, OpenBin, Painter } from './painter.ts';

export interface VoxelGridOptions {
  /** Planes of the grid, the frame's channels: at least 1. */
  readonly bins: number;
}

/**
 * Events spread over planes in time, with bilinear weights: event i of polarity p (1 or -1) at t* = (B - 1)(t - start) /
 * span adds p max(0, 1 - |b - t*|) to plane b of its pixel, so that each event's whole polarity is in the grid. Planes
 * are the frame's channels. Where a span is 0, all is in plane 0. Zhu et al., "Unsupervised event-based learning of
 * optical flow, depth, and egomotion", CVPR 2019, equations 1 and 2 (places are whole pixels here).
 */
export class VoxelGrid implements Painter {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly #grid: FrameGrid;
  /** Events of bins whose span is not known yet. */
  readonly #held = new Map<OpenBin, EventChunk[]>();

  constructor(grid: FrameGrid, { bins }: VoxelGridOptions) {
    this.width = grid.width;
    this.height = grid.height;
    this.channels = wholeNumber('voxel grid bins', bins, 1);
    this.#grid = grid;
  }

  paint(bin: OpenBin, chunk: EventChunk, start: number, end: number, allocate: Allocate): number {
    if (bin.spanMicros !== undefined) {
      bin.data ??= allocate(bin.ordinal);
      return this.#spread(bin.data, bin.startMicros, bin.spanMicros, chunk, start, end);
    }
    const held = this.#held.get(bin) ?? [];
    this.#held.set(bin, held);
    held.push(sliceChunk(chunk, start, end));
    return this.#inside(chunk, start, end);
  }

  finish(bin: OpenBin, allocate: Allocate): Float32Array | undefined {
    const span = bin.endMicros - 1 - bin.startMicros;
    for (const chunk of this.#held.get(bin) ?? []) {
      bin.data ??= allocate(bin.ordinal);
      this.#spread(bin.data, bin.startMicros, span, chunk, 0, chunk.t.length);
    }
    this.#held.delete(bin);
    return bin.data;
  }

  /** Adds the events `start` to `end` of a chunk; returns how many fell on the grid. */
  #spread(
    data: Float32Array,
    startMicros: number,
    span: number,
    { origin, t, x, y, on }: EventChunk,
    start: number,
    end: number,
  ): number {
    const { columns, rows } = this.#grid.offsets(this.channels);
    const last = this.channels - 1;
    const scale = span > 0 ? last / span : 0;
    const shift = origin - startMicros;
    let outside = 0;
    // Events are in order of time, plane after plane: the plane is not worked out for each of them. One before the first
    // event's, so that rounding does not depend on where a chunk begins.
    let plane = Math.max(0, Math.min(last, Math.floor((t[start]! + shift) * scale)) - 1);
    for (let from = start; from < end; plane++) {
      const isLast = plane === last || scale === 0;
      const to = isLast ? end : firstEventFrom(t, (plane + 1) / scale - shift, from, end);
      const offset = isLast ? 0 : shift - plane / scale;
      for (let i = from; i < to; i++) {
        const index = rows[y[i]!]! + columns[x[i]!]! + plane;
        if (!(index >= plane)) {
          outside++;
          continue;
        }
        const polarity = 2 * on[i]! - 1;
        const right = isLast ? 0 : polarity * ((t[i]! + offset) * scale);
        data[index]! += polarity - right;
        if (!isLast) data[index + 1]! += right;
      }
      from = to;
    }
    return end - start - outside;
  }

  #inside({ x, y }: EventChunk, start: number, end: number): number {
    const { columns, rows } = this.#grid.offsets(this.channels);
    let inside = 0;
    for (let i = start; i < end; i++) if (rows[y[i]!]! + columns[x[i]!]! >= 0) inside++;
    return inside;
  }
}
