import { expect, it } from 'vitest';
import { duration, energy, grouped, percent, scaled } from '../../src/reports/numbers.ts';

it('writes numbers as people read them', () => {
  expect([0.95123, 0, 1].map((share) => percent(share))).toStrictEqual(['95.1 %', '0.0 %', '100.0 %']);
  expect(grouped(1234567)).toBe('1,234,567');
  expect([0, 12, 999, 999.6, 1234, 12_345, 254_000, 1_740_000, 3e12].map(scaled)).toStrictEqual([
    '0',
    '12',
    '999',
    '1.00 k',
    '1.23 k',
    '12.3 k',
    '254 k',
    '1.74 M',
    '3.00 T',
  ]);
  expect([0, 12.34, 999.9, 9_400_000, 4.2e12].map(energy)).toStrictEqual([
    '0.00 pJ',
    '12.3 pJ',
    '1.00 nJ',
    '9.40 µJ',
    '4.20 J',
  ]);
  expect([3.14, 99.96, 245, 3599.7, 7384].map(duration)).toStrictEqual([
    '3.1 s',
    '1 min 40 s',
    '4 min 05 s',
    '1 h 00 min',
    '2 h 03 min',
  ]);
});
