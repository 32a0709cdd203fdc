import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError, OptionError } from '../../../src/errors.ts';
import type { Labelled } from '../../../src/streams/datasets/dataset.ts';
import { stratifiedSample, stratifiedSplit } from '../../../src/streams/datasets/split.ts';

const tokens = fc
  .uniqueArray(fc.string(), { maxLength: 200 })
  .chain((ids) => fc.tuple(...ids.map((id) => fc.record({ id: fc.constant(id), label: fc.nat(4) }))));

function labelCounts(items: readonly Labelled[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { label } of items) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

describe('stratifiedSplit', () => {
  it('is a stratified partition that hangs on ids and seed alone', () => {
    fc.assert(
      fc.property(
        tokens,
        fc.double({ min: 0, max: 0.49, noNaN: true }),
        fc.double({ min: 0, max: 0.49, noNaN: true }),
        fc.maxSafeNat(),
        fc.nat(),
        (items, test, validation, seed, turn) => {
          const split = stratifiedSplit(items, { test, validation }, seed);
          const ids = [...split.train, ...split.validation, ...split.test].map(({ id }) => id);
          expect(ids.sort()).toEqual(items.map(({ id }) => id).sort());
          expect(split.test).toHaveLength(Math.round(test * items.length));
          expect(split.validation).toHaveLength(Math.round(validation * items.length));

          const whole = labelCounts(items);
          for (const [part, within] of [
            [split.test, 1],
            [split.validation, 2],
          ] as const) {
            const counts = labelCounts(part);
            for (const [label, count] of whole) {
              const share = (count * part.length) / items.length;
              expect(Math.abs((counts.get(label) ?? 0) - share)).toBeLessThanOrEqual(within);
            }
          }

          const turned = [
            ...items.slice(turn % (items.length + 1)),
            ...items.slice(0, turn % (items.length + 1)),
          ];
          expect(stratifiedSplit(turned.reverse(), { test, validation }, seed)).toEqual(split);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('changes with the seed, and keeps the test part whatever is taken for validation', () => {
    const items = Array.from({ length: 100 }, (_, i) => ({ id: `a/${i}`, label: i % 10 }));
    const split = stratifiedSplit(items, { test: 0.1 }, 42);
    expect([...labelCounts(split.test).values()]).toEqual(new Array(10).fill(1));
    expect(stratifiedSplit(items, { test: 0.1 }, 43).test).not.toEqual(split.test);
    expect(stratifiedSplit(items, { test: 0.1, validation: 0.2 }, 42).test).toEqual(split.test);
    expect(stratifiedSplit([], { test: 0.5 }, 1)).toEqual({ train: [], validation: [], test: [] });
  });

  it('refuses fractions that leave nothing, and ids that come twice', () => {
    const item = { id: 'a', label: 0 };
    for (const fractions of [
      { test: 1 },
      { test: -0.1 },
      { test: 0.5, validation: 0.5 },
      { test: Number.NaN },
    ]) {
      expect(() => stratifiedSplit([item], fractions, 0)).toThrow(OptionError);
    }
    expect(() => stratifiedSplit([item, item], { test: 0.5 }, 0)).toThrow(InputError);
  });
});

describe('stratifiedSample', () => {
  it('takes as many as asked, classes in proportion', () => {
    const items = Array.from({ length: 90 }, (_, i) => ({ id: `${i}`, label: i % 3 }));
    expect([...labelCounts(stratifiedSample(items, 30, 7)).values()]).toEqual([10, 10, 10]);
    expect(stratifiedSample(items, 31, 7)).toHaveLength(31);
    expect(stratifiedSample(items, 1000, 7)).toHaveLength(90);
    expect(stratifiedSample(items, 0, 7)).toEqual([]);
  });
});
