import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/errors.ts';
import type { EventChunk, SensorSize, Stage } from '../../../src/events.ts';
import { filters } from '../../../src/operators/index.ts';
import { arbitraryEvents, chunkOf, runStage } from '../event-cases.ts';
import { describeOperatorCases } from '../operator-cases.ts';
import { chunkOfRows, filtered, rowsOf } from './filter-cases.ts';

const sensor = { width: 6, height: 4 };

describeOperatorCases<EventChunk, EventChunk>('crop', {
  create: () => filters.crop({ sensor, x: 0, y: 0, width: 2, height: 2 }),
  values: [chunkOfRows([1, 0, 0, 1], [2, 5, 0, 1]), chunkOfRows([3, 1, 1, 0]), chunkOfRows([4, 5, 3, 0])],
  outputs: { empty: 0, one: 1, many: 3 },
});

/** The events through filters by their texts, each on the sensor of the one before. */
function through(events: EventChunk, ...texts: string[]): ReturnType<typeof rowsOf> {
  const chain = new filters.FilterChain(texts.map(filters.parseFilter), sensor);
  return rowsOf(runStage(chain as Stage<EventChunk, EventChunk>, [events]));
}

describe('crop and centre-crop', () => {
  it('count places from the corner', () => {
    const stage = new filters.Crop({ sensor, x: 2, y: 1, width: 3, height: 2 });
    const given = filtered(
      stage,
      [1, 2, 1, 1],
      [2, 1, 1, 1],
      [3, 4, 2, 0],
      [4, 5, 2, 0],
      [5, 2, 3, 0],
      [6, 2, 0, 0],
    );
    expect(given).toStrictEqual([
      [1, 0, 0, 1],
      [3, 2, 1, 0],
    ]);
  });

  it('pass a chunk on as it is where nothing changes', () => {
    const chunk = chunkOfRows([1, 2, 1, 1], [2, 1, 1, 1]);
    const [given] = runStage(new filters.Crop({ sensor, x: 0, y: 0, ...sensor }), [chunk]);
    expect(given!.t).toBe(chunk.t);
    expect(given!.x).toBe(chunk.x);
  });

  it('take the middle; an odd rest is more to the right and below', () => {
    expect(filters.centreOf(sensor, { width: 3, height: 2 })).toStrictEqual({
      x: 1,
      y: 1,
      width: 3,
      height: 2,
    });
  });

  it('refuse what is not on the sensor', () => {
    expect(() => new filters.Crop({ sensor, x: 4, y: 0, width: 3, height: 1 })).toThrow(
      new OptionError("crop: expected a part of the sensor's width 6, got 4 to 7"),
    );
    expect(() => filters.centreOf(sensor, { width: 7, height: 1 })).toThrow(OptionError);
  });
});

describe('turning and mirroring', () => {
  it('turn clockwise: the upper left corner goes to the upper right', () => {
    expect(through(chunkOfRows([0, 0, 0, 1]), 'rotate:degrees=90')).toStrictEqual([[0, 3, 0, 1]]);
    expect(through(chunkOfRows([0, 0, 0, 1]), 'rotate:degrees=180')).toStrictEqual([[0, 5, 3, 1]]);
    expect(through(chunkOfRows([0, 0, 0, 1]), 'rotate:degrees=270')).toStrictEqual([[0, 0, 5, 1]]);
  });

  const same: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['four quarters are nothing', ['rotate', 'rotate', 'rotate', 'rotate'], []],
    ['two quarters are a half', ['rotate', 'rotate'], ['rotate:degrees=180']],
    ['three quarters are one the other way', ['rotate', 'rotate', 'rotate'], ['rotate:degrees=270']],
    ['a quarter is a transposition and a mirror', ['rotate'], ['transpose', 'flip:axis=x']],
    ['a half is both mirrors', ['rotate:degrees=180'], ['flip:axis=both']],
    ['twice transposed is nothing', ['transpose', 'transpose'], []],
    ['twice mirrored is nothing', ['flip:axis=y', 'flip:axis=y'], []],
  ];
  it.each(same)('%s', (_, one, other) => {
    fc.assert(
      fc.property(arbitraryEvents(sensor), (events) => {
        expect(through(chunkOf(events), ...one)).toStrictEqual(through(chunkOf(events), ...other));
      }),
      { numRuns: 30 },
    );
  });

  it('leave out events beyond the sensor and count them', () => {
    const stage = new filters.Flip({ sensor });
    expect(filtered(stage, [1, 6, 0, 1], [2, 5, 0, 1], [3, 0, 4, 1])).toStrictEqual([[2, 0, 0, 1]]);
    expect(stage.counters).toStrictEqual({ in: 3, out: 1, outside: 2 });
  });
});

