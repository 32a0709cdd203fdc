import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Thinned } from '../../src/dashboard/thinned.ts';

it('keeps first and last, what is between at even distances, and no more than it may', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(3000), (limit, count) => {
      const series = new Thinned<number>(limit);
      for (let value = 0; value < count; value++) series.add(value);
      const values = series.values();
      expect(values.length).toBeLessThanOrEqual(limit + 1);
      expect(values.length).toBeGreaterThanOrEqual(Math.min(count, Math.floor(limit / 2)));
      expect(values[0]).toBe(count === 0 ? undefined : 0);
      expect(values.at(-1)).toBe(count === 0 ? undefined : count - 1);
      const gaps = values.slice(1).map((value, index) => value - values[index]!);
      const last = gaps.pop() ?? 1;
      expect(new Set(gaps).size).toBeLessThanOrEqual(1);
      expect(last).toBeLessThanOrEqual(gaps[0] ?? Number.POSITIVE_INFINITY);
    }),
  );
});
