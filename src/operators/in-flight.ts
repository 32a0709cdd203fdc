import {
  concat,
  concatMap,
  defer,
  EMPTY,
  map,
  merge,
  type OperatorFunction,
  of,
  pipe,
  range,
  Subject,
  zip,
} from 'rxjs';
import { wholeNumber } from './whole-number.ts';

/**
 * Loads tokens, at most `limit` of them loaded and not yet consumed, and emits what they load to in their order.
 *
 * A value is consumed when `consume` emits its result, so `consume` holds everything slow that follows the loading and
 * gives one value for each it takes: `inFlight(2, loadBatch, train(trainStep))`. Without `consume`, a value is consumed
 * when the consumer's `next` returns; what waits in an asynchronous operator further down is then not bounded.
 *
 * RxJS has no flow control: the source is zipped with credits that consumption returns. The zip queues its source
 * without bound, so tokens are small: names, paths, recordings not yet opened. A stream too long to be tokens is pulled
 * from its source instead, chunk by chunk.
 *
 * @param limit whole number of at least 1; with 2, one value loads while another is consumed
 */
export function inFlight<Token, Out>(
  limit: number,
  load: (token: Token) => PromiseLike<Out> | Out,
): OperatorFunction<Token, Out>;
export function inFlight<Token, Loaded, Out>(
  limit: number,
  load: (token: Token) => PromiseLike<Loaded> | Loaded,
  consume: OperatorFunction<Loaded, Out>,
): OperatorFunction<Token, Out>;
export function inFlight<Token, Loaded>(
  limit: number,
  load: (token: Token) => PromiseLike<Loaded> | Loaded,
  consume: OperatorFunction<Loaded, unknown> = pipe(),
): OperatorFunction<Token, unknown> {
  wholeNumber('inFlight limit', limit, 1);
  return (source) =>
    defer(() => {
      const returned = new Subject<number>();
      const giveBack = defer(() => {
        returned.next(0);
        return EMPTY;
      });
      return zip(merge(range(0, limit), returned), source).pipe(
        map(([, token]) => start(load, token)),
        concatMap((loading) => loading),
        consume,
        // Behind the value, for `tap` would load the next one before the consumer has taken this one.
        concatMap((result) => concat(of(result), giveBack)),
      );
    });
}

/** Loads at once; a failure waits for its turn in the order and is not reported as unhandled before. */
function start<Token, Loaded>(
  load: (token: Token) => PromiseLike<Loaded> | Loaded,
  token: Token,
): Promise<Loaded> {
  const loading = new Promise<Loaded>((resolve) => resolve(load(token)));
  loading.catch(() => {});
  return loading;
}
