import { from, lastValueFrom, Subject, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { train } from '../../src/operators/index.ts';
import { describeOperatorCases, turn } from './operator-cases.ts';

describeOperatorCases<string, string>('train', {
  create: () => train(async (batch: string) => `loss of ${batch}`),
  values: ['a', 'b', 'c'],
  outputs: { empty: 0, one: 1, many: 3 },
  throwing: (error) => [
    train(() => {
      throw error;
    }),
    train(() => Promise.reject(error)),
  ],
});

describe('train', () => {
  it('takes one step at a time, in order', async () => {
    let running = 0;
    const steps = train(async (batch: number) => {
      expect(++running).toBe(1);
      for (let i = 0; i < 5 - batch; i++) await turn();
      running--;
      return batch * batch;
    });
    expect(await lastValueFrom(from([1, 2, 3, 4]).pipe(steps, toArray()))).toStrictEqual([1, 4, 9, 16]);
  });

  it('starts no step after the consumer has left', async () => {
    const started: number[] = [];
    const source = new Subject<number>();
    const subscription = source.pipe(train(async (batch) => started.push(batch))).subscribe();
    source.next(1);
    source.next(2);
    subscription.unsubscribe();
    await turn();
    expect(started).toStrictEqual([1]);
  });
});
