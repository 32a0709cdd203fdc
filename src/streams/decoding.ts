import type { EventChunk, Recording, SensorSize } from '../events.ts';
import { zeroCounters } from './formats/fault.ts';
import type { DecodeCounters, EventDecoder } from './formats/format.ts';
import { chunksWithin, isBounded, type TimeRange } from './time-range.ts';

/** Bytes that are decoded at a time: about a chunk's worth, so that few chunks wait for their consumer. */
const SLICE_BYTES = 1 << 16;

/** A pass over a recording, which tells what it met as far as it has come. */
export interface DecodedChunks extends AsyncIterable<EventChunk> {
  readonly counters: Readonly<DecodeCounters>;
  readonly sensor: SensorSize | undefined;
}

/** A recording whose passes count what they drop and mend. */
export interface DecodedRecording extends Recording {
  chunks(): DecodedChunks;
}

/**
 * Blocks of bytes through a decoder, pulled by the consumer. The events before a fault come first, then the fault.
 * @param blocks opens the bytes anew
 * @param createDecoder gives the decoder for bytes that start with the first block
 */
export function decodeBlocks(
  blocks: () => AsyncIterable<Uint8Array>,
  createDecoder: (head: Uint8Array) => Promise<EventDecoder>,
): DecodedChunks {
  let decoder: EventDecoder | undefined;
  async function* decode(): AsyncGenerator<EventChunk> {
    decoder = undefined;
    for await (const block of blocks()) {
      decoder ??= await createDecoder(block);
      for (let start = 0; start < block.length; start += SLICE_BYTES) {
        const slice = block.subarray(start, start + SLICE_BYTES);
        const { chunks, failure } = emitted((emit) => decoder!.push(slice, emit));
        for (const chunk of chunks) yield chunk;
        if (failure !== undefined) throw failure.error;
      }
    }
    decoder ??= await createDecoder(new Uint8Array(0));
    const { chunks, failure } = emitted((emit) => decoder!.end(emit));
    for (const chunk of chunks) yield chunk;
    if (failure !== undefined) throw failure.error;
  }
  return passOf(decode, () => decoder);
}

/**
 * The events of a file that is read by jumps, or of a part of a file.
 * @param range what to give; events outside it are cut off, and those that were decoded in vain are not counted
 * @param open begins a pass; what it gives back is closed at its end
 */
export function decodeWithin(range: TimeRange, open: () => Promise<OpenedChunks>): DecodedChunks {
  let opened: OpenedChunks | undefined;
  let delivered = 0;
  async function* decode(): AsyncGenerator<EventChunk> {
    opened = undefined;
    delivered = 0;
    const pass = await open();
    opened = pass;
    try {
      if (!isBounded(range)) yield* pass.chunks;
      else yield* chunksWithin(pass.chunks, range, (events) => (delivered += events));
    } finally {
      await pass.close?.();
    }
  }
  return passOf(decode, () => {
    if (opened === undefined) return undefined;
    const { counters, sensor } = opened.state();
    return { counters: isBounded(range) ? { ...counters, events: delivered } : counters, sensor };
  });
}

/** A pass that has begun. */
export interface OpenedChunks {
  readonly chunks: AsyncIterable<EventChunk>;
  /** What it met so far. */
  state(): Pick<EventDecoder, 'counters' | 'sensor'>;
  close?(): Promise<void>;
}

function passOf(
  decode: () => AsyncGenerator<EventChunk>,
  state: () => Pick<EventDecoder, 'counters' | 'sensor'> | undefined,
): DecodedChunks {
  return {
    get counters() {
      return state()?.counters ?? zeroCounters();
    },
    get sensor() {
      return state()?.sensor;
    },
    [Symbol.asyncIterator]: decode,
  };
}

/** What `run` emits, and the error that it throws, if any. */
function emitted(run: (emit: (chunk: EventChunk) => void) => void): {
  readonly chunks: readonly EventChunk[];
  readonly failure: { readonly error: unknown } | undefined;
} {
  const chunks: EventChunk[] = [];
  try {
    run((chunk) => chunks.push(chunk));
  } catch (error) {
    return { chunks, failure: { error } };
  }
  return { chunks, failure: undefined };
}
