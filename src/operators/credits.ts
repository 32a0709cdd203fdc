import { defer, type OperatorFunction, tap } from 'rxjs';
import { afterEach } from './after-each.ts';
import { wholeNumber } from './whole-number.ts';

/**
 * Flow control for streams too long to be tokens: the source awaits `ready()` before it pulls its next value, the slow
 * part of the stream runs under `spending(credits, …)`, which takes a credit for each value that enters and returns it
 * when its result has been consumed. One value of the source may become any number of the consumer's, so the account
 * may go below zero; the source then waits until it is above again.
 */
export class Credits {
  #free: number;
  #waiting: (() => void)[] = [];

  /** @param limit values that may be under way in the slow part before the source waits, at least 1 */
  constructor(limit: number) {
    this.#free = wholeNumber('credits', limit, 1);
  }

  /** Credits left; below zero where one value of the source became many. */
  get free(): number {
    return this.#free;
  }

  /** Resolves as soon as a credit is free. */
  ready(): Promise<void> {
    if (this.#free > 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  take(): void {
    this.#free--;
  }

  give(): void {
    this.#free++;
    if (this.#free <= 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}

/** Runs `consume`, which gives one value for each that it takes, on the account of `credits`. */
export function spending<In, Out>(
  credits: Credits,
  consume: OperatorFunction<In, Out>,
): OperatorFunction<In, Out> {
  return (source) =>
    defer(() =>
      source.pipe(
        tap(() => credits.take()),
        consume,
        afterEach(() => credits.give()),
      ),
    );
}
