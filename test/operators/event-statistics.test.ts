import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatisticsOfEvents } from '../../src/operators/event-statistics.ts';
import { arbitraryCuts, arbitraryEvents, chunkOf, split } from './event-cases.ts';

const sensor = { width: 4, height: 3 };

describe('statistics of events', () => {
  it('are what counting one by one gives, however the events are cut', () => {
    const cases = arbitraryEvents(sensor, { maxLength: 60 }).chain((events) =>
      fc.record({ events: fc.constant(events), cuts: arbitraryCuts(events.length) }),
    );
    fc.assert(
      fc.property(cases, fc.constantFrom(1, 7, 1000), ({ events, cuts }, binMicros) => {
        const statistics = new StatisticsOfEvents(sensor, binMicros);
        for (const chunk of split(chunkOf(events), cuts)) statistics.push(chunk);
        const { rate, pixels, intervals, ...found } = statistics.result();
        const first = events[0]?.micros;
        expect(found).toEqual({
          sensor,
          events: events.length,
          on: events.filter(({ on }) => on === 1).length,
          outside: 0,
          firstMicros: first,
          durationMicros: events.length === 0 ? 0 : events.at(-1)!.micros - first!,
        });
        const expected = new Float64Array(12);
        for (const { x, y } of events) expected[y * 4 + x]!++;
        expect(pixels).toEqual(expected);
        const bins = rate.on.map((_, k) =>
          [0, 1].map(
            (polarity) =>
              events.filter(
                ({ micros, on }) => on === polarity && Math.floor((micros - first!) / rate.binMicros) === k,
              ).length,
          ),
        );
        expect(rate.off.map((off, k) => [off, rate.on[k]])).toEqual(bins);
        const gaps: number[] = [];
        const last = new Map<number, number>();
        for (const { micros, x, y } of events) {
          const before = last.get(y * 4 + x);
          if (before !== undefined) gaps.push(micros - before);
          last.set(y * 4 + x, micros);
        }
        intervals.edges.forEach((edge, k) => {
          const end = intervals.edges[k + 1] ?? Number.POSITIVE_INFINITY;
          expect(gaps.filter((gap) => gap >= edge && gap < end)).toHaveLength(intervals.counts[k]!);
        });
        expect(intervals.counts.reduce((sum, count) => sum + count, 0)).toBe(gaps.length);
        const sorted = gaps.toSorted((a, b) => a - b);
        if (sorted.length === 0) expect(intervals.medianMicros).toBeUndefined();
        else {
          // Within the class of the middle one, which is a quarter of a factor of two wide.
          const middle = sorted[(sorted.length - 1) >> 1]!;
          expect(intervals.medianMicros).toBeGreaterThanOrEqual(0.75 * middle - 1);
          expect(intervals.medianMicros).toBeLessThanOrEqual(1.34 * middle + 1);
        }
      }),
    );
  });

  it('keep a bounded number of bins, whatever the length', () => {
    const statistics = new StatisticsOfEvents(sensor, 10);
    const at = (micros: number): void => statistics.push(chunkOf([{ micros, x: 0, y: 0, on: 1 }]));
    for (const micros of [5, 5 + 10 * 511, 5 + 10 * 512, 5 + 2 ** 40]) at(micros);
    const { rate } = statistics.result();
    expect(rate.on.length).toBeLessThanOrEqual(512);
    expect(rate.on.length).toBeGreaterThan(256);
    expect([rate.on[0], rate.on.at(-1), rate.on.reduce((sum, count) => sum + count, 0)]).toEqual([3, 1, 4]);
  });

  it('count what is beyond the sensor in the rate alone', () => {
    const statistics = new StatisticsOfEvents({ width: 1, height: 1 });
    statistics.push(chunkOf([{ micros: 3, x: 1, y: 0, on: 0 }]));
    const { outside, pixels, rate } = statistics.result();
    expect([outside, [...pixels], rate.off]).toEqual([1, [0], [1]]);
  });
});
