import type { EventChunk } from '../../events.ts';
import { ChunkBuilder, type Progress } from './chunk-builder.ts';

/** Upper halves of 64-bit times in microseconds from here on make numbers that are not exact. */
const EXACT_HIGH = 2 ** 21;

/**
 * Decodes events from `start` to `stop` into a chunk, or until one whose time's upper half is beyond `originHigh`;
 * gives the event reached.
 */
export type DecodeWide = (
  start: number,
  stop: number,
  chunk: EventChunk,
  originHigh: number,
  progress: Progress,
) => number;

/**
 * Chunks of events whose times have 64 bits. The upper halves make the origins of the chunks, so that loops compare
 * 32-bit numbers alone; a new upper half, every 71 minutes, begins a new chunk.
 */
export class WideChunks {
  readonly #chunks = new ChunkBuilder();
  readonly #progress: Progress = { length: 0, last: 0, overflow: false };
  #originHigh: number | undefined;

  /**
   * Adds a block of events.
   * @param timeHigh upper half of an event's time
   * @param fail throws, for a time that is not exact
   */
  add(
    events: number,
    timeHigh: (event: number) => number,
    decode: DecodeWide,
    fail: (message: string) => never,
    emit: (chunk: EventChunk) => void,
  ): void {
    const progress = this.#progress;
    for (let event = 0; event < events; ) {
      if (this.#originHigh === undefined || progress.overflow) {
        const high = timeHigh(event);
        if (high < -EXACT_HIGH || high >= EXACT_HIGH) fail('times within 2^53 µs expected');
        this.#moveOrigin(high, emit);
      }
      const chunk = this.#chunks.open();
      progress.length = this.#chunks.length;
      const stop = Math.min(events, event + chunk.t.length - progress.length);
      event = decode(event, stop, chunk, this.#originHigh!, progress);
      this.#chunks.advance(progress.length, emit);
    }
  }

  /** Time of the last event in microseconds; undefined before the first. */
  get lastMicros(): number | undefined {
    return this.#originHigh === undefined ? undefined : this.#originHigh * 2 ** 32 + this.#progress.last;
  }

  /** Hands on what there is; times begin anew. */
  restart(emit: (chunk: EventChunk) => void): void {
    this.#chunks.flush(emit);
    this.#originHigh = undefined;
  }

  /** Hands on what there is of a stream that goes on. */
  handOn(emit: (chunk: EventChunk) => void): void {
    this.#chunks.handOn(emit);
  }

  /** Hands on what there is. */
  flush(emit: (chunk: EventChunk) => void): void {
    this.#chunks.flush(emit);
  }

  #moveOrigin(high: number, emit: (chunk: EventChunk) => void): void {
    this.#chunks.moveOrigin(high * 2 ** 32, emit);
    this.#originHigh = high;
    this.#progress.last = 0;
    this.#progress.overflow = false;
  }
}
