import { from, lastValueFrom, Subject, toArray } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import type { Stage } from '../../src/events.ts';
import { stage } from '../../src/operators/index.ts';
import { describeOperatorCases } from './operator-cases.ts';

/** Gives each value twice, and at the end how many came. */
class Doubled implements Stage<string, string> {
  #count = 0;

  push(value: string, emit: (value: string) => void): void {
    this.#count++;
    emit(value);
    emit(value);
  }

  end(emit: (value: string) => void): void {
    emit(String(this.#count));
  }
}

const failing = (error: Error, where: 'push' | 'end'): Stage<string, string> => ({
  push: () => {
    if (where === 'push') throw error;
  },
  end: () => {
    if (where === 'end') throw error;
  },
});

describeOperatorCases('stage', {
  create: () => stage(() => new Doubled()),
  values: ['a', 'b', 'c'],
  outputs: { empty: 1, one: 3, many: 7 },
  throwing: (error) => [
    stage(() => failing(error, 'push')),
    stage(() => failing(error, 'end')),
    stage<string, string>(() => {
      throw error;
    }),
  ],
});

describe('stage', () => {
  const scheduler = (): TestScheduler =>
    new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected));

  it('gives what a push gives at once, and the end with the end', () => {
    scheduler().run(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a----b---|');
      expectObservable(source.pipe(stage(() => new Doubled()))).toBe('-(aa)-(bb)(2|)');
      expectSubscriptions(source.subscriptions).toBe('^---------!');
    });
  });

  it('does not end the stage of a source that fails', () => {
    scheduler().run(({ cold, expectObservable }) => {
      const source = cold('-a---#');
      expectObservable(source.pipe(stage(() => new Doubled()))).toBe('-(aa)#');
    });
  });

  it('pushes one value after the other where the consumer makes its source emit', async () => {
    const source = new Subject<string>();
    const results: string[] = [];
    source.pipe(stage(() => new Doubled())).subscribe((value) => {
      results.push(value);
      if (results.length === 1) source.next('b');
    });
    source.next('a');
    expect(results).toStrictEqual(['a', 'a', 'b', 'b']);
  });

  it('keeps the stack flat over many values', async () => {
    const many = Array.from({ length: 100_000 }, (_, i) => String(i));
    const results = await lastValueFrom(
      from(many).pipe(
        stage(() => new Doubled()),
        toArray(),
      ),
    );
    expect(results).toHaveLength(200_001);
  });
});
