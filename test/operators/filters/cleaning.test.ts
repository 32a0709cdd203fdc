import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/errors.ts';
import { filters } from '../../../src/operators/index.ts';
import { chunkOf, type PlainEvent, runStage } from '../event-cases.ts';
import { chunkOfRows, filtered, type Row, rowsOf } from './filter-cases.ts';

const sensor = { width: 8, height: 8 };

describe('denoise', () => {
  it('wants another pixel near, shortly before; its own does not count', () => {
    const stage = new filters.Denoise({ sensor, micros: 10 });
    const rows = filtered(
      stage,
      [0, 0, 0, 1], // the first: alone
      [1, 0, 0, 1], // its own pixel
      [9, 1, 1, 1], // across a corner
      [18, 2, 1, 1], // 9 us later
      [28, 3, 1, 1], // 10 us later
      [29, 5, 1, 1], // too far
    );
    expect(rows).toStrictEqual([
      [9, 1, 1, 1],
      [18, 2, 1, 1],
    ]);
  });

  it('does not reach around the edge of the sensor', () => {
    const stage = new filters.Denoise({ sensor, micros: 10 });
    expect(filtered(stage, [0, 7, 2, 1], [1, 0, 3, 1], [2, 7, 1, 1])).toStrictEqual([[2, 7, 1, 1]]);
  });

  it('drops isolated events early in a recording too', () => {
    const stage = new filters.Denoise({ sensor, micros: 5000, neighbours: 4 });
    expect(filtered(stage, [3, 4, 4, 1])).toStrictEqual([]);
  });

  it('refuses more support than there are neighbours', () => {
    expect(() => new filters.Denoise({ sensor, micros: 1, neighbours: 4, support: 5 })).toThrow(OptionError);
  });
});

describe('refractory', () => {
  const steady = Array.from({ length: 9 }, (_, i): Row => [10 * i, 0, 0, 1]);

  it('lets a pixel that never rests be heard again', () => {
    const given = filtered(new filters.Refractory({ sensor, micros: 25 }), ...steady);
    expect(given.map(([micros]) => micros)).toStrictEqual([0, 30, 60]);
  });

  it('since any event: silences it for good', () => {
    expect(filtered(new filters.Refractory({ sensor, micros: 25, since: 'any' }), ...steady)).toHaveLength(1);
  });
});

describe('hot-pixels', () => {
  /** One hot pixel with an event each 10 us, one cool with an event each 1,000 us, to `end`. */
  const events = (end: number): PlainEvent[] =>
    Array.from({ length: end / 10 }, (_, i) => ({ micros: 10 * i, x: i % 100 === 0 ? 1 : 0, y: 0, on: 1 }));

  it('lets a hot pixel have what the rate allows once, then silences it; a cool one stays', () => {
    const stage = new filters.HotPixels({ sensor, rate: 5000, periodMicros: 10_000 });
    const rows = rowsOf(runStage(stage, [chunkOf(events(40_000))]));
    expect(rows.filter(([, x]) => x === 0)).toHaveLength(50);
    expect(rows.filter(([, x]) => x === 1)).toHaveLength(40);
  });

  it('hears it again after a period in which it was quiet', () => {
    const stage = new filters.HotPixels({ sensor, rate: 5000, periodMicros: 10_000 });
    const quiet: PlainEvent = { micros: 15_000, x: 0, y: 0, on: 1 };
    const again: PlainEvent = { micros: 25_000, x: 0, y: 0, on: 1 };
    const rows = rowsOf(runStage(stage, [chunkOf([...events(10_000), quiet, again])]));
    expect(rows.filter(([micros]) => micros >= 10_000)).toStrictEqual([[25_000, 0, 0, 1]]);
  });
});

describe('PixelCounts and drop-pixels', () => {
  const counts = new filters.PixelCounts(sensor);
  const rows = Array.from({ length: 100 }, (_, i): Row => [10_000 * i, i % 10 === 0 ? 3 : 5, 2, 1]);
  counts.push(chunkOfRows(...rows));

  it('finds pixels above a rate, and above their neighbours', () => {
    expect(counts.above(50)).toStrictEqual([{ x: 5, y: 2 }]);
    expect(counts.above(5)).toStrictEqual([
      { x: 3, y: 2 },
      { x: 5, y: 2 },
    ]);
    expect(counts.aboveNeighbours(20)).toStrictEqual([{ x: 5, y: 2 }]);
  });

  it('finds none in a recording without duration', () => {
    const instant = new filters.PixelCounts(sensor);
    instant.push(chunkOfRows([5, 0, 0, 1], [5, 0, 0, 1]));
    expect(instant.above(1)).toStrictEqual([]);
  });

  it('leaves their events out', () => {
    const stage = new filters.DropPixels({ sensor, pixels: counts.above(50) });
    expect(filtered(stage, ...rows)).toHaveLength(10);
  });

  it('leaves a share of the pixels out by chance', () => {
    const every = Array.from({ length: 64 }, (_, i): Row => [i, i % 8, Math.floor(i / 8), 1]);
    const given = filtered(new filters.DropPixels({ sensor, probability: 0.5, seed: 2 }), ...every);
    expect(given.length).toBeGreaterThan(20);
    expect(given.length).toBeLessThan(44);
    expect(filtered(new filters.DropPixels({ sensor, probability: 1 }), ...every)).toHaveLength(0);
  });

  it('refuses a place beyond the sensor', () => {
    expect(() => new filters.DropPixels({ sensor, pixels: [{ x: 8, y: 0 }] })).toThrow(
      '8 x 8 pixels, got 8x0',
    );
  });
});

describe('arbiter-lines', () => {
  const line = (y: number, length: number, start = 0): Row[] =>
    Array.from({ length }, (_, i): Row => [start + i, i, y, 1]);

  it('removes a run of more than the share of a line, the last one too', () => {
    const stage = new filters.ArbiterLines({ sensor, ratio: 0.5 });
    expect(
      filtered(stage, ...line(0, 4), ...line(1, 5, 10), ...line(2, 3, 20), ...line(3, 8, 30)),
    ).toStrictEqual([...line(0, 4), ...line(2, 3, 20)]);
  });

  it('keeps the run at the end of the stream', () => {
    expect(filtered(new filters.ArbiterLines({ sensor, ratio: 0.5 }), ...line(0, 2))).toHaveLength(2);
  });
});
