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

/** What is known of an open bin of a large frame. */
interface Filling {
  /** Events so far, while they are so few that none are spread. */
  held: EventChunk[] | undefined;
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
  /** Values of pairs to be used again, all zeros. */
  readonly #spare: Float32Array[] = [];

  constructor(grid: FrameGrid, { bins }: VoxelGridOptions) {
    this.width = grid.width;
    this.height = grid.height;
    this.channels = wholeNumber('voxel grid bins', bins, 1);
    this.#grid = grid;
    this.#large = 4 * this.width * this.height * this.channels > CACHED_BYTES;
  }

  paint(bin: OpenBin, chunk: EventChunk, start: number, end: number, allocate: Allocate): number {
    const { spanMicros } = bin;
    if (spanMicros !== undefined && !this.#large) {
      bin.data ??= allocate(bin.ordinal);
      return this.#spread(bin, spanMicros, chunk, start, end);
    }
    let filling = this.#fillings.get(bin);
    if (filling === undefined) {
      filling = { held: [], count: 0, pair: undefined };
      this.#fillings.set(bin, filling);
    }
    filling.count += end - start;
    if (filling.held === undefined)
      return this.#spreadInPairs(bin, filling.pair!, spanMicros!, chunk, start, end);
    filling.held.push(sliceChunk(chunk, start, end));
    // Both ways give the same values to the last bit: it is a matter of speed alone.
    if (spanMicros !== undefined && this.#paysPairs(filling.count))
      this.#settle(bin, filling, spanMicros, allocate);
    return this.#inside(chunk, start, end);
  }

  finish(bin: OpenBin, allocate: Allocate): Float32Array | undefined {
    const filling = this.#fillings.get(bin);
    if (filling === undefined) return bin.data;
    this.#fillings.delete(bin);
    if (filling.held !== undefined) {
      this.#settle(bin, filling, bin.spanMicros ?? bin.endMicros - 1 - bin.startMicros, allocate);
    }
    const { pair } = filling;
    if (pair !== undefined) {
      this.#moveOn(pair, Math.min(pair.plane + 2, this.channels), bin.data!);
      this.#spare.push(pair.values);
    }
    return bin.data;
  }

  #paysPairs(events: number): boolean {
    return this.#large && PIXELS_SAVED * events >= this.width * this.height * (this.channels - 1);
  }

  /** Spreads the events that were held, in the way that is fast for so many. */
  #settle(bin: OpenBin, filling: Filling, span: number, allocate: Allocate): void {
    bin.data ??= allocate(bin.ordinal);
    const chunks = filling.held!;
    filling.held = undefined;
    if (this.#paysPairs(filling.count)) {
      filling.pair = {
        values: this.#spare.pop() ?? new Float32Array(2 * this.width * this.height),
        plane: 0,
      };
    }
    for (const chunk of chunks) {
      if (filling.pair === undefined) this.#spread(bin, span, chunk, 0, chunk.t.length);
      else this.#spreadInPairs(bin, filling.pair, span, chunk, 0, chunk.t.length);
    }
  }

  /** Adds the events `start` to `end` of a chunk to the frame; returns how many fell on the grid. */
  #spread(bin: OpenBin, span: number, chunk: EventChunk, start: number, end: number): number {
    const data = bin.data!;
    return this.#byPlane(bin, span, chunk, start, end, (plane, from, to, scale, offset) => {
      const right = plane + 1 < this.channels ? plane + 1 : plane;
      return addEvents(data, plane, right, this.#grid.offsets(this.channels), chunk, from, to, scale, offset);
    });
  }

  /** The same to a pair of planes, which moves on with the time. */
  #spreadInPairs(
    bin: OpenBin,
    pair: Pair,
    span: number,
    chunk: EventChunk,
    start: number,
    end: number,
  ): number {
    return this.#byPlane(bin, span, chunk, start, end, (plane, from, to, scale, offset) => {
      this.#moveOn(pair, plane, bin.data!);
      const left = plane & 1;
      const right = plane + 1 < this.channels ? 1 - left : left;
      return addEvents(pair.values, left, right, this.#grid.offsets(2), chunk, from, to, scale, offset);
    });
  }

  /** Writes the planes of a pair before `plane` to the frame, and clears them for those that come. */
  #moveOn(pair: Pair, plane: number, data: Float32Array): void {
    const { channels } = this;
    const { values } = pair;
    const size = 2 * this.width * this.height;
    // Those behind the two are zeros.
    for (let last = Math.min(plane, pair.plane + 2); pair.plane < last; pair.plane++) {
      for (let i = pair.plane & 1, at = pair.plane; i < size; i += 2, at += channels) {
        data[at] = values[i]!;
        values[i] = 0;
      }
    }
    pair.plane = Math.max(pair.plane, plane);
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
  for (let i = from; i < to; i++) {
    const pixel = rows[y[i]!]! + columns[x[i]!]!;
    if (!(pixel >= 0)) {
      outside++;
      continue;
    }
    const polarity = 2 * on[i]! - 1;
    const later = polarity * ((t[i]! + offset) * scale);
    data[left + pixel]! += polarity - later;
    data[right + pixel]! += later;
  }
  return to - from - outside;
}
