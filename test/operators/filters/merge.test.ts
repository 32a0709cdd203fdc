import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventChunk } from '../../../src/events.ts';
import { filters } from '../../../src/operators/index.ts';
import { arbitraryEvents, chunkAt, chunkOf, split } from '../event-cases.ts';
import { type Row, rowsOf } from './filter-cases.ts';

async function* streamOf(chunks: readonly EventChunk[], onLeave?: () => void): AsyncGenerator<EventChunk> {
  try {
    yield* chunks;
  } finally {
    onLeave?.();
  }
}

async function merged(...streams: (readonly EventChunk[])[]): Promise<Row[]> {
  const chunks: EventChunk[] = [];
  for await (const chunk of filters.mergeChunks(streams.map((chunks) => streamOf(chunks))))
    chunks.push(chunk);
  return rowsOf(chunks);
}

describe('mergeChunks', () => {
  it('gives all events in order of time, the earlier stream first, however they are cut', async () => {
    const stream = arbitraryEvents({ width: 3, height: 3 }).map((events) =>
      events.map((event) => ({ ...event, micros: event.micros % 4096 })).sort((a, b) => a.micros - b.micros),
    );
    const cuts = fc.array(fc.nat(60), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(stream, cuts), { maxLength: 4 }), async (streams) => {
        const chunks = streams.map(([events, at]) =>
          split(
            chunkOf(events),
            at.map((cut) => Math.min(cut, events.length)),
          ),
        );
        const expected = streams
          .flatMap(([events], order) => events.map((event) => ({ ...event, order })))
          .sort((a, b) => a.micros - b.micros || a.order - b.order)
          .map(({ micros, x, y, on }): Row => [micros, x, y, on]);
        expect(await merged(...chunks)).toStrictEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  it('passes chunks on as they are where streams do not overlap', async () => {
    const chunks = [chunkAt(1, 2), chunkAt(10, 11)];
    const given: EventChunk[] = [];
    for await (const chunk of filters.mergeChunks([streamOf(chunks), streamOf([])])) given.push(chunk);
    expect(given[0]).toBe(chunks[0]);
    expect(given[1]).toBe(chunks[1]);
  });

  it('leaves its streams when the consumer leaves, and passes errors on', async () => {
    let left = 0;
    const streams = [1, 2].map((t) => streamOf([chunkAt(t), chunkAt(t + 5)], () => left++));
    for await (const _ of filters.mergeChunks(streams)) break;
    expect(left).toBe(2);
    const failing = (async function* (): AsyncGenerator<EventChunk> {
      yield chunkAt(0);
      throw new Error('source');
    })();
    await expect(async () => {
      for await (const _ of filters.mergeChunks([failing, streamOf([chunkAt(3)], () => left++)]));
    }).rejects.toThrow('source');
    expect(left).toBe(3);
  });
});
