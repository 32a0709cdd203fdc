import { type EventChunk, sliceChunk } from '../../events.ts';
import { firstEventFrom } from '../first-event-from.ts';
import type { FrameGrid } from '../frame-grid.ts';
import { wholeNumber } from '../whole-number.ts';
import type { Allocate, OpenBin, Painter } from './painter.ts';

export interface VoxelGridOptions {
  /** Planes of the grid, the frame's channels: at least 1. */
  readonly bins: number;
}

/** Frames up to here are filled where they are. */
const CACHED_BYTES = 2 ** 20;

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
  /** Events of each open bin, the grid's and others. */
  readonly #seen = new Map<OpenBin, number>();
  /**
   * What open bins of large frames have had after as many events as there are pixels: planes one after the other. At a
   * time events fall on two of them, which a cache holds better than a frame of all.
   */
  readonly #planes = new Map<OpenBin, Float32Array>();
  /** Planes to be used again, all zeros. */
  readonly #spare: Float32Array[] = [];
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
      return this.#spread(bin, bin.spanMicros, chunk, start, end, allocate);
    }
    const held = this.#held.get(bin) ?? [];
    this.#held.set(bin, held);
    held.push(sliceChunk(chunk, start, end));
    return this.#inside(chunk, start, end);
  }

  finish(bin: OpenBin, allocate: Allocate): Float32Array | undefined {
    const span = bin.endMicros - 1 - bin.startMicros;
    for (const chunk of this.#held.get(bin) ?? []) {
      this.#spread(bin, span, chunk, 0, chunk.t.length, allocate);
    }
    this.#held.delete(bin);
    const planes = this.#planes.get(bin);
    if (planes !== undefined) this.#addPlanes(planes, bin.data!);
    this.#planes.delete(bin);
    this.#seen.delete(bin);
    return bin.data;
  }

  /** Adds the events `start` to `end` of a chunk; returns how many fell on the grid. */
  #spread(
    bin: OpenBin,
    span: number,
    chunk: EventChunk,
    start: number,
    end: number,
    allocate: Allocate,
  ): number {
    bin.data ??= allocate(bin.ordinal);
    const size = this.width * this.height;
    const seen = this.#seen.get(bin) ?? 0;
    this.#seen.set(bin, seen + end - start);
    // At an event's number, so that sums do not depend on how the events are cut into chunks.
    const direct =
      bin.data.byteLength <= CACHED_BYTES ? end : Math.min(end, start + Math.max(0, size - seen));
    const painted = this.#add(bin.data, 1, bin.startMicros, span, chunk, start, direct);
    if (direct === end) return painted;
    let planes = this.#planes.get(bin);
    if (planes === undefined) {
      planes = this.#spare.pop() ?? new Float32Array(size * this.channels);
      this.#planes.set(bin, planes);
    }
    return painted + this.#add(planes, size, bin.startMicros, span, chunk, direct, end);
  }

  /** Adds planes that stand one after the other to a frame, and keeps them, cleared, for another bin. */
  #addPlanes(planes: Float32Array, data: Float32Array): void {
    const { channels } = this;
    const size = this.width * this.height;
    for (let pixel = 0; pixel < size; pixel++) {
      for (let plane = 0; plane < channels; plane++) {
        data[pixel * channels + plane]! += planes[plane * size + pixel]!;
      }
    }
    this.#spare.push(planes.fill(0));
  }

  /** Adds events to planes of which the same pixel's values are `step` apart. */
  #add(
    data: Float32Array,
    step: number,
    startMicros: number,
    span: number,
    { origin, t, x, y, on }: EventChunk,
    start: number,
    end: number,
  ): number {
    if (start >= end) return 0;
    const { columns, rows } = this.#grid.offsets(step === 1 ? this.channels : 1);
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
      const left = plane * step;
      const right = isLast ? left : left + step;
      for (let i = from; i < to; i++) {
        const pixel = rows[y[i]!]! + columns[x[i]!]!;
        if (!(pixel >= 0)) {
          outside++;
          continue;
        }
        const polarity = 2 * on[i]! - 1;
        const later = isLast ? 0 : polarity * ((t[i]! + offset) * scale);
        data[left + pixel]! += polarity - later;
        data[right + pixel]! += later;
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
