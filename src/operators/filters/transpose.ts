import type { OperatorFunction } from 'rxjs';
import type { EventChunk } from '../../events.ts';
import { stage } from '../stage.ts';
import { ChunkMapping } from './chunk-mapping.ts';

/** Swaps the axes: x' = y, y' = x. Nothing is copied. */
export class Transpose extends ChunkMapping {
  protected map(chunk: EventChunk): EventChunk {
    return { ...chunk, x: chunk.y, y: chunk.x };
  }
}

/** Swaps the axes. */
export function transpose(): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new Transpose());
}
