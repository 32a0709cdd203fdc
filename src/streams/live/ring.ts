import { allocateChunk, type EventChunk } from '../../events.ts';

const LONGEST_CHUNK_MICROS = 0xffffffff;

/**
 * Events between a live source and its consumer, in a fixed amount of memory (13 bytes an event): where the consumer
 * is slow the oldest are dropped and counted, so that what comes out is as recent as it can be.
 */
export class EventRing {
  readonly capacity: number;
  readonly #micros: Float64Array;
  readonly #x: Uint16Array;
  readonly #y: Uint16Array;
  readonly #on: Uint8Array;
  #head = 0;
  #length = 0;
  #dropped = 0;

  /** @param capacity events that are held at most */
  constructor(capacity: number) {
    this.capacity = capacity;
    this.#micros = new Float64Array(capacity);
    this.#x = new Uint16Array(capacity);
    this.#y = new Uint16Array(capacity);
    this.#on = new Uint8Array(capacity);
  }

  /** Events held now. */
  get length(): number {
    return this.#length;
  }

  /** Events that were overwritten before anyone took them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds an event; `micros` never goes back. */
  push(micros: number, x: number, y: number, on: number): void {
    let at = this.#head + this.#length;
    if (at >= this.capacity) at -= this.capacity;
    this.#micros[at] = micros;
    this.#x[at] = x;
    this.#y[at] = y;
    this.#on[at] = on;
    if (this.#length < this.capacity) {
      this.#length++;
    } else {
      this.#head = at + 1 === this.capacity ? 0 : at + 1;
      this.#dropped++;
    }
  }

  /** Takes out the oldest events, up to `limit` of them and 2^32 µs of time; empty where none are held. */
  take(limit: number): EventChunk {
    const most = Math.min(limit, this.#length);
    const origin = most === 0 ? 0 : this.#micros[this.#head]!;
    const count = this.#countWithin(most, origin + LONGEST_CHUNK_MICROS);
    const chunk = allocateChunk(origin, count);
    let at = this.#head;
    for (let i = 0; i < count; i++) {
      chunk.t[i] = this.#micros[at]! - origin;
      chunk.x[i] = this.#x[at]!;
      chunk.y[i] = this.#y[at]!;
      chunk.on[i] = this.#on[at]!;
      if (++at === this.capacity) at = 0;
    }
    this.#head = at;
    this.#length -= count;
    return chunk;
  }

  /** Drops what is held. */
  clear(): void {
    this.#dropped += this.#length;
    this.#length = 0;
  }

  #countWithin(most: number, lastMicros: number): number {
    const at = (this.#head + most - 1) % this.capacity;
    if (most === 0 || this.#micros[at]! <= lastMicros) return most;
    let count = 0;
    while (this.#micros[(this.#head + count) % this.capacity]! <= lastMicros) count++;
    return count;
  }
}
