/** Smallest time that is told apart, and the ratio of one bucket's bounds. */
const SMALLEST_MILLIS = 0.01;
const RATIO = 1.01;
const BUCKETS = 2048;

/** Times in a fixed amount of memory, from 0.01 ms to hours; quantiles are right to 1 %. */
export class LatencyHistogram {
  #buckets = new Uint32Array(BUCKETS);
  #count = 0;
  #maximum = 0;

  get count(): number {
    return this.#count;
  }

  add(millis: number): void {
    const bucket = Math.ceil(Math.log(Math.max(millis, SMALLEST_MILLIS) / SMALLEST_MILLIS) / Math.log(RATIO));
    this.#buckets[Math.min(bucket, BUCKETS - 1)]!++;
    this.#count++;
    this.#maximum = Math.max(this.#maximum, millis);
  }

  /** The time below which a share of all times lies, in milliseconds; 0 of none. */
  quantile(share: number): number {
    const wanted = share * this.#count;
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#buckets[bucket]!;
      if (seen > 0 && seen >= wanted) return Math.min(SMALLEST_MILLIS * RATIO ** bucket, this.#maximum);
    }
    return 0;
  }

  /** Forgets all. */
  clear(): void {
    this.#buckets.fill(0);
    this.#count = 0;
    this.#maximum = 0;
  }

  /** Median, 99th percentile and maximum in milliseconds, to the microsecond; undefined of none. */
  summary(): { readonly p50: number; readonly p99: number; readonly max: number } | undefined {
    if (this.#count === 0) return undefined;
    const rounded = (millis: number): number => Number(millis.toFixed(3));
    return {
      p50: rounded(this.quantile(0.5)),
      p99: rounded(this.quantile(0.99)),
      max: rounded(this.#maximum),
    };
  }
}
