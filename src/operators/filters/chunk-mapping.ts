import type { EventChunk } from '../../events.ts';
import { type FilterCounters, type FilterStage, filterCounters } from './filter-stage.ts';

/** A filter that gives one chunk for each, without a memory: most change one or two columns and share the rest. */
export abstract class ChunkMapping implements FilterStage {
  readonly counters: FilterCounters = filterCounters();

  /** The chunk that goes on; columns that do not change are the same arrays. */
  protected abstract map(chunk: EventChunk): EventChunk;

  push(chunk: EventChunk, emit: (chunk: EventChunk) => void): void {
    const mapped = this.map(chunk);
    this.counters.in += chunk.t.length;
    this.counters.out += mapped.t.length;
    emit(mapped);
  }

  end(_emit: (chunk: EventChunk) => void): void {}
}
