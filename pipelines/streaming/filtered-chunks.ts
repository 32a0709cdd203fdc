import type { EventChunk } from '../../src/events.ts';
import type { FilterChain } from '../../src/operators/filters/index.ts';

/** The chunks through the filters, and what they hold back until the end. */
export async function* filteredChunks(
  chunks: AsyncIterable<EventChunk>,
  chain: FilterChain,
): AsyncGenerator<EventChunk> {
  const ready: EventChunk[] = [];
  const emit = (chunk: EventChunk): number => ready.push(chunk);
  for await (const chunk of chunks) {
    chain.push(chunk, emit);
    yield* ready.splice(0);
  }
  chain.end(emit);
  yield* ready;
}
