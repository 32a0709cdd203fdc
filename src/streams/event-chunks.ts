import { Observable } from 'rxjs';
import type { EventChunk, Recording } from '../events.ts';

/**
 * The chunks of a recording as fast as they are decoded, whatever the consumer does with them: right for consumers
 * that work within `next`. Unsubscribing closes the file. For slower ones see `pulledChunks`.
 */
export function eventChunks(recording: Recording): Observable<EventChunk> {
  return chunksWhile(recording, () => undefined);
}

/**
 * How much a sink still takes, in its own unit (frames, batches): a pipeline takes a credit for each value it makes,
 * the sink gives it back when it is done with it.
 */
export class Credits {
  #free: number;
  #wake: (() => void) | undefined;

  /** @param initial values that may be under way at once, at least 1 */
  constructor(initial: number) {
    this.#free = initial;
  }

  /** Credits that are left; below zero where one chunk made more values than there were credits. */
  get free(): number {
    return this.#free;
  }

  /** Notes that `count` values are under way to the sink. */
  take(count = 1): void {
    this.#free -= count;
  }

  /** Notes that the sink is done with `count` values. */
  give(count = 1): void {
    this.#free += count;
    if (this.#free > 0) this.wake();
  }

  /** Undefined while there are credits, else a promise of the next one. One waits at a time. */
  whenFree(): Promise<void> | undefined {
    if (this.#free > 0) return undefined;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Ends a wait without a credit. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/**
 * The chunks of a recording, the next one only while there are credits: memory stays flat behind a consumer however
 * slow. Unsubscribing closes the file.
 *
 * ```ts
 * const credits = new Credits(4);
 * pulledChunks(recording, credits).pipe(
 *   binByTime({ windowMicros: 10_000, grid }),
 *   tap(() => credits.take()),
 *   concatMap((frame) => show(frame)),
 *   tap(() => credits.give()),
 * );
 * ```
 */
export function pulledChunks(recording: Recording, credits: Credits): Observable<EventChunk> {
  return chunksWhile(
    recording,
    () => credits.whenFree(),
    () => credits.wake(),
  );
}

/** Iterates a recording for one subscriber, waiting before each chunk for what `ready` gives. */
function chunksWhile(
  recording: Recording,
  ready: () => Promise<void> | undefined,
  wake?: () => void,
): Observable<EventChunk> {
  return new Observable((subscriber) => {
    const iterator = recording.chunks()[Symbol.asyncIterator]();
    const close = (): void => {
      wake?.();
      // A failure to close has no one to tell any more.
      iterator.return?.().catch(() => undefined);
    };
    const run = async (): Promise<void> => {
      while (!subscriber.closed) {
        const wait = ready();
        if (wait !== undefined) await wait;
        if (subscriber.closed) return;
        const next = await iterator.next();
        if (next.done === true) return subscriber.complete();
        subscriber.next(next.value);
      }
    };
    run().catch((error: unknown) => subscriber.error(error));
    return close;
  });
}
