import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RoundedNormals } from '../../../src/operators/filters/rounded-normals.ts';
import { SortedOrder } from '../../../src/operators/filters/sorted-order.ts';
import { filters } from '../../../src/operators/index.ts';
import { RandomStream } from '../../../src/random.ts';
import { chunkOf, runStage } from '../event-cases.ts';

/** A stream whose words are those that are given, again and again. */
function streamOf(words: readonly number[]): RandomStream {
  const stream = new RandomStream(0, '');
  stream.fill = (index, out) => {
    for (let i = 0; i < out.length; i++) out[i] = words[(index + i) % words.length]!;
  };
  return stream;
}

describe('rounded normal deviates', () => {
  it('are those of the formula, to the last whole number', () => {
    const edges = [
      0, 1, 2, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffff0, 0xfffffffe, 0xffffffff, 0x200000, 0x1fffff,
    ];
    const word = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: 0, max: 0xffffffff }));
    const words = fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 30 });
    const scale = fc.constantFrom(0, 0.5, 1, -3.7, 1000, 12_345.6, 1e9);
    fc.assert(
      fc.property(words, scale, scale, scale, (pairs, first, shared, second) => {
        const normals = new RoundedNormals(streamOf(pairs.flat()), { first, shared, second });
        const values = normals.draw(0, pairs.length);
        pairs.forEach(([u, a], i) => {
          const radius = Math.sqrt(-2 * Math.log((u + 1) / 2 ** 32));
          const angle = (2 * Math.PI * a) / 2 ** 32;
          const [g1, g2] = [radius * Math.cos(angle), radius * Math.sin(angle)];
          expect(values[2 * i]! - Math.round(first * g1)).toBe(0);
          expect(values[2 * i + 1]! - Math.round(shared * g1 + second * g2)).toBe(0);
        });
      }),
      { numRuns: 2000 },
    );
  });

  it('are at their number whatever was drawn before', () => {
    const scales = { first: 1e6, shared: 0, second: 1e6 };
    const whole = new RoundedNormals(new RandomStream(3, 'pairs'), scales).draw(0, 100);
    const parts = new RoundedNormals(new RandomStream(3, 'pairs'), scales);
    for (const [start, count] of [
      [5, 3],
      [90, 10],
      [0, 1],
      [1, 60],
    ] as const) {
      const drawn = parts.draw(start, count).subarray(0, 2 * count);
      expect([...drawn]).toEqual([...whole.subarray(2 * start, 2 * (start + count))]);
    }
    expect(whole[14]).toBe(Math.round(1e6 * new RandomStream(3, 'pairs').normal(7)));
  });

  it('move events as the formula says, to the last pixel and microsecond', () => {
    const sensor = { width: 300, height: 200 };
    const events = Array.from({ length: 20_000 }, (_, i) => ({
      micros: 7 * i,
      x: i % 300,
      y: i % 200,
      on: i & 1,
    }));
    const space = new RandomStream(4, 'filter/jitter-space');
    const expected = events.flatMap(({ x, y }, i) => {
      const radius = Math.sqrt(-2 * Math.log((space.word(2 * i) + 1) / 2 ** 32));
      const angle = (2 * Math.PI * space.word(2 * i + 1)) / 2 ** 32;
      const first = radius * Math.cos(angle);
      const column = x + Math.round(3 * first);
      const row = y + Math.round(-0.5 * first + Math.sqrt(0.75) * radius * Math.sin(angle));
      return column >= 0 && column < 300 && row >= 0 && row < 200 ? [[column, row]] : [];
    });
    const options = { sensor, deviationX: 3, deviationY: 1, correlation: -0.5, seed: 4 };
    const moved = runStage(new filters.JitterSpace(options), [chunkOf(events)]);
    expect(moved.flatMap(({ x, y }) => Array.from(x, (column, i) => [column, y[i]]))).toEqual(expected);
    const time = new RandomStream(5, 'filter/jitter-time');
    const times = events
      .map(({ micros }, i) => {
        const pair = i - (i % 2);
        const radius = Math.sqrt(-2 * Math.log((time.word(pair) + 1) / 2 ** 32));
        const angle = (2 * Math.PI * time.word(pair + 1)) / 2 ** 32;
        const deviate = radius * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
        return Math.max(0, micros + Math.min(2000, Math.max(-2000, Math.round(500 * deviate))));
      })
      .sort((a, b) => a - b);
    const shifted = runStage(new filters.JitterTime({ deviationMicros: 500, seed: 5 }), [chunkOf(events)]);
    expect(shifted.flatMap(({ origin, t }) => Array.from(t, (micros) => origin + micros))).toEqual(times);
  });
});

describe('sorted order', () => {
  it('is that of the values, equal ones as they stand', () => {
    const sorter = new SortedOrder();
    const value = fc.oneof(
      fc.integer({ min: -5, max: 5 }),
      fc.integer({ min: 0, max: 2 ** 40 }),
      fc.maxSafeNat(),
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), (values) => {
        const order = [...sorter.of(Float64Array.from(values), values.length)];
        expect(order).toEqual(values.map((_, i) => i).sort((a, b) => values[a]! - values[b]! || a - b));
      }),
      { numRuns: 500 },
    );
  });
});
