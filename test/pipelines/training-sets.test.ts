import { describe, expect, it } from 'vitest';
import { dividedSets, idsOf, limited, setsOf } from '../../pipelines/training/training-sets.ts';

const tokens = Array.from({ length: 30 }, (_, i) => ({ id: `token/${i}`, label: i % 3 }));

describe('limited', () => {
  it('keeps the classes in proportion, and everything without a limit', () => {
    const kept = limited(tokens, 9, 1);
    expect([0, 1, 2].map((label) => kept.filter((token) => token.label === label).length)).toStrictEqual([
      3, 3, 3,
    ]);
    expect(limited(tokens, 9, 1)).toStrictEqual(kept);
    expect(limited(tokens, undefined, 1)).toBe(tokens);
    expect(limited(tokens, 100, 1)).toHaveLength(30);
  });
});

describe('dividedSets', () => {
  const division = { limit: undefined, seed: 1, validation: 0.1 };
  const sizes = (parts: Parameters<typeof dividedSets>[0], limit?: number): number[] => {
    const { train, validation, test } = dividedSets(parts, { ...division, limit });
    const ids = [...train, ...validation, ...test].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    return [train.length, validation.length, test.length];
  };

  it('keeps the parts of a set, and divides one without parts', () => {
    const parts = { all: tokens, train: tokens.slice(0, 20), test: tokens.slice(20) };
    expect(sizes(parts)).toStrictEqual([18, 2, 10]);
    expect(sizes(parts, 10)).toStrictEqual([9, 1, 10]);
    expect(sizes({ all: tokens })).toStrictEqual([21, 3, 6]);
    expect(dividedSets(parts, { ...division, validation: 0 }).validation).toStrictEqual([]);
  });
});

describe('setsOf', () => {
  const sets = { train: tokens.slice(0, 20), validation: tokens.slice(20, 25), test: tokens.slice(25) };

  it('finds the recordings of a split wherever they stand now', () => {
    const split = { train: ['token/29', 'token/0'], validation: [], test: ['token/21'] };
    expect(idsOf(setsOf(split, sets, 'data'))).toStrictEqual(split);
  });

  it('names a recording that is gone', () => {
    const split = { train: ['token/0', 'token/77'], validation: [], test: [] };
    expect(() => setsOf(split, sets, 'data')).toThrow(
      "data: expected recording token/77 of the run's split, found none",
    );
  });
});
