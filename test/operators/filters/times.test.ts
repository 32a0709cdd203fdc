import { describe, expect, it } from 'vitest';
import { InputError, OptionError } from '../../../src/errors.ts';
import type { EventChunk } from '../../../src/events.ts';
import { filters } from '../../../src/operators/index.ts';
import { chunkAt, chunkOf, runStage } from '../event-cases.ts';
import { describeOperatorCases } from '../operator-cases.ts';
import { rowsOf } from './filter-cases.ts';

const timesOf = (chunks: Iterable<EventChunk>): number[] => rowsOf(chunks).map(([micros]) => micros);

describe('time-shift', () => {
  it('changes the origin alone', () => {
    const chunk = chunkAt(10, 20);
    const [given] = runStage(new filters.TimeShift({ micros: 5 }), [chunk]);
    expect(given).toStrictEqual({ ...chunk, origin: 15 });
    expect(given!.t).toBe(chunk.t);
  });

  it('starts at a time, the same for all chunks', () => {
    const chunks = [chunkAt(), chunkAt(1000, 1005), chunkAt(1007)];
    expect(timesOf(runStage(new filters.TimeShift({ startMicros: 0 }), chunks))).toStrictEqual([0, 5, 7]);
  });

  it('leaves out and counts what would be before 0', () => {
    const stage = new filters.TimeShift({ micros: -12 });
    expect(timesOf(runStage(stage, [chunkAt(10, 11, 12, 20), chunkAt(30)]))).toStrictEqual([0, 8, 18]);
    expect(stage.counters).toStrictEqual({ in: 5, out: 3, outside: 2 });
  });

  it('wants one of its options', () => {
    expect(() => new filters.TimeShift({})).toThrow(OptionError);
    expect(() => new filters.TimeShift({ micros: 0.5 })).toThrow('whole number of microseconds, got 0.5');
  });
});

describe('time-scale', () => {
  it('stretches about the first event, or about 0', () => {
    const chunks = [chunkAt(100, 103), chunkAt(110)];
    expect(timesOf(runStage(new filters.TimeScale({ factor: 0.5 }), chunks))).toStrictEqual([100, 101, 105]);
    expect(timesOf(runStage(new filters.TimeScale({ factor: 2, about: 'zero' }), chunks))).toStrictEqual([
      200, 206, 220,
    ]);
  });

  it('cuts a chunk whose times do not fit 32 bits any more', () => {
    const given = runStage(new filters.TimeScale({ factor: 1e6 }), [chunkAt(7, 8, 5000, 5001)]);
    expect(timesOf(given)).toStrictEqual([7, 1_000_007, 4_993_000_007, 4_994_000_007]);
    expect(given).toHaveLength(2);
  });

  it('refuses times that are not exact any more', () => {
    const stage = new filters.TimeScale({ factor: 1e9, about: 'zero' });
    expect(() => runStage(stage, [chunkAt(2 ** 40)])).toThrow(InputError);
  });
});

it('downsample-time rounds down to whole steps of the clock', () => {
  const chunks = [chunkAt(999, 1000, 1999), chunkAt(2000)];
  expect(timesOf(runStage(new filters.DownsampleTime({ micros: 1000 }), chunks))).toStrictEqual([
    0, 1000, 1000, 2000,
  ]);
});

describe('time-crop', () => {
  const chunks = [chunkAt(100, 110, 120), chunkAt(130, 140)];

  it('has its start and not its end, from the first event or by the clock', () => {
    const crop = (options: filters.TimeCropOptions): number[] =>
      timesOf(runStage(new filters.TimeCrop(options), chunks));
    expect(crop({ fromMicros: 10, toMicros: 40 })).toStrictEqual([110, 120, 130]);
    expect(crop({ fromMicros: 110, toMicros: 130, since: 'clock' })).toStrictEqual([110, 120]);
    expect(crop({ toMicros: 1 })).toStrictEqual([100]);
  });

  it('refuses a time that ends before it begins', () => {
    expect(() => new filters.TimeCrop({ fromMicros: 5, toMicros: 5 })).toThrow('before toMicros, got 5 to 5');
  });
});

