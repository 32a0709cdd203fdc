import type { EventChunk } from '../../../events.ts';
import type { LoopState } from './state.ts';

/** Formats that loops decode, and that they encode. */
export const DECODED = ['aedat2', 'aedat4', 'dat', 'es', 'evt2', 'evt21', 'evt3', 'nmnist'] as const;
export const ENCODED = ['aedat2', 'aedat4', 'dat', 'es', 'evt2', 'evt3', 'nmnist'] as const;

/**
 * Decodes whole records from byte `start` on into the open chunk, until the records end, the chunk is full or the
 * state says STOPPED; gives the byte reached. A call that reaches no further found the chunk full.
 */
export type Kernel = (records: DataView, start: number, chunk: EventChunk, state: LoopState) => number;

/**
 * Encodes events from `start` on to `bytes`, from where the state's LENGTH says on; gives the event reached, which its
 * caller deals with where the state says STOPPED. There is room for the most bytes that each event may become, and
 * ENCODE_SLACK_BYTES behind them, which may be overwritten.
 */
export type EncodeKernel = (chunk: EventChunk, start: number, bytes: DataView, state: LoopState) => number;

/** Bytes behind their output that encoding loops may overwrite. */
export const ENCODE_SLACK_BYTES = 16;
