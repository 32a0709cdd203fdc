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
 * What an event saves that does not reach over a large frame, in pixels of a plane that is written: from so many events
 * on, a pair of planes pays.
 */
const PIXELS_SAVED = 8;

/** The two planes that the events of a bin fall on at a time: two values a pixel, so that an event reaches one place. */
interface Pair {
  readonly values: Float32Array;
  /** The earlier of the two; its values are the even ones where it is even. */
  plane: number;
}

/** An open bin of a large frame. */
interface Filling {
  /** The frame so far, in memory that is used again and so in reach: fresh memory is slow to write here and there. */
  readonly data: Float32Array;
  /** Events so far. */
  count: number;
  pair: Pair | undefined;
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
  /** Frames are too large for a cache. */
  readonly #large: boolean;
  readonly #fillings = new Map<OpenBin, Filling>();
  /** Whether pairs paid for the last bin. */
  #wasDense = false;
  /** Frames and values of pairs to be used again, all zeros. */
  readonly #spareFrames: Float32Array[] = [];
  readonly #sparePairs: Float32Array[] = [];
  /** Events of bins whose span is not known yet. */
  readonly #held = new Map<OpenBin, EventChunk[]>();

  constructor(grid: FrameGrid, { bins }: VoxelGridOptions) {
    this.width = grid.width;
    this.height = grid.height;
    this.channels = wholeNumber('voxel grid bins', bins, 1);
    this.#grid = grid;
    this.#large = 4 * this.width * this.height * this.channels > CACHED_BYTES;
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
    const filling = this.#fillings.get(bin);
    if (filling === undefined) return bin.data;
    this.#fillings.delete(bin);
    const { data, count, pair } = filling;
    this.#wasDense = this.#isDense(count);
    if (pair !== undefined) {
      this.#moveOn(pair, Math.min(pair.plane + 2, this.channels), data);
      this.#sparePairs.push(pair.values.fill(0));
    }
    const copy = allocate(bin.ordinal, data);
    this.#spareFrames.push(data.fill(0));
    return copy;
  }

  #isDense(events: number): boolean {
    // A frame of two planes is a pair already.
    return this.channels > 2 && PIXELS_SAVED * events >= this.width * this.height * (this.channels - 1);
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
    if (!this.#large) {
      bin.data ??= allocate(bin.ordinal);
      return this.#spreadDirectly(bin.data, bin, span, chunk, start, end);
    }
    // Both ways give the same values to the last bit: which is taken when is a matter of speed alone.
    const filling = this.#fillings.get(bin) ?? this.#begin();
    this.#fillings.set(bin, filling);
    filling.count += end - start;
    if (filling.pair === undefined && this.#isDense(filling.count)) {
      filling.pair = this.#newPair();
      for (const plane of [0, 1]) this.#load(filling.pair.values, plane, filling.data);
    }
    if (filling.pair === undefined) return this.#spreadDirectly(filling.data, bin, span, chunk, start, end);
    return this.#spreadInPairs(filling.data, filling.pair, bin, span, chunk, start, end);
  }

  #begin(): Filling {
    const data = this.#spareFrames.pop() ?? new Float32Array(this.width * this.height * this.channels);
    return { data, count: 0, pair: this.#wasDense ? this.#newPair() : undefined };
  }

  /** The first two planes of an empty frame. */
  #newPair(): Pair {
    return { values: this.#sparePairs.pop() ?? new Float32Array(2 * this.width * this.height), plane: 0 };
  }

  /** Adds the events `start` to `end` of a chunk to the frame; returns how many fell on the grid. */
  #spreadDirectly(
    data: Float32Array,
    bin: OpenBin,
    span: number,
    chunk: EventChunk,
    start: number,
    end: number,
  ): number {
    return this.#byPlane(bin, span, chunk, start, end, (plane, from, to, scale, offset) => {
      const right = plane + 1 < this.channels ? plane + 1 : plane;
      return addEvents(data, plane, right, this.#grid.offsets(this.channels), chunk, from, to, scale, offset);
    });
  }

  /** The same to a pair of planes, which moves on with the time. */
  #spreadInPairs(
    data: Float32Array,
    pair: Pair,
    bin: OpenBin,
    span: number,
    chunk: EventChunk,
    start: number,
    end: number,
  ): number {
    return this.#byPlane(bin, span, chunk, start, end, (plane, from, to, scale, offset) => {
      this.#moveOn(pair, plane, data);
      const left = plane & 1;
      const right = plane + 1 < this.channels ? 1 - left : left;
      return addEvents(pair.values, left, right, this.#grid.offsets(2), chunk, from, to, scale, offset);
    });
  }

  /** Writes the planes of a pair before `plane` to the frame, and takes up those that come. */
  #moveOn(pair: Pair, plane: number, data: Float32Array): void {
    const { channels } = this;
    const { values } = pair;
    for (; pair.plane < plane; pair.plane++) {
      for (let i = pair.plane & 1, at = pair.plane; i < values.length; i += 2, at += channels) {
        data[at] = values[i]!;
      }
      this.#load(values, pair.plane + 2, data);
    }
  }

  /** Takes a plane of the frame into its half of a pair's values. */
  #load(values: Float32Array, plane: number, data: Float32Array): void {
    const { channels } = this;
    if (plane >= channels) return;
    for (let i = plane & 1, at = plane; i < values.length; i += 2, at += channels) values[i] = data[at]!;
  }

  /**
   * Cuts events, which are in order of time, where they pass from plane to plane, so that the plane is not worked out for
   * each of them.
   * @param add adds the events `from` to `to`: their place after the plane is (t + offset) scale
   */
  #byPlane(
    { startMicros }: OpenBin,
    span: number,
    { origin, t }: EventChunk,
    start: number,
    end: number,
    add: (plane: number, from: number, to: number, scale: number, offset: number) => number,
  ): number {
    if (start >= end) return 0;
    const last = this.channels - 1;
    const scale = span > 0 ? last / span : 0;
    const shift = origin - startMicros;
    let inside = 0;
    // One before the first event's, so that rounding does not depend on where a chunk begins.
    let plane = Math.max(0, Math.min(last, Math.floor((t[start]! + shift) * scale)) - 1);
    for (let from = start; from < end; plane++) {
      const isLast = plane === last || scale === 0;
      const to = isLast ? end : firstEventFrom(t, (plane + 1) / scale - shift, from, end);
      if (to > from) {
        inside += isLast ? add(plane, from, to, 0, 0) : add(plane, from, to, scale, shift - plane / scale);
      }
      from = to;
    }
    return inside;
  }

  #inside({ x, y }: EventChunk, start: number, end: number): number {
    const { columns, rows } = this.#grid.offsets(this.channels);
    let inside = 0;
    for (let i = start; i < end; i++) if (rows[y[i]!]! + columns[x[i]!]! >= 0) inside++;
    return inside;
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
