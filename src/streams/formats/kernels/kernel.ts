import type { EventChunk } from '../../../events.ts';
import type { DecodeState } from './state.ts';

/**
 * Decodes whole records from byte `start` on into the open chunk, until the records end, the chunk is full or the
 * state says STOPPED; gives the byte reached. A call that reaches no further found the chunk full.
 */
export type Kernel = (records: DataView, start: number, chunk: EventChunk, state: DecodeState) => number;
