import { expect, it } from 'vitest';
import { Columns } from '../../../src/dashboard/page/columns.ts';

it('keeps the last rows', () => {
  const columns = new Columns(2, 100);
  for (let row = 0; row < 10_000; row++) columns.push([row, row % 2 === 0 ? row : undefined]);
  const { data, length } = columns;
  expect(length).toBeGreaterThanOrEqual(100);
  expect(length).toBeLessThanOrEqual(125);
  expect(data[0]).toEqual(Array.from({ length }, (_, index) => 10_000 - length + index));
  expect(data[1]!.at(-2)).toBe(9998);
  expect(data[1]!.at(-1)).toBeNull();
});
