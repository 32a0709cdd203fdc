import { CHUNK_EVENTS, chunkViews, type EventChunk, sliceChunk } from '../../events.ts';

/**
 * Collects events into chunks of CHUNK_EVENTS, whatever the sizes of the blocks they came in: decoders write the
 * columns of `open` from `length` on, then say how far they came. A chunk that was emitted is never written again.
 */
export class ChunkBuilder {
  /** Events in the open chunk, always less than CHUNK_EVENTS. */
  length = 0;
  #chunk: EventChunk | undefined;

  /** The chunk to write to; `origin` (microseconds) holds for an empty chunk only, so flush before it changes. */
  open(origin: number): EventChunk {
    if (this.#chunk === undefined) {
      // Uninitialised memory: zeroing it first costs a decoder an eighth of its speed.
      const buffer = Buffer.allocUnsafeSlow(9 * CHUNK_EVENTS).buffer as ArrayBuffer;
      this.#chunk = chunkViews(buffer, origin, CHUNK_EVENTS);
    } else if (this.length === 0 && this.#chunk.origin !== origin) {
      this.#chunk = { ...this.#chunk, origin };
    }
    return this.#chunk;
  }

  /** Tells how many events the open chunk holds now, and hands it on when it is full. */
  advance(length: number, emit: (chunk: EventChunk) => void): void {
    this.length = length;
    if (length === CHUNK_EVENTS) this.flush(emit);
  }

  /** Hands on what there is. */
  flush(emit: (chunk: EventChunk) => void): void {
    const chunk = this.#chunk;
    const length = this.length;
    if (chunk === undefined || length === 0) return;
    this.#chunk = undefined;
    this.length = 0;
    emit(length === CHUNK_EVENTS ? chunk : sliceChunk(chunk, 0, length));
  }
}
