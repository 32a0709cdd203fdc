import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError, OptionError } from '../../src/errors.ts';
import type { EventChunk, Frame } from '../../src/events.ts';
import {
  BinByTime,
  type BinByTimeOptions,
  binByTime,
  binCounters,
  FrameGrid,
} from '../../src/operators/index.ts';
import { arbitraryCuts, arbitraryEvents, chunkAt, chunkOf, runStage, split, total } from './event-cases.ts';
import { describeOperatorCases } from './operator-cases.ts';

const grid = new FrameGrid({ sensor: { width: 1, height: 1 } });
const small = { width: 4, height: 3 };

describeOperatorCases<EventChunk, Frame>('binByTime', {
  create: () => binByTime({ windowMicros: 10, grid }),
  values: [chunkAt(0, 5), chunkAt(12), chunkAt(40)],
  outputs: { empty: 0, one: 1, many: 5 },
});

/** [start, end, events] of each frame. */
function bins(chunks: Iterable<EventChunk>, options: Omit<BinByTimeOptions, 'grid'>): number[][] {
  const frames = runStage(new BinByTime({ grid, ...options }), chunks);
  return frames.map(({ startMicros, endMicros, events }) => [startMicros, endMicros, events]);
}

describe('BinByTime', () => {
  it('starts at the first event; a bin has its start and not its end', () => {
    expect(bins([chunkAt(103, 112, 113, 122, 123)], { windowMicros: 10 })).toStrictEqual([
      [103, 113, 2],
      [113, 123, 2],
      [123, 133, 1],
    ]);
  });

  it('gives a bin as soon as an event at its end has come', () => {
    const stage = new BinByTime({ windowMicros: 10, grid });
    const given: number[] = [];
    stage.push(chunkAt(0, 9), ({ startMicros }) => given.push(startMicros));
    expect(given).toStrictEqual([]);
    stage.push(chunkAt(10), ({ startMicros }) => given.push(startMicros));
    expect(given).toStrictEqual([0]);
  });

  it('gives empty frames for silence, all the same zeros', () => {
    const frames = runStage(new BinByTime({ windowMicros: 10, grid }), [chunkAt(0), chunkAt(35)]);
    expect(frames.map(({ events }) => events)).toStrictEqual([1, 0, 0, 1]);
    expect(frames[1]!.data).toBe(frames[2]!.data);
    expect(total(frames.slice(1, 3))).toBe(0);
  });

  it('lets bins overlap', () => {
    expect(bins([chunkAt(0, 4, 8), chunkAt(12, 20)], { windowMicros: 10, strideMicros: 5 })).toStrictEqual([
      [0, 10, 3],
      [5, 15, 2],
      [10, 20, 1],
      [15, 25, 1],
    ]);
  });

  it('drops an incomplete last bin if told so, and counts the events that are in no other', () => {
    const counters = binCounters();
    const options = { windowMicros: 10, strideMicros: 5, tail: 'drop', counters } as const;
    expect(bins([chunkAt(0, 4, 8), chunkAt(12, 20, 21)], options)).toStrictEqual([
      [0, 10, 3],
      [5, 15, 2],
      [10, 20, 1],
    ]);
    expect(counters).toStrictEqual({ events: 6, outside: 0, tail: 2, skippedBins: 0 });
  });

  it('keeps bins of a fraction of a microsecond apart without a drift', () => {
    const times = Array.from({ length: 3000 }, (_, i) => i);
    const windowMicros = 1000 / 3;
    const frames = bins([chunkAt(...times)], { windowMicros });
    expect(frames.map(([, , events]) => events)).toStrictEqual([334, 333, 333, 334, 333, 333, 334, 333, 333]);
    for (let i = 1; i < frames.length; i++) expect(frames[i]![0]).toBe(frames[i - 1]![1]);
  });

  it('is exact at the times of AEDAT 4, beyond 32 bits', () => {
    const origin = 1_718_288_176_123_457;
    const late = chunkOf([{ micros: origin + 4_294_967_295, x: 0, y: 0, on: 1 }], origin);
    expect(bins([chunkAt(origin, origin + 1), late], { windowMicros: 4_294_967_295 })).toStrictEqual([
      [origin, origin + 4_294_967_295, 2],
      [origin + 4_294_967_295, origin + 8_589_934_590, 1],
    ]);
  });

  describe('a silence of more than maxEmptyBins', () => {
    const chunks = [chunkAt(0), chunkAt(2 ** 50, 2 ** 50 + 3)];

    it('is an error that says where and how long', () => {
      expect(() => bins(chunks, { windowMicros: 1000 })).toThrow(InputError);
      expect(() => bins(chunks, { windowMicros: 1000 })).toThrow(
        /at most 100000 empty bins in a row.*1125899906\.8 s .*from 1000 us on/,
      );
    });

    it('is left out and counted if told so; the bins after it stay in step', () => {
      const counters = binCounters();
      const options = { windowMicros: 1000, strideMicros: 400, maxEmptyBins: 2, silence: 'skip' } as const;
      const frames = bins(chunks, { ...options, counters });
      expect(frames.slice(0, 3)).toStrictEqual([
        [0, 1000, 1],
        [400, 1400, 0],
        [800, 1800, 0],
      ]);
      // The first bin that ends after the event.
      const first = Math.floor((2 ** 50 - 1000) / 400) * 400 + 400;
      expect(frames[3]).toStrictEqual([first, first + 1000, 2]);
      expect(frames).toHaveLength(4);
      expect(counters.skippedBins).toBe(first / 400 - 3);
    });

    it('is measured in bins: as many as allowed are made', () => {
      const five = [chunkAt(0), chunkAt(60)];
      expect(bins(five, { windowMicros: 10, maxEmptyBins: 5 })).toHaveLength(7);
      expect(() => bins(five, { windowMicros: 10, maxEmptyBins: 4 })).toThrow(InputError);
    });
  });

  it.each([
    ['a window of nothing', { windowMicros: 0 }],
    ['a window that is not a number', { windowMicros: Number.NaN }],
    ['a stride beyond the window, where events would be lost', { windowMicros: 10, strideMicros: 11 }],
    ['a stride of nothing', { windowMicros: 10, strideMicros: 0 }],
    ['a negative limit', { windowMicros: 10, maxEmptyBins: -1 }],
  ])('refuses %s', (_, options) => {
    expect(() => new BinByTime({ grid, ...options })).toThrow(OptionError);
  });

  it('conserves events, in bins that follow one another, and is the same however the stream is cut', () => {
    const whole = new FrameGrid({ sensor: small });
    fc.assert(
      fc.property(
        arbitraryEvents(small).chain((events) => fc.tuple(fc.constant(events), arbitraryCuts(events.length))),
        fc.integer({ min: 40, max: 1500 }),
        ([events, cuts], windowMicros) => {
          const chunk = chunkOf(events);
          const options = { windowMicros, grid: whole };
          const frames = runStage(new BinByTime(options), [chunk]);
          expect(total(frames)).toBe(events.length);
          frames.forEach((frame, i) => {
            const { startMicros, endMicros } = frame;
            const inside = events.filter(({ micros }) => micros >= startMicros && micros < endMicros);
            expect([...frame.data]).toStrictEqual(countedByHand(inside));
            expect(frame.events).toBe(inside.length);
            if (i > 0) expect(startMicros).toBe(frames[i - 1]!.endMicros);
          });
          expect(runStage(new BinByTime(options), split(chunk, cuts))).toStrictEqual(frames);
        },
      ),
    );
  });

  it('with overlap: every bin counts what is between its ends, and the last event is in one', () => {
    const whole = new FrameGrid({ sensor: small });
    fc.assert(
      fc.property(
        arbitraryEvents(small, { minLength: 1 }).chain((events) =>
          fc.tuple(fc.constant(events), arbitraryCuts(events.length)),
        ),
        fc
          .integer({ min: 80, max: 1500 })
          .chain((window) =>
            fc.tuple(fc.constant(window), fc.integer({ min: Math.ceil(window / 7), max: window })),
          ),
        ([events, cuts], [windowMicros, strideMicros]) => {
          const options = { windowMicros, strideMicros, grid: whole };
          const frames = runStage(new BinByTime(options), split(chunkOf(events), cuts));
          const first = events[0]!.micros;
          const last = events.at(-1)!.micros;
          expect(frames).toHaveLength(
            Math.max(0, Math.ceil((last + 1 - first - windowMicros) / strideMicros)) + 1,
          );
          frames.forEach((frame, i) => {
            expect(frame.startMicros).toBe(first + i * strideMicros);
            expect(frame.endMicros).toBe(frame.startMicros + windowMicros);
            const inside = events.filter(
              ({ micros }) => micros >= frame.startMicros && micros < frame.endMicros,
            );
            expect([...frame.data]).toStrictEqual(countedByHand(inside));
          });
          expect(frames.at(-1)!.endMicros).toBeGreaterThan(last);
        },
      ),
    );
  });
});

/** A frame of the small sensor, event by event. */
function countedByHand(events: readonly { x: number; y: number; on: number }[]): number[] {
  const counts = new Array<number>(small.width * small.height * 2).fill(0);
  for (const { x, y, on } of events) counts[(y * small.width + x) * 2 + on]!++;
  return counts;
}
