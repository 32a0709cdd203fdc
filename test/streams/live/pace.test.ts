import { describe, expect, it } from 'vitest';
import { pacedSlices } from '../../../src/streams/live/pace.ts';
import { chunkOf, type Row, rowsOf } from './protocols/decoding.ts';

const rows: Row[] = Array.from({ length: 500 }, (_, i) => [1_000_000 + 400 * i, i, 0, 0]);
const chunks = [chunkOf(rows.slice(0, 300)), chunkOf(rows.slice(300))];

async function timed(pace: Parameters<typeof pacedSlices>[1], work: () => void = () => {}) {
  const started = performance.now();
  const slices = [];
  for await (const slice of pacedSlices(chunks, pace)) {
    slices.push({ slice, millis: performance.now() - started });
    work();
  }
  return slices;
}

describe('pacedSlices', () => {
  it('gives the same events, at any pace', async () => {
    for (const pace of [{}, { speed: 10 }, { eventsPerSecond: 20_000 }, { mostEvents: 7 }]) {
      const slices = await timed(pace);
      expect(rowsOf(slices.map(({ slice }) => slice))).toEqual(rows);
    }
  });

  it('hands events on when they are due, never before', async () => {
    const slices = await timed({ speed: 2 });
    for (const { slice, millis } of slices) {
      const micros = slice.origin + slice.t[0]! - rows[0]![0];
      expect(millis).toBeGreaterThanOrEqual(micros / 2000 - 2);
      expect(slice.t.at(-1)! - slice.t[0]!).toBeLessThan(4000);
    }
    expect(slices.at(-1)!.millis).toBeGreaterThan(90);
  });

  it('keeps a rate of events', async () => {
    const slices = await timed({ eventsPerSecond: 5000 });
    expect(slices.at(-1)!.millis).toBeGreaterThan(90);
    expect(Math.max(...slices.map(({ slice }) => slice.t.length))).toBe(10);
  });

  it('ends at the signal, while it waits', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 20);
    const slices = await timed({ speed: 0.0001, signal: stop.signal });
    expect(slices.length).toBe(1);
  });
});
