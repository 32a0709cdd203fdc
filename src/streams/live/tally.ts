/** What is counted of a live source, in the order of their places in a `Tally`. */
const COUNTS = [
  'datagrams',
  'bytes',
  'malformed',
  'received',
  'outOfRange',
  'backward',
  'restarts',
  'untimed',
  'lost',
  'late',
  'duplicates',
  'skipped',
  'connections',
] as const;

/** Name of a count, as `LiveCounters` explains them. */
export type Count = (typeof COUNTS)[number];

/** Counts that one thread keeps and any thread reads; each is exact to 2^53. */
export class Tally {
  /** What the counts live in: give it to `new Tally` on another thread to read them there. */
  readonly shared: SharedArrayBuffer;
  readonly #counts: Float64Array;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(8 * COUNTS.length)) {
    this.shared = shared;
    this.#counts = new Float64Array(shared);
  }

  add(count: Count, by = 1): void {
    this.#counts[COUNTS.indexOf(count)]! += by;
  }

  set(count: Count, value: number): void {
    this.#counts[COUNTS.indexOf(count)] = value;
  }

  get(count: Count): number {
    return this.#counts[COUNTS.indexOf(count)]!;
  }

  /** All counts as they are now. */
  read(): Record<Count, number> {
    return Object.fromEntries(COUNTS.map((count, at) => [count, this.#counts[at]!])) as Record<Count, number>;
  }
}
