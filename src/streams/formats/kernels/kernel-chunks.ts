import type { EventChunk } from '../../../events.ts';
import { ChunkBuilder } from '../chunk-builder.ts';
import type { DecodeCounters } from '../format.ts';
import type { Kernel } from './kernel.ts';
import { BACKWARD, LAST, LENGTH, OUT_OF_RANGE, SKIPPED, STATE_LENGTH, STOPPED } from './state.ts';

/** Deals with the record at which a kernel stopped; gives the byte to go on at. */
export type Resume = (position: number) => number;

/** Runs kernels over blocks of records, collects their events into chunks and their counts into counters. */
export class KernelChunks {
  readonly state: Int32Array = new Int32Array(STATE_LENGTH);
  readonly #chunks = new ChunkBuilder();
  readonly #counters: DecodeCounters;

  constructor(counters: DecodeCounters) {
    this.#counters = counters;
  }

  /** Microseconds that all times of the state are after. */
  get origin(): number {
    return this.#chunks.origin;
  }

  /**
   * Decodes all records.
   * @param start byte of the first record
   */
  decode(
    records: DataView,
    start: number,
    kernel: Kernel,
    resume: Resume,
    emit: (chunk: EventChunk) => void,
  ): void {
    const state = this.state;
    for (let position = start; position < records.byteLength; ) {
      const chunk = this.#chunks.open();
      state[LENGTH] = this.#chunks.length;
      state[STOPPED] = 0;
      const reached = kernel(records, position, chunk, state);
      this.#collect(emit);
      if (state[STOPPED] !== 0) position = resume(reached);
      else if (reached === position) this.#chunks.close(emit);
      else position = reached;
    }
  }

  /** Begins a chunk of another origin; times of the state that lie before it become its start. */
  moveOrigin(origin: number, emit: (chunk: EventChunk) => void): void {
    const moved = origin - this.#chunks.origin;
    this.#chunks.moveOrigin(origin, emit);
    this.state[LAST] = Math.max(0, this.state[LAST]! - moved);
  }

  /** Hands on what there is of a stream that goes on. */
  handOn(emit: (chunk: EventChunk) => void): void {
    this.#chunks.handOn(emit);
  }

  /** Hands on what there is. */
  flush(emit: (chunk: EventChunk) => void): void {
    this.#chunks.flush(emit);
  }

  #collect(emit: (chunk: EventChunk) => void): void {
    const state = this.state;
    const counters = this.#counters;
    counters.events += state[LENGTH]! - this.#chunks.length;
    counters.backward += state[BACKWARD]!;
    counters.outOfRange += state[OUT_OF_RANGE]!;
    counters.skipped += state[SKIPPED]!;
    state[BACKWARD] = 0;
    state[OUT_OF_RANGE] = 0;
    state[SKIPPED] = 0;
    this.#chunks.advance(state[LENGTH]!, emit);
  }
}
