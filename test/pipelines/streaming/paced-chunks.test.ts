import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pacedChunks } from '../../../pipelines/streaming/paced-chunks.ts';
import { allocateChunk, type EventChunk } from '../../../src/events.ts';

function chunkOf(origin: number, times: readonly number[]): EventChunk {
  const chunk = allocateChunk(origin, times.length);
  chunk.t.set(times);
  chunk.x.set(times.map((t) => t % 100));
  return chunk;
}

async function* stream(chunks: readonly EventChunk[]): AsyncGenerator<EventChunk> {
  yield* chunks;
}

async function collect(chunks: AsyncIterable<EventChunk>): Promise<EventChunk[]> {
  const collected: EventChunk[] = [];
  for await (const chunk of chunks) collected.push(chunk);
  return collected;
}

describe('pacedChunks', () => {
  it('hands on nothing of nothing', async () => {
    expect(await collect(pacedChunks(stream([]), { spanMicros: 10 }))).toEqual([]);
    expect(await collect(pacedChunks(stream([chunkOf(5, [])]), { spanMicros: 10, speed: 1 }))).toEqual([]);
  });

  it('hands on a chunk that spans less as it is', async () => {
    const chunk = chunkOf(7, [0, 3, 9]);
    expect(await collect(pacedChunks(stream([chunk]), { spanMicros: 10 }))).toEqual([chunk]);
    const endless = { spanMicros: Number.POSITIVE_INFINITY };
    expect((await collect(pacedChunks(stream([chunk]), endless)))[0]).toBe(chunk);
  });

  it('keeps every event in its order, and no chunk spans more than asked', async () => {
    const times = fc.array(fc.nat(100_000), { maxLength: 60 }).map((values) => values.sort((a, b) => a - b));
    await fc.assert(
      fc.asyncProperty(times, fc.integer({ min: 1, max: 5000 }), async (sorted, spanMicros) => {
        const slices = await collect(pacedChunks(stream([chunkOf(10, sorted)]), { spanMicros }));
        expect(slices.flatMap(({ t }) => [...t])).toEqual(sorted);
        expect(slices.flatMap(({ x }) => [...x])).toEqual(sorted.map((t) => t % 100));
        for (const { t } of slices) expect(t.at(-1)! - t[0]!).toBeLessThan(spanMicros);
      }),
    );
  });

  it.each([
    [2, 100],
    [0.5, 400],
  ])('at speed %d hands 0.2 s of events on over %d ms, each when it has happened', async (speed, millis) => {
    const chunk = chunkOf(
      1e9,
      Array.from({ length: 21 }, (_, i) => i * 10_000),
    );
    const started = performance.now();
    for await (const { t } of pacedChunks(stream([chunk]), { spanMicros: 10_000, speed })) {
      expect(performance.now() - started).toBeGreaterThanOrEqual(t.at(-1)! / 1000 / speed - 2);
    }
    expect(performance.now() - started).toBeGreaterThanOrEqual(millis - 2);
  });

  it('ends at an abort, also in the middle of a wait', async () => {
    const stop = new AbortController();
    const chunk = chunkOf(0, [0, 3_600_000_000]);
    setTimeout(() => stop.abort(), 20);
    const slices = await collect(
      pacedChunks(stream([chunk]), { spanMicros: 10, speed: 1, signal: stop.signal }),
    );
    expect(slices).toHaveLength(1);
  });

  it('closes its source when it is left early, and passes on its failure', async () => {
    let closed = false;
    async function* failing(): AsyncGenerator<EventChunk> {
      try {
        yield chunkOf(0, [0]);
        throw new Error('broken');
      } finally {
        closed = true;
      }
    }
    for await (const _ of pacedChunks(failing(), { spanMicros: 10 })) break;
    expect(closed).toBe(true);
    await expect(collect(pacedChunks(failing(), { spanMicros: 10 }))).rejects.toThrow('broken');
  });
});