describeOperatorCases<EventChunk, EventChunk>('regularise', {
  create: () => filters.regularise({ micros: 10 }),
  values: [chunkAt(0, 5), chunkAt(12), chunkAt(40)],
  outputs: { empty: 0, one: 1, many: 5 },
});

describe('regularise', () => {
  const periods = (micros: number, ...chunks: EventChunk[]): number[][] =>
    runStage(new filters.Regularise({ micros }), chunks).map((chunk) => timesOf([chunk]));

  it('gives one chunk a period, empty for silence', () => {
    expect(periods(10, chunkAt(3, 12), chunkAt(13, 14, 47))).toStrictEqual([[3, 12], [13, 14], [], [], [47]]);
  });

  it('keeps periods of a fraction apart without a drift', () => {
    const counts = periods(1000 / 3, chunkAt(...Array.from({ length: 2000 }, (_, i) => i))).map(
      ({ length }) => length,
    );
    expect(counts).toStrictEqual([333, 334, 333, 333, 334, 333]);
  });

  it('gives an empty chunk the start of its period, and views where it can', () => {
    const chunk = chunkAt(5, 6, 30);
    const given = runStage(new filters.Regularise({ micros: 10 }), [chunk]);
    expect(given.map(({ origin }) => origin)).toStrictEqual([5, 15, 5]);
    expect(given[0]!.t.buffer).toBe(chunk.t.buffer);
  });

  it('refuses hours of silence', () => {
    expect(() => periods(10, chunkAt(0), chunkAt(2 ** 50))).toThrow(
      /regularise: expected at most 100000 empty chunks in a row, found \d+ from 10 us on: is a time wrong\?/,
    );
  });
});

describe('jitter-time', () => {
  const events = chunkOf(
    Array.from({ length: 5000 }, (_, i) => ({ micros: 1_000_000 + 10 * i, x: i % 100, y: 0, on: 1 })),
  );

  it('moves times by a normal deviate and sorts them', () => {
    const rows = rowsOf(runStage(new filters.JitterTime({ deviationMicros: 50, seed: 3 }), [events]));
    expect(rows).toHaveLength(5000);
    for (let i = 1; i < rows.length; i++) expect(rows[i]![0]).toBeGreaterThanOrEqual(rows[i - 1]![0]);
    expect(rows.map(([micros]) => micros)).not.toStrictEqual(timesOf([events]));
    expect(rows.some(([, x], i) => x !== i % 100)).toBe(true);
  });

  it('has the deviation it is told, and no event further than four', () => {
    const apart = chunkOf(
      Array.from({ length: 5000 }, (_, i) => ({ micros: 1000 * (i + 1), x: 0, y: 0, on: 1 })),
    );
    const shifts = timesOf(runStage(new filters.JitterTime({ deviationMicros: 50 }), [apart])).map(
      (micros, i) => micros - 1000 * (i + 1),
    );
    const mean = shifts.reduce((sum, shift) => sum + shift, 0) / shifts.length;
    const variance = shifts.reduce((sum, shift) => sum + (shift - mean) ** 2, 0) / shifts.length;
    expect(Math.abs(mean)).toBeLessThan(3);
    expect(Math.abs(Math.sqrt(variance) - 50)).toBeLessThan(2.5);
    expect(Math.max(...shifts.map(Math.abs))).toBeLessThanOrEqual(200);
  });

  it('changes nothing with a deviation of 0', () => {
    expect(rowsOf(runStage(new filters.JitterTime({ deviationMicros: 0 }), [events]))).toStrictEqual(
      rowsOf([events]),
    );
  });

  it('gives what is settled without waiting for the end', () => {
    const stage = new filters.JitterTime({ deviationMicros: 10 });
    let given = 0;
    stage.push(events, ({ t }) => (given += t.length));
    expect(given).toBeGreaterThan(4900);
  });
});
