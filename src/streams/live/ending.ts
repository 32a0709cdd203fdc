/** When a source ends; what has come is still delivered. */
export interface EndingOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds after which it ends; unlimited by default. */
  readonly durationMillis?: number;
  /** Milliseconds without anything new after which it ends; unlimited by default. */
  readonly idleMillis?: number;
}

/** Node's timers hold no more: 24.8 days. */
const LONGEST_TIMER_MILLIS = 2 ** 31 - 1;
const LONGEST_TICK_MILLIS = 100;

/** When a source ends, what its consumer waits for, and what its feeder waits for. */
export class Ending {
  ended = false;
  /** Called once, when it ends. */
  onEnd: () => void = () => {};
  readonly #options: EndingOptions;
  readonly #progress: () => number;
  readonly #end = (): void => this.end();
  #timers: NodeJS.Timeout[] = [];
  #wake: (() => void) | undefined;
  #take: (() => void) | undefined;

  /** @param progress a number that changes whenever something comes */
  constructor(options: EndingOptions, progress: () => number) {
    this.#options = options;
    this.#progress = progress;
  }

  start(): void {
    const { signal, durationMillis, idleMillis } = this.#options;
    if (signal?.aborted) this.end();
    if (this.ended) return;
    signal?.addEventListener('abort', this.#end, { once: true });
    if (durationMillis !== undefined) {
      this.#timers.push(setTimeout(this.#end, Math.min(durationMillis, LONGEST_TIMER_MILLIS)));
    }
    if (idleMillis !== undefined) this.#watchSilence(idleMillis);
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
    this.#options.signal?.removeEventListener('abort', this.#end);
    this.onEnd();
    this.wake();
    this.taken();
  }

  /** Something has come. */
  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  arrivalOrEnd(): Promise<void> {
    if (this.ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Something has been taken. */
  taken(): void {
    this.#take?.();
    this.#take = undefined;
  }

  nextTake(): Promise<void> {
    if (this.ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#take = resolve;
    });
  }

  /** Counted in ticks: while a network computes nothing ticks, and what comes meanwhile is seen after. */
  #watchSilence(idleMillis: number): void {
    const tickMillis = Math.max(1, Math.min(LONGEST_TICK_MILLIS, idleMillis / 4));
    let seen = this.#progress();
    let quietMillis = 0;
    const tick = (): void => {
      const now = this.#progress();
      quietMillis = now === seen ? quietMillis + tickMillis : 0;
      seen = now;
      if (quietMillis > idleMillis) this.end();
    };
    this.#timers.push(setInterval(tick, tickMillis));
  }
}
