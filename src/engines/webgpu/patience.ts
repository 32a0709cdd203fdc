/** Part of the time waited so far that the next pause takes, so that an answer is late by no more. */
const SHARE = 1 / 32;
/** Longest pause, in milliseconds: other callbacks of the process wait for it too. */
const LONGEST = 1;

/**
 * Waiting for the device. Dawn asks it for news in every turn of Node's event loop, which then never rests: a whole core is
 * used up, and taken from a driver that computes on the processor. So turns are drawn out while something is awaited,
 * by longer pauses the longer it takes.
 */
export class Patience {
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));
  #awaited = 0;
  #since = 0;

  /** What the promise gives, when the device has answered. */
  async await<T>(promise: Promise<T>): Promise<T> {
    if (this.#awaited++ === 0) {
      this.#since = performance.now();
      this.#turn();
    }
    try {
      return await promise;
    } finally {
      this.#awaited--;
      this.#since = performance.now();
    }
  }

  #turn = (): void => {
    if (this.#awaited === 0) return;
    Atomics.wait(this.#cell, 0, 0, Math.min(LONGEST, SHARE * (performance.now() - this.#since)));
    setImmediate(this.#turn);
  };
}
