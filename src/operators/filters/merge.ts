import { type EventChunk, sliceChunk } from '../../events.ts';
import { firstEventFrom } from '../first-event-from.ts';
import { ChunkWriter } from './chunk-writer.ts';

/** A stream that is merged: where it is, and how to get on. */
interface Head {
  readonly iterator: AsyncIterator<EventChunk>;
  readonly order: number;
  chunk: EventChunk;
  at: number;
}

/** Runs of at least so many events go on as views. */
const VIEW_EVENTS = 2048;

/**
 * The events of several streams, each in order of time, as one; of events at one time those of the earlier stream in the
 * list come first. One chunk of each is held: streams are pulled as they are needed, and left when the consumer leaves.
 */
export async function* mergeChunks(
  streams: readonly AsyncIterable<EventChunk>[],
): AsyncGenerator<EventChunk, void, undefined> {
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  try {
    const pulled = await Promise.all(iterators.map(nextEvents));
    const heads = pulled.flatMap((chunk, order): Head[] =>
      chunk === undefined ? [] : [{ iterator: iterators[order]!, order, chunk, at: 0 }],
    );
    const writer = new ChunkWriter();
    const ready: EventChunk[] = [];
    const give = (chunk: EventChunk): void => {
      ready.push(chunk);
    };
    while (heads.length > 0) {
      const [head, next] = firstTwo(heads);
      const end = runEnd(head, next);
      if (end - head.at >= VIEW_EVENTS || heads.length === 1) {
        writer.flush(give);
        give(
          head.at === 0 && end === head.chunk.t.length ? head.chunk : sliceChunk(head.chunk, head.at, end),
        );
      } else {
        writer.addAll(head.chunk, head.at, end, give);
      }
      head.at = end;
      if (end === head.chunk.t.length) {
        const chunk = await nextEvents(head.iterator);
        if (chunk === undefined) heads.splice(heads.indexOf(head), 1);
        else Object.assign(head, { chunk, at: 0 });
      }
      yield* ready.splice(0);
    }
    writer.flush(give);
    yield* ready;
  } finally {
    await Promise.all(iterators.map((iterator) => iterator.return?.()));
  }
}

/** The heads whose events come first and second; heads stand in the order of their streams. */
function firstTwo(heads: readonly Head[]): [first: Head, second: Head | undefined] {
  let first = heads[0]!;
  let second: Head | undefined;
  for (let i = 1; i < heads.length; i++) {
    const head = heads[i]!;
    if (timeOf(head) < timeOf(first)) {
      second = first;
      first = head;
    } else if (second === undefined || timeOf(head) < timeOf(second)) {
      second = head;
    }
  }
  return [first, second];
}

function timeOf({ chunk, at }: Head): number {
  return chunk.origin + chunk.t[at]!;
}

/** Where the events of `head` that come before the next stream's first one end. */
function runEnd({ chunk, at, order }: Head, next: Head | undefined): number {
  if (next === undefined) return chunk.t.length;
  const limit = timeOf(next) - chunk.origin + (order < next.order ? 1 : 0);
  // Streams of like rates change places after a few events: looking at those is faster than a search.
  let end = at + 1;
  while (end < chunk.t.length && end < at + 8 && chunk.t[end]! < limit) end++;
  return end === at + 8 ? firstEventFrom(chunk.t, limit, end) : end;
}

/** The stream's next chunk that has events. */
async function nextEvents(iterator: AsyncIterator<EventChunk>): Promise<EventChunk | undefined> {
  for (;;) {
    const { value, done } = await iterator.next();
    if (done) return undefined;
    if (value.t.length > 0) return value;
  }
}
