import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { filters } from '../../../src/operators/index.ts';
import { chunkAt, chunkOf, type PlainEvent, runStage } from '../event-cases.ts';
import { filtered, type Row, rowsOf } from './filter-cases.ts';

const sensor = { width: 20, height: 10 };
const even = (count: number, step: number): PlainEvent[] =>
  Array.from({ length: count }, (_, i) => ({ micros: step * i, x: i % 20, y: i % 10, on: i % 2 }));

describe('limit-rate', () => {
  it('never lets a second have more, wherever it begins', () => {
    const bursts = fc.array(fc.tuple(fc.nat(400_000), fc.integer({ min: 1, max: 40 })), { maxLength: 12 });
    fc.assert(
      fc.property(
        bursts,
        fc.integer({ min: 1, max: 60 }),
        fc.nat(1_000_000),
        (groups, limit, burstMicros) => {
          let micros = 0;
          const times = groups.flatMap(([gap, count]) => {
            micros += gap;
            return Array.from({ length: count }, () => micros);
          });
          const stage = new filters.LimitRate({ eventsPerSecond: limit, burstMicros });
          const given = rowsOf(runStage(stage, [chunkAt(...times)])).map(([time]) => time);
          for (const [i, start] of given.entries()) {
            const second = given.slice(i).filter((time) => time < start + 1_000_000);
            expect(second.length).toBeLessThanOrEqual(limit);
          }
          expect(stage.counters.out).toBe(given.length);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('lets a steady stream below the limit pass whole, and one above it have its share', () => {
    const rate = (step: number): number =>
      rowsOf(runStage(new filters.LimitRate({ eventsPerSecond: 1000 }), [chunkOf(even(30_000, step))]))
        .length;
    expect(rate(1010)).toBe(30_000);
    expect(rate(100)).toBeGreaterThanOrEqual(2960);
    expect(rate(100)).toBeLessThanOrEqual(3001);
  });
});

describe('noise', () => {
  it('is a Poisson process of the rate, all over the sensor, from the first event to the last', () => {
    const stage = new filters.Noise({ sensor, rate: 10, seed: 4 });
    const rows = rowsOf(runStage(stage, [chunkOf(even(11, 1_000_000))]));
    const added = rows.length - 11;
    // 10 s x 200 pixels x 10 a second: mean 20,000, deviation 141.
    expect(Math.abs(added - 20_000)).toBeLessThan(600);
    const counts = new Map<string, number>();
    for (const [, x, y, on] of rows) {
      const key = `${x},${y},${on}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(400);
    expect(Math.max(...counts.values())).toBeLessThan(90);
  });

  it('adds nothing at a rate of 0, and passes chunks on as they are', () => {
    const chunk = chunkOf(even(5, 10));
    expect(runStage(new filters.Noise({ sensor, rate: 0 }), [chunk])[0]).toBe(chunk);
  });

  it('refuses hours of noise', () => {
    const stage = new filters.Noise({ sensor, rate: 1 });
    expect(() => runStage(stage, [chunkAt(0), chunkAt(2 ** 50)])).toThrow(InputError);
  });
});

describe('jitter-space', () => {
  it('moves events by a rounded normal deviate with the deviations and correlation it is told', () => {
    const large = { width: 2000, height: 2000 };
    const centre = Array.from({ length: 20_000 }, (_, i): Row => [i, 1000, 1000, 1]);
    const stage = new filters.JitterSpace({
      sensor: large,
      deviationX: 10,
      deviationY: 20,
      correlation: 0.5,
    });
    const moved = filtered(stage, ...centre).map(([, x, y]) => [x - 1000, y - 1000] as const);
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean(moved.map(([x]) => x)))).toBeLessThan(0.3);
    expect(Math.sqrt(mean(moved.map(([x]) => x * x)))).toBeCloseTo(10, 0);
    expect(Math.sqrt(mean(moved.map(([, y]) => y * y)))).toBeCloseTo(20, 0);
    expect(mean(moved.map(([x, y]) => x * y)) / 200).toBeCloseTo(0.5, 1);
  });

  it('leaves out what leaves the sensor, or puts it on the edge', () => {
    const corner = Array.from({ length: 1000 }, (_, i): Row => [i, 0, 0, 1]);
    const dropping = new filters.JitterSpace({ sensor, deviationX: 2 });
    const kept = filtered(dropping, ...corner);
    expect(dropping.counters.outside).toBe(1000 - kept.length);
    expect(kept.length).toBeLessThan(600);
    expect(
      filtered(new filters.JitterSpace({ sensor, deviationX: 2, outside: 'clamp' }), ...corner),
    ).toHaveLength(1000);
  });
});

describe('dropping', () => {
  it('by event: a share, by the event and the seed alone', () => {
    const chunk = chunkOf(even(10_000, 1));
    const kept = (seed: number): Row[] =>
      rowsOf(runStage(new filters.Drop({ probability: 0.3, seed }), [chunk]));
    expect(Math.abs(kept(1).length - 7000)).toBeLessThan(200);
    expect(kept(1)).toStrictEqual(kept(1));
    expect(kept(1)).not.toStrictEqual(kept(2));
  });

  it('by time: one stretch of each period', () => {
    const stage = new filters.DropTime({ ratio: 0.25, periodMicros: 1000, seed: 9 });
    const times = rowsOf(runStage(stage, [chunkOf(even(4000, 1))])).map(([micros]) => micros);
    for (let period = 0; period < 4; period++) {
      const inPeriod = times.filter((micros) => Math.floor(micros / 1000) === period);
      expect(inPeriod).toHaveLength(750);
      const gaps = inPeriod.slice(1).filter((micros, i) => micros - inPeriod[i]! > 1);
      expect(gaps.length).toBeLessThanOrEqual(1);
    }
  });

  it('by area: one rectangle that lies anywhere on the sensor', () => {
    const every = Array.from({ length: 200 }, (_, i): Row => [i, i % 20, Math.floor(i / 20), 1]);
    const corners = new Set<string>();
    for (let seed = 0; seed < 400; seed++) {
      const kept = filtered(new filters.DropArea({ sensor, ratio: 0.5, seed }), ...every);
      expect(kept).toHaveLength(200 - 10 * 5);
      const places = new Set(kept.map(([, x, y]) => `${x},${y}`));
      corners.add(
        every
          .find(([, x, y]) => !places.has(`${x},${y}`))!
          .slice(1, 3)
          .join(),
      );
    }
    expect(corners).toContain('0,0');
    expect(corners.size).toBe(66);
  });
});
