import fc from 'fast-check';
import { concatMap, finalize, from, lastValueFrom, map, Subject, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import { inFlight } from '../../src/operators/index.ts';
import { describeOperatorCases, turn } from './operator-cases.ts';

describeOperatorCases('inFlight', {
  create: () => inFlight(2, async (token: number) => token * 10),
  values: [1, 2, 3],
  outputs: { empty: 0, one: 1, many: 3 },
  throwing: (error) => [
    inFlight(2, () => Promise.reject(error)),
    inFlight(2, () => {
      throw error;
    }),
    inFlight(
      2,
      async (token: number) => token,
      map(() => {
        throw error;
      }),
    ),
  ],
});

/** Waits for `turns` turns of the event loop. */
async function wait(turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await turn();
}

describe('inFlight', () => {
  it('refuses a limit below 1', () => {
    expect(() => inFlight(0, async () => 1)).toThrow(OptionError);
    expect(() => inFlight(1.5, async () => 1)).toThrow(OptionError);
  });

  it('keeps the order and never holds more than the limit, whatever takes how long', async () => {
    const token = fc.record({ load: fc.nat(4), consume: fc.nat(4) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(token, { maxLength: 20 }),
        fc.integer({ min: 1, max: 5 }),
        async (tokens, limit) => {
          let held = 0;
          let most = 0;
          const results = await lastValueFrom(
            from(tokens.map((delays, index) => ({ ...delays, index }))).pipe(
              inFlight(
                limit,
                async (loading) => {
                  most = Math.max(most, ++held);
                  await wait(loading.load);
                  return loading;
                },
                concatMap(async (loaded) => {
                  await wait(loaded.consume);
                  held--;
                  return loaded.index;
                }),
              ),
              toArray(),
            ),
          );
          expect(results).toStrictEqual(tokens.map((_, index) => index));
          expect(most).toBeLessThanOrEqual(limit);
          expect(most).toBe(Math.min(limit, tokens.length));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('without consume: a value is consumed when next has returned', async () => {
    let held = 0;
    let most = 0;
    const source = from([1, 2, 3, 4, 5]).pipe(
      inFlight(2, async (token) => {
        most = Math.max(most, ++held);
        return token;
      }),
    );
    await new Promise<void>((complete) => {
      source.subscribe({
        next: () => {
          expect(held).toBeLessThanOrEqual(2);
          held--;
        },
        complete,
      });
    });
    expect(most).toBe(2);
  });

  it('loads the next while one is consumed', async () => {
    const log: string[] = [];
    await lastValueFrom(
      from([1, 2]).pipe(
        inFlight(
          2,
          async (token) => {
            log.push(`load ${token}`);
            return token;
          },
          concatMap(async (loaded) => {
            log.push(`consume ${loaded}`);
            await wait(3);
            log.push(`consumed ${loaded}`);
          }),
        ),
      ),
    );
    expect(log.indexOf('load 2')).toBeLessThan(log.indexOf('consumed 1'));
  });

  it('gives what comes before a failing token, then its error, and loads no more', async () => {
    const loaded: number[] = [];
    const results: number[] = [];
    const error = new Error('second');
    const source = from([1, 2, 3, 4, 5]).pipe(
      inFlight(2, async (token) => {
        loaded.push(token);
        if (token === 2) throw error;
        await wait(5);
        return token;
      }),
    );
    const failed = await new Promise((resolve) => {
      source.subscribe({ next: (value) => results.push(value), error: resolve });
    });
    expect(failed).toBe(error);
    expect(results).toStrictEqual([1]);
    await wait(10);
    expect(loaded.length).toBeLessThanOrEqual(3);
  });

  it('loads no more once the consumer has enough', async () => {
    const loaded: number[] = [];
    let left = false;
    const source = new Subject<number>();
    const taken = lastValueFrom(
      source.pipe(
        finalize(() => {
          left = true;
        }),
        inFlight(1, async (token) => {
          loaded.push(token);
          return token;
        }),
        take(2),
        toArray(),
      ),
    );
    for (let token = 1; token <= 5; token++) source.next(token);
    expect(await taken).toStrictEqual([1, 2]);
    await wait(5);
    expect(loaded).toStrictEqual([1, 2]);
    expect(left).toBe(true);
  });

  it('takes 20,000 tokens that are there at once', async () => {
    const tokens = Array.from({ length: 20_000 }, (_, i) => i);
    const sum = await lastValueFrom(
      from(tokens).pipe(
        inFlight(
          3,
          (token) => token,
          map((token) => token),
        ),
        toArray(),
      ),
    );
    expect(sum).toStrictEqual(tokens);
  });
});