describe('downsample', () => {
  it('shares pixels out evenly, in whole numbers', () => {
    const columns = (
      sensorWidth: number,
      options: { width: number; height: number } | { factor: number },
    ): number[] => {
      const stage = new filters.Downsample({ sensor: { width: sensorWidth, height: 1 }, ...options });
      return filtered(
        stage,
        ...Array.from({ length: sensorWidth }, (_, x): [number, number, number, number] => [x, x, 0, 1]),
      ).map(([, x]) => x);
    };
    expect(columns(7, { width: 3, height: 1 })).toStrictEqual([0, 0, 0, 1, 1, 2, 2]);
    expect(columns(7, { factor: 3 })).toStrictEqual([0, 0, 0, 1, 1, 1, 2]);
    // As a rounded factor of 0.7 does not: 90 x 0.7 is below 63.
    expect(columns(100, { width: 70, height: 1 })[90]).toBe(63);
  });

  it('says the size that comes out, and what it cannot do', () => {
    expect(filters.downsampledSize(sensor, { factor: 4 })).toStrictEqual({ width: 2, height: 1 });
    expect(() => filters.downsampledSize(sensor, { width: 3 })).toThrow(
      'expected a factor, or a width and a height',
    );
    expect(() => filters.downsampledSize(sensor, { width: 7, height: 4 })).toThrow(
      "at most the sensor's 6, got 7",
    );
    expect(() => filters.downsampledSize(sensor, { width: 3, height: 4, factor: 2 })).toThrow('got both');
  });
});

describe('integrate', () => {
  const small: SensorSize = { width: 2, height: 1 };
  const options = { sensor: small, width: 1, height: 1, micros: 10 };

  it('lets on and off events cancel, and gives one event where the threshold is reached', () => {
    const stage = new filters.Integrate({ ...options, threshold: 2 });
    const rows = filtered(
      stage,
      [100, 0, 0, 1],
      [105, 1, 0, 1], // 2: on at 100
      [110, 0, 0, 1],
      [112, 0, 0, 0], // 0
      [125, 0, 0, 0],
      [150, 0, 0, 0], // -2 in the step of 150: off
      [151, 0, 0, 0],
    );
    expect(rows).toStrictEqual([
      [100, 0, 0, 1],
      [150, 0, 0, 0],
    ]);
  });

  it('costs nothing for a long silence', () => {
    const late = [chunkOfRows([0, 0, 0, 1]), chunkOfRows([2 ** 50, 0, 0, 0])];
    expect(rowsOf(runStage(new filters.Integrate(options), late))).toStrictEqual([
      [0, 0, 0, 1],
      [2 ** 50 - (2 ** 50 % 10), 0, 0, 0],
    ]);
  });
});

it('refuses a sensor that would cost memory without bound', () => {
  expect(() => new filters.Denoise({ sensor: { width: 65536, height: 65536 }, micros: 1 })).toThrow(
    'sensor: expected at most 33554432 pixels, got 65536 x 65536',
  );
  expect(() => new filters.Flip({ sensor: { width: 0, height: 3 } })).toThrow(OptionError);
});
