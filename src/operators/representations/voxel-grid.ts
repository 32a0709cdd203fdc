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

  paint(bin: OpenBin, chunk: EventChunk, start: number, end: number, allocate: Allocate): void {
    if (bin.spanMicros !== undefined) {
      this.#spread(bin, bin.spanMicros, chunk, start, end, allocate);
      return;
    }
    const held = this.#held.get(bin) ?? [];
    this.#held.set(bin, held);
    held.push(sliceChunk(chunk, start, end));
  }

  finish(bin: OpenBin, allocate: Allocate): Float32Array | undefined {
    const span = bin.endMicros - 1 - bin.startMicros;
    for (const chunk of this.#held.get(bin) ?? []) {
      this.#spread(bin, span, chunk, 0, chunk.t.length, allocate);
    }
    this.#held.delete(bin);
    return bin.data;
  }

  /**
   * Adds the events `start` to `end` of a chunk. They are in order of time, and cut where they pass from plane to plane,
   * so that the plane is not worked out for each of them.
   */
  #spread(
    bin: OpenBin,
    span: number,
    chunk: EventChunk,
    start: number,
    end: number,
    allocate: Allocate,
  ): void {
    bin.data ??= allocate(bin.ordinal);
    const { origin, t } = chunk;
    const offsets = this.#grid.offsets(this.channels);
    const last = this.channels - 1;
    const scale = span > 0 ? last / span : 0;
    const shift = origin - bin.startMicros;
    // One before the first event's, so that rounding does not depend on where a chunk begins.
    let plane = Math.max(0, Math.min(last, Math.floor((t[start]! + shift) * scale)) - 1);
    for (let from = start; from < end; plane++) {
      const isLast = plane === last || scale === 0;
      const to = isLast ? end : firstEventFrom(t, (plane + 1) / scale - shift, from, end);
      const right = isLast ? plane : plane + 1;
      const slope = isLast ? 0 : scale;
      const offset = isLast ? 0 : shift - plane / scale;
      bin.events += addEvents(bin.data, plane, right, offsets, chunk, from, to, slope, offset);
      from = to;
    }
  }
}

/** Adds events to the values `left` and `right` of their pixels; returns how many fell on the grid. */
function addEvents(
  data: Float32Array,
  left: number,
  right: number,
  { columns, rows }: { readonly columns: Int32Array; readonly rows: Int32Array },
  { t, x, y, on }: EventChunk,
  from: number,
  to: number,
  scale: number,
  offset: number,
): number {
  let outside = 0;
  let i = from;
  // Four events at a time, as frames count them.
  for (; i + 3 < to; i += 4) {
    const pixel0 = rows[y[i]!]! + columns[x[i]!]!;
    const pixel1 = rows[y[i + 1]!]! + columns[x[i + 1]!]!;
    const pixel2 = rows[y[i + 2]!]! + columns[x[i + 2]!]!;
    const pixel3 = rows[y[i + 3]!]! + columns[x[i + 3]!]!;
    const polarity0 = 2 * on[i]! - 1;
    const polarity1 = 2 * on[i + 1]! - 1;
    const polarity2 = 2 * on[i + 2]! - 1;
    const polarity3 = 2 * on[i + 3]! - 1;
    const later0 = polarity0 * ((t[i]! + offset) * scale);
    const later1 = polarity1 * ((t[i + 1]! + offset) * scale);
    const later2 = polarity2 * ((t[i + 2]! + offset) * scale);
    const later3 = polarity3 * ((t[i + 3]! + offset) * scale);
    if (pixel0 >= 0) {
      data[left + pixel0]! += polarity0 - later0;
      data[right + pixel0]! += later0;
    } else outside++;
    if (pixel1 >= 0) {
      data[left + pixel1]! += polarity1 - later1;
      data[right + pixel1]! += later1;
    } else outside++;
    if (pixel2 >= 0) {
      data[left + pixel2]! += polarity2 - later2;
      data[right + pixel2]! += later2;
    } else outside++;
    if (pixel3 >= 0) {
      data[left + pixel3]! += polarity3 - later3;
      data[right + pixel3]! += later3;
    } else outside++;
  }
  for (; i < to; i++) {
    const pixel = rows[y[i]!]! + columns[x[i]!]!;
    if (pixel >= 0) {
      const polarity = 2 * on[i]! - 1;
      const later = polarity * ((t[i]! + offset) * scale);
      data[left + pixel]! += polarity - later;
      data[right + pixel]! += later;
    } else outside++;
  }
  return to - from - outside;
}
