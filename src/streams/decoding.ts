import type { EventChunk, Recording, SensorSize } from '../events.ts';
import { zeroCounters } from './formats/fault.ts';
import type { DecodeCounters, EventDecoder } from './formats/format.ts';

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
        yield* emitted((emit) => decoder!.push(slice, emit));
      }
    }
    decoder ??= await createDecoder(new Uint8Array(0));
    yield* emitted((emit) => decoder!.end(emit));
  }
  return {
    get counters() {
      return decoder?.counters ?? zeroCounters();
    },
    get sensor() {
      return decoder?.sensor;
    },
    [Symbol.asyncIterator]: decode,
  };
}

/** What `run` emits, then the error that it throws, if any. */
function* emitted(run: (emit: (chunk: EventChunk) => void) => void): Generator<EventChunk> {
  const chunks: EventChunk[] = [];
  let failure: { error: unknown } | undefined;
  try {
    run((chunk) => chunks.push(chunk));
  } catch (error) {
    failure = { error };
  }
  yield* chunks;
  if (failure !== undefined) throw failure.error;
}
