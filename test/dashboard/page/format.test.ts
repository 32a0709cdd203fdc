import { expect, it } from 'vitest';
import {
  bytes,
  count,
  decimal,
  decimalTick,
  duration,
  millis,
  percent,
  percentTick,
} from '../../../src/dashboard/page/format.ts';

it('writes numbers in three digits that count', () => {
  expect(
    [0, 0.1234, 1, 9.996, 99.96, 999.4, 999.6, 12_345, 1_234_567, 2.5e9, 3e12].map((value) => count(value)),
  ).toEqual(['0', '0.123', '1.00', '10.0', '100', '999', '1.00 k', '12.3 k', '1.23 M', '2.50 G', '3.00 T']);
  expect([0.0004, 1.75, 12.34, 1500].map((value) => millis(value))).toEqual([
    '0.000 ms',
    '1.75 ms',
    '12.3 ms',
    '1500 ms',
  ]);
  expect([3.2, 99, 150, 7200, 13_000].map((value) => duration(value))).toEqual([
    '3.20 s',
    '99.0 s',
    '3 min',
    '2 h 0 min',
    '3 h 37 min',
  ]);
});

it('writes shares, bytes and losses', () => {
  expect([0, 0.12345, 1].map((value) => percent(value))).toEqual(['0.0 %', '12.3 %', '100.0 %']);
  expect([0, 0.125, 1].map(percentTick)).toEqual(['0 %', '12.5 %', '100 %']);
  expect([5 * 2 ** 20, 1.5 * 2 ** 30].map((value) => bytes(value))).toEqual(['5 MiB', '1.50 GiB']);
  expect(decimal(0.61234)).toBe('0.612');
  expect([0, 0.2, 1.5].map(decimalTick)).toEqual(['0', '0.2', '1.5']);
});

it('writes a dash for what is not known', () => {
  for (const write of [count, percent, bytes, millis, duration, decimal])
    for (const value of [undefined, null, Number.NaN, Number.POSITIVE_INFINITY])
      expect(write(value)).toBe('–');
});
