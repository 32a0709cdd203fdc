import { CHUNK_EVENTS, chunkViews, type EventChunk, sliceChunk } from '../../events.ts';

/** What a loop that decodes events into a chunk carries from one call to the next. */
export interface Progress {
  /** Events in the open chunk. */
  length: number;
  /** Time of the last event, in microseconds on the clock of the loop. */
  last: number;
  /** Set when the next event's time does not fit in the open chunk, whose origin must move. */
  overflow: boolean;
}

/**
 * Collects events into chunks of CHUNK_EVENTS, whatever the sizes of the blocks they came in: decoders write the
 * columns of `open` from `length` on, then say how far they came. A chunk that was emitted is never written again.
 */
export class ChunkBuilder {
  /** Events in the open chunk, always less than it has room for. */
  length = 0;
  /** Microseconds that all times of the open chunk are after. */
  origin: number;
  #chunk: EventChunk | undefined;

  constructor(origin = 0) {
    this.origin = origin;
  }

  /** The chunk to write to; its columns are as long as there is room. */
  open(): EventChunk {
    // Uninitialised memory: zeroing it first costs a decoder an eighth of its speed.
    this.#chunk ??= chunkViews(
      Buffer.allocUnsafeSlow(9 * CHUNK_EVENTS).buffer as ArrayBuffer,
      this.origin,
      CHUNK_EVENTS,
    );
    return this.#chunk;
  }

  /** Tells how many events the open chunk holds now, and hands it on when it is full. */
  advance(length: number, emit: (chunk: EventChunk) => void): void {
    this.length = length;
    if (length === this.#chunk!.t.length) this.flush(emit);
  }

  /**
   * Hands on what there is, and counts times from `origin` on. The next chunk takes the rest of the room: where times
   * jump at every event, each chunk would otherwise cost the memory of a full one.
   */
  moveOrigin(origin: number, emit: (chunk: EventChunk) => void): void {
    const rest = this.#chunk && sliceChunk(this.#chunk, this.length, this.#chunk.t.length);
    this.flush(emit);
    this.origin = origin;
    this.#chunk = rest && { ...rest, origin };
  }

  /** Hands on what there is; what comes next takes the rest of the room. */
  handOn(emit: (chunk: EventChunk) => void): void {
    this.moveOrigin(this.origin, emit);
  }

  /** Hands on what there is, and leaves the room behind it unused: the next record needs more. */
  close(emit: (chunk: EventChunk) => void): void {
    this.flush(emit);
    this.#chunk = undefined;
  }

  /** Hands on what there is. */
  flush(emit: (chunk: EventChunk) => void): void {
    const chunk = this.#chunk;
    const length = this.length;
    if (chunk === undefined || length === 0) return;
    this.#chunk = undefined;
    this.length = 0;
    emit(length === chunk.t.length ? chunk : sliceChunk(chunk, 0, length));
  }
}
