import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import type { EventChunk, Frame } from '../../src/events.ts';
import {
  BinByEventBins,
  type BinByEventBinsOptions,
  binByEventBins,
  binCounters,
  FrameGrid,
} from '../../src/operators/index.ts';
import { arbitraryCuts, arbitraryEvents, chunkAt, chunkOf, runStage, split, total } from './event-cases.ts';
import { describeOperatorCases } from './operator-cases.ts';

const grid = new FrameGrid({ sensor: { width: 1, height: 1 } });
const small = { width: 4, height: 3 };

describeOperatorCases<EventChunk, Frame>('binByEventBins', {
  create: () => binByEventBins({ bins: 2, grid }),
  values: [chunkAt(0, 5), chunkAt(12), chunkAt(40)],
  outputs: { empty: 0, one: 2, many: 2 },
  holds: true,
});

/** [start, end, events] of each frame. */
function bins(chunks: Iterable<EventChunk>, options: Omit<BinByEventBinsOptions, 'grid'>): number[][] {
  const frames = runStage(new BinByEventBins({ grid, ...options }), chunks);
  return frames.map(({ startMicros, endMicros, events }) => [startMicros, endMicros, events]);
}

describe('BinByEventBins', () => {
  const seven = [chunkAt(0, 1, 5), chunkAt(6, 7, 20, 21)];

  it('shares the events out evenly: bins differ by one', () => {
    expect(bins(seven, { bins: 3 })).toStrictEqual([
      [0, 2, 2],
      [5, 7, 2],
      [7, 22, 3],
    ]);
  });

  it('drops the rest if told so, and counts it', () => {
    const counters = binCounters();
    expect(bins(seven, { bins: 3, tail: 'drop', counters })).toStrictEqual([
      [0, 2, 2],
      [5, 7, 2],
      [7, 21, 2],
    ]);
    expect(counters).toStrictEqual({ events: 7, outside: 0, tail: 1, skippedBins: 0 });
  });

  it('lets bins overlap and still cover all', () => {
    const ten = [chunkAt(...Array.from({ length: 10 }, (_, i) => i))];
    expect(bins(ten, { bins: 3, overlap: 0.5 })).toStrictEqual([
      [0, 5, 5],
      [2, 7, 5],
      [5, 10, 5],
    ]);
  });

  it('gives empty bins where there are fewer events than bins', () => {
    const frames = bins([chunkAt(4, 9)], { bins: 4 });
    expect(frames.map(([, , events]) => events)).toStrictEqual([0, 1, 0, 1]);
  });

  it('counts every event once, whatever the cuts', () => {
    const cases = arbitraryEvents(small).chain((events) =>
      fc.record({
        events: fc.constant(events),
        cuts: arbitraryCuts(events.length),
        count: fc.integer({ min: 1, max: 9 }),
      }),
    );
    const smallGrid = new FrameGrid({ sensor: small });
    fc.assert(
      fc.property(cases, ({ events, cuts, count }) => {
        const stage = (): BinByEventBins => new BinByEventBins({ grid: smallGrid, bins: count });
        const expected = runStage(stage(), [chunkOf(events)]);
        expect(runStage(stage(), split(chunkOf(events), cuts))).toStrictEqual(expected);
        expect(total(expected)).toBe(events.length);
        const counts = expected.map(({ events }) => events);
        if (counts.length > 0) expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('refuses no bins, and an overlap of a whole bin', () => {
    expect(() => new BinByEventBins({ grid, bins: 0 })).toThrow(OptionError);
    expect(() => new BinByEventBins({ grid, bins: 2, overlap: 1 })).toThrow(OptionError);
  });
});
