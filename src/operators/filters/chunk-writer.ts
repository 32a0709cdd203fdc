import { allocateChunk, CHUNK_EVENTS, type EventChunk, sliceChunk } from '../../events.ts';

/** Writes events in order of time into fresh chunks of at most 16,384. */
export class ChunkWriter {
  #chunk: EventChunk | undefined;
  #length = 0;

  /** Appends one event; a chunk that is full, or whose times would not fit 32 bits, is given first. */
  add(micros: number, x: number, y: number, on: number, emit: (chunk: EventChunk) => void): void {
    let chunk = this.#chunk;
    if (chunk === undefined || this.#length === CHUNK_EVENTS || micros - chunk.origin > 0xffffffff) {
      this.flush(emit);
      chunk = this.#chunk = allocateChunk(micros, CHUNK_EVENTS);
    }
    const i = this.#length++;
    chunk.t[i] = micros - chunk.origin;
    chunk.x[i] = x;
    chunk.y[i] = y;
    chunk.on[i] = on;
  }

  /** Appends the events `start` to `end` (exclusive) of a chunk. */
  addAll(source: EventChunk, start: number, end: number, emit: (chunk: EventChunk) => void): void {
    const { origin, t, x, y, on } = source;
    for (let i = start; i < end; i++) this.add(origin + t[i]!, x[i]!, y[i]!, on[i]!, emit);
  }

  /** Gives what has been written; memory is that of the events given, not of the room kept for them. */
  flush(emit: (chunk: EventChunk) => void): void {
    const chunk = this.#chunk;
    const length = this.#length;
    this.#chunk = undefined;
    this.#length = 0;
    if (chunk === undefined) return;
    emit(2 * length > CHUNK_EVENTS ? sliceChunk(chunk, 0, length) : copyOf(chunk, length));
  }
}

function copyOf({ origin, t, x, y, on }: EventChunk, length: number): EventChunk {
  const copy = allocateChunk(origin, length);
  copy.t.set(t.subarray(0, length));
  copy.x.set(x.subarray(0, length));
  copy.y.set(y.subarray(0, length));
  copy.on.set(on.subarray(0, length));
  return copy;
}
