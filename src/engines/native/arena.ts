/**
 * Memory of the native engine's tensors: blocks of a few large segments, so that a training step touches the same
 * pages as the one before, and nothing waits for the garbage collector.
 *
 * A block that is given back may be handed out again at once, although operations that use it still wait: they run
 * in the order of their submission, so whoever gets the block next writes after they have read. What JavaScript
 * itself reads or writes waits for the stream first.
 */

/** A piece of a segment. */
export interface Block {
  readonly segment: Segment;
  /** In bytes. */
  readonly offset: number;
  readonly size: number;
}

interface Range {
  start: number;
  end: number;
}

interface Segment {
  readonly buffer: ArrayBuffer;
  readonly address: number;
  /** In ascending order, never touching each other. */
  readonly free: Range[];
}

const SEGMENT_BYTES = 256 * 2 ** 20;
/** Vectors and cache lines. */
const ALIGNMENT = 64;

/** Hands out blocks of memory and takes them back. */
export class Arena {
  readonly #segments: Segment[] = [];
  readonly #buffers = new WeakSet<ArrayBufferLike>();
  readonly #reserve: (bytes: number) => ArrayBuffer;
  readonly #addressOf: (buffer: ArrayBuffer) => number;

  constructor(memory: { reserve(bytes: number): ArrayBuffer; addressOf(buffer: ArrayBuffer): number }) {
    this.#reserve = memory.reserve;
    this.#addressOf = memory.addressOf;
  }

  /** True for memory that blocks are made of. */
  owns(buffer: ArrayBufferLike): boolean {
    return this.#buffers.has(buffer);
  }

  /** A block of at least `bytes`, its contents whatever they were. */
  allocate(bytes: number): Block {
    const size = Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT;
    for (const segment of this.#segments) {
      const offset = takeFrom(segment.free, size);
      if (offset !== undefined) return { segment, offset, size };
    }
    const buffer = this.#reserve(Math.max(SEGMENT_BYTES, size));
    this.#buffers.add(buffer);
    const segment = {
      buffer,
      address: this.#addressOf(buffer),
      free: [{ start: size, end: buffer.byteLength }],
    };
    this.#segments.push(segment);
    return { segment, offset: 0, size };
  }

  /** Takes a block back. */
  free({ segment: { free }, offset, size }: Block): void {
    const next = firstAfter(free, offset);
    const before = free[next - 1];
    const after = free[next];
    const end = offset + size;
    const joinsBefore = before?.end === offset;
    const joinsAfter = after?.start === end;
    if (joinsBefore && joinsAfter) {
      before.end = after.end;
      free.splice(next, 1);
    } else if (joinsBefore) before.end = end;
    else if (joinsAfter) after.start = offset;
    else free.splice(next, 0, { start: offset, end });
  }
}

/** Takes `size` bytes off the smallest range that has them; gives where they begin. */
function takeFrom(free: Range[], size: number): number | undefined {
  let best = -1;
  let bestSize = Number.POSITIVE_INFINITY;
  for (let i = 0; i < free.length; i++) {
    const { start, end } = free[i]!;
    if (end - start >= size && end - start < bestSize) {
      best = i;
      bestSize = end - start;
    }
  }
  if (best < 0) return undefined;
  const range = free[best]!;
  const { start } = range;
  range.start += size;
  if (range.start === range.end) free.splice(best, 1);
  return start;
}

/** Index of the first range that begins after `offset`. */
function firstAfter(free: readonly Range[], offset: number): number {
  let low = 0;
  let high = free.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (free[middle]!.start > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
