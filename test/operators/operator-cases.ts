import {
  concat,
  from,
  lastValueFrom,
  NEVER,
  type Observable,
  type OperatorFunction,
  of,
  repeat,
  Subject,
  take,
  throwError,
  toArray,
} from 'rxjs';
import { describe, expect, it, vi } from 'vitest';

/** What the fixed cases need to know about an operator. */
export interface OperatorCases<In, Out> {
  /** The operator under test, with its plain functions in place. */
  readonly create: () => OperatorFunction<In, Out>;
  /** At least three values. */
  readonly values: readonly In[];
  /** How many values come out of no value, of the first, of all; or the message of the error. */
  readonly outputs: { readonly empty: number | RegExp; readonly one: number; readonly many: number };
  /** What is compared of an output; default all of it. */
  readonly read?: (output: Out) => unknown;
  /** The operator gives all it has at the end of its source: from an endless one comes nothing. */
  readonly holds?: boolean;
  /** The operator with a callback that throws `error`, or whose promise is rejected with it. */
  readonly throwing?: (error: Error) => readonly OperatorFunction<In, Out>[];
}

/** The fixed list of cases that every operator passes. */
export function describeOperatorCases<In, Out>(name: string, cases: OperatorCases<In, Out>): void {
  const { create, values, outputs, holds = false, throwing, read = (output) => output } = cases;
  const collect = <T>(source: Observable<T>): Promise<T[]> => lastValueFrom(source.pipe(toArray()));

  describe(`${name}: the fixed cases`, () => {
    it('never: gives nothing and does not end', async () => {
      const seen = vi.fn();
      const subscription = NEVER.pipe(create()).subscribe({ next: seen, error: seen, complete: seen });
      await turn();
      expect(seen).not.toHaveBeenCalled();
      subscription.unsubscribe();
    });

    it('empty', async () => {
      const result = collect(from([]).pipe(create()));
      if (outputs.empty instanceof RegExp) await expect(result).rejects.toThrow(outputs.empty);
      else expect(await result).toHaveLength(outputs.empty);
    });

    it('one', async () => {
      expect(await collect(of(values[0]!).pipe(create()))).toHaveLength(outputs.one);
    });

    it('many, and the same again for a second subscriber', async () => {
      const many = from(values).pipe(create());
      const first = await collect(many);
      expect(first).toHaveLength(outputs.many);
      expect((await collect(many)).map(read)).toStrictEqual(first.map(read));
    });

    it('error: passes it on, after which nothing comes', async () => {
      const error = new Error('source');
      await expect(collect(throwError(() => error).pipe(create()))).rejects.toBe(error);
      const failing = concat(
        from(values),
        throwError(() => error),
      );
      await expect(collect(failing.pipe(create()))).rejects.toBe(error);
    });

    it('endless: ends when the consumer has enough', async () => {
      const source = new Subject<In>();
      const done = vi.fn();
      const subscription = source.pipe(create(), take(1)).subscribe({ next: done });
      for (let i = 0; i < 50 && !subscription.closed; i++) {
        source.next(values[i % values.length]!);
        await turn();
      }
      expect(done).toHaveBeenCalledTimes(holds ? 0 : 1);
      subscription.unsubscribe();
      expect(source.observed).toBe(false);
    });

    if (!holds && isSynchronous(create(), values)) {
      it('endless and synchronous: the same', async () => {
        expect(await collect(from(values).pipe(repeat(), create(), take(3)))).toHaveLength(3);
      });
    }

    it('early disposal: leaves its source and calls nobody', async () => {
      const source = new Subject<In>();
      const seen = vi.fn();
      const subscription = source.pipe(create()).subscribe({ next: seen, error: seen, complete: seen });
      source.next(values[0]!);
      subscription.unsubscribe();
      const calls = seen.mock.calls.length;
      expect(source.observed).toBe(false);
      source.next(values[1]!);
      await turn();
      expect(seen).toHaveBeenCalledTimes(calls);
    });

    if (throwing !== undefined) {
      it('a callback that throws: its error ends the stream', async () => {
        const error = new Error('callback');
        for (const operator of throwing(error)) {
          const source = new Subject<In>();
          const failed = collect(source.pipe(operator));
          source.next(values[0]!);
          source.complete();
          await expect(failed).rejects.toBe(error);
          expect(source.observed).toBe(false);
        }
      });
    }
  });
}

function isSynchronous<In, Out>(operator: OperatorFunction<In, Out>, values: readonly In[]): boolean {
  let ended = false;
  from(values)
    .pipe(operator)
    .subscribe({ complete: () => (ended = true) });
  return ended;
}

/** Lets all promises that are settled run their reactions. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
