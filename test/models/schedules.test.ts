import { expect, it } from 'vitest';
import { learningRateAt, type Schedule } from '../../src/models/schedules.ts';

const rates = (schedule: Schedule, epochs: number[]): number[] =>
  epochs.map((epoch) => learningRateAt(schedule, 0.1, epoch));

it('keeps a constant rate', () => {
  expect(rates({ kind: 'constant' }, [0, 1, 99])).toStrictEqual([0.1, 0.1, 0.1]);
});

it('follows half a cosine to zero and stays there', () => {
  const [first, quarter, middle, last, beyond] = rates({ kind: 'cosine', epochs: 8 }, [0, 2, 4, 8, 9]);
  expect(first).toBe(0.1);
  expect(quarter).toBeCloseTo(0.05 * (1 + Math.SQRT1_2), 12);
  expect(middle).toBeCloseTo(0.05, 12);
  expect(last).toBeCloseTo(0, 12);
  expect(beyond).toBe(last);
});

it('steps down after every so many epochs', () => {
  const schedule: Schedule = { kind: 'step', epochs: 30, factor: 0.1 };
  rates(schedule, [0, 29, 30, 59, 60, 99]).forEach((rate, index) => {
    expect(rate).toBeCloseTo([0.1, 0.1, 0.01, 0.01, 0.001, 0.0001][index]!, 12);
  });
});
