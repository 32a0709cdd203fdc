import fc from 'fast-check';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { shuffle, shuffled } from '../../src/operators/index.ts';
import { describeOperatorCases } from './operator-cases.ts';

describeOperatorCases<number, number>('shuffle', {
  create: () => shuffle(1, 0),
  values: [1, 2, 3, 4],
  outputs: { empty: 0, one: 1, many: 4 },
  holds: true,
});

describe('shuffle', () => {
  it('is a permutation that seed and epoch alone decide', () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.nat(), fc.nat(100), (items, seed, epoch) => {
        const order = shuffled(items, seed, epoch);
        expect([...order].sort((a, b) => a - b)).toStrictEqual([...items].sort((a, b) => a - b));
        expect(shuffled(items, seed, epoch)).toStrictEqual(order);
      }),
    );
  });

  it('differs from epoch to epoch and from seed to seed', () => {
    const items = Array.from({ length: 100 }, (_, i) => i);
    const orders = [shuffled(items, 1, 0), shuffled(items, 1, 1), shuffled(items, 2, 0), items];
    expect(new Set(orders.map(String)).size).toBe(4);
  });

  it('puts every item at every place about equally often', () => {
    const places = Array.from({ length: 5 }, () => new Array<number>(5).fill(0));
    for (let epoch = 0; epoch < 2000; epoch++) {
      shuffled([0, 1, 2, 3, 4], 3, epoch).forEach((item, place) => {
        places[item]![place]!++;
      });
    }
    // 400 expected, five deviations of 18.
    for (const count of places.flat()) expect(Math.abs(count - 400)).toBeLessThan(90);
  });

  it('emits what shuffled gives', async () => {
    const items = ['a', 'b', 'c', 'd', 'e'];
    expect(await lastValueFrom(from(items).pipe(shuffle(4, 2), toArray()))).toStrictEqual(
      shuffled(items, 4, 2),
    );
  });
});
