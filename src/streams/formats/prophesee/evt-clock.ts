import type { EventChunk } from '../../../events.ts';
import type { KernelChunks } from '../kernels/kernel-chunks.ts';
import { ANCHOR, BASE, HIGH, LAST, NOW } from '../kernels/state.ts';

/** Times of a chunk stay below this many microseconds after its origin, and far from the limit of 32 bits. */
const FARTHEST_MICROS = 2 ** 30;
/** How far before a silence the origin is kept, so that small backward steps behind it stay exact. */
const NEAR_MICROS = 2 ** 29;

/** Kernels take steps of TIME_HIGH within this many microseconds of the origin, and stop at others. */
export const KERNEL_REACH_MICROS: number = FARTHEST_MICROS;

/**
 * The time that EVT words stand for: TIME_HIGH words give the upper bits and wrap. A value that falls by half its
 * range or more has wrapped; one that falls by less goes back, and that is legal.
 */
export class EvtClock {
  readonly #chunks: KernelChunks;
  /** Values that TIME_HIGH has, and microseconds from one to the next. */
  readonly #span: number;
  readonly #unit: number;
  readonly #shifted: boolean;
  #loops = 0;
  #shift = 0;

  /**
   * @param highBits bits of a TIME_HIGH word's value
   * @param lowBits bits of time that other words give
   * @param shifted whether times count from the first TIME_HIGH word
   */
  constructor(chunks: KernelChunks, highBits: number, lowBits: number, shifted: boolean) {
    this.#chunks = chunks;
    this.#span = 2 ** highBits;
    this.#unit = 2 ** lowBits;
    this.#shifted = shifted;
    chunks.state[HIGH] = -1;
  }

  /** Whether a TIME_HIGH word has come. */
  get started(): boolean {
    return this.#chunks.state[HIGH]! >= 0;
  }

  /** Begins behind so many wraps, before the first TIME_HIGH word that comes. */
  begin(loops: number): void {
    this.#loops = loops;
  }

  /** Takes the value of a TIME_HIGH word; throws a RangeError where times are not exact any more. */
  set(value: number, emit: (chunk: EventChunk) => void): void {
    const { state } = this.#chunks;
    const first = !this.started;
    if (value === state[HIGH]) return;
    if (!first && state[HIGH]! - value >= this.#span / 2) this.#loops++;
    if (first && this.#shifted) this.#shift = value * this.#unit;
    const micros = (this.#loops * this.#span + value) * this.#unit - this.#shift;
    if (micros >= Number.MAX_SAFE_INTEGER) throw new RangeError('times within 2^53 µs expected');
    if (first) this.#chunks.moveOrigin(micros, emit);
    else if (micros - this.#chunks.origin >= FARTHEST_MICROS) {
      const farthest = Math.max(this.#chunks.origin + state[LAST]!, micros - NEAR_MICROS);
      this.#chunks.moveOrigin(Math.floor(farthest / this.#unit) * this.#unit, emit);
    }
    const after = micros - this.#chunks.origin;
    state[HIGH] = value;
    state[ANCHOR] = value - after / this.#unit;
    state[BASE] = Math.max(after, -FARTHEST_MICROS);
    state[NOW] = state[BASE]!;
  }
}
