import { setTimeout as sleep } from 'node:timers/promises';

const SHORTEST_MILLIS = 250;
const LONGEST_MILLIS = 5000;

/** Pauses between attempts to connect: each twice as long as the one before, up to five seconds. */
export class Backoff {
  #millis = SHORTEST_MILLIS;

  /** Milliseconds of the next pause. */
  get millis(): number {
    return this.#millis;
  }

  /** Waits, or less where the signal is aborted. */
  async pause(signal: AbortSignal): Promise<void> {
    const millis = this.#millis;
    this.#millis = Math.min(LONGEST_MILLIS, 2 * millis);
    await sleep(millis, undefined, { signal }).catch(() => undefined);
  }

  /** It worked: the next pause is short again. */
  reset(): void {
    this.#millis = SHORTEST_MILLIS;
  }
}
