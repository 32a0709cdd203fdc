import { concatMap, from, lastValueFrom, mergeMap, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import { Credits, spending } from '../../src/operators/index.ts';
import { describeOperatorCases, turn } from './operator-cases.ts';

describeOperatorCases('spending', {
  create: () =>
    spending(
      new Credits(2),
      concatMap(async (value: number) => value),
    ),
  values: [1, 2, 3],
  outputs: { empty: 0, one: 1, many: 3 },
  throwing: (error) => [
    spending(
      new Credits(2),
      concatMap(() => {
        throw error;
      }),
    ),
  ],
});

describe('Credits', () => {
  it('refuses a limit below 1', () => {
    expect(() => new Credits(0)).toThrow(OptionError);
  });

  it('lets the source wait until the account is above zero again', async () => {
    const credits = new Credits(1);
    const log: string[] = [];
    await credits.ready();
    credits.take();
    credits.take();
    const waiting = [credits.ready(), credits.ready()].map((ready, i) =>
      ready.then(() => log.push(`go ${i}`)),
    );
    credits.give();
    await turn();
    expect(log).toStrictEqual([]);
    credits.give();
    await Promise.all(waiting);
    expect(log).toStrictEqual(['go 0', 'go 1']);
    expect(credits.free).toBe(1);
  });

  it('bounds what a pulled source has under way, in the unit of the consumer', async () => {
    const limit = 3;
    const manyOfOne = 4;
    const credits = new Credits(limit);
    let underWay = 0;
    let most = 0;
    async function* pulled(): AsyncGenerator<number> {
      for (let value = 0; value < 20; value++) {
        await credits.ready();
        yield value;
      }
    }
    const results = await lastValueFrom(
      from(pulled()).pipe(
        mergeMap((value) => {
          underWay += manyOfOne;
          most = Math.max(most, underWay);
          return of(...Array.from({ length: manyOfOne }, (_, i) => manyOfOne * value + i));
        }),
        spending(
          credits,
          concatMap(async (value) => {
            await turn();
            underWay--;
            return value;
          }),
        ),
        toArray(),
      ),
    );
    expect(results).toStrictEqual(Array.from({ length: 20 * manyOfOne }, (_, i) => i));
    expect(most).toBeLessThanOrEqual(limit - 1 + manyOfOne);
    expect(credits.free).toBe(limit);
  });
});
