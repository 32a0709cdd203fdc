import { concat, concatMap, defer, EMPTY, type MonoTypeOperatorFunction, of } from 'rxjs';

/** Passes values on and calls `done` after the consumer's `next` has returned, where `tap` calls before it. */
export function afterEach<T>(done: () => void): MonoTypeOperatorFunction<T> {
  const after = defer(() => {
    done();
    return EMPTY;
  });
  return concatMap((value) => concat(of(value), after));
}
