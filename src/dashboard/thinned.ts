/** A series from its first value to its last, evenly thinned where it is long. The page and the server share this file. */
export class Thinned<T> {
  readonly #limit: number;
  #values: T[] = [];
  #stride = 1;
  #count = 0;
  #last: T | undefined;

  /** @param limit values at most; beyond, every other one is left out */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(value: T): void {
    this.#last = value;
    if (this.#count++ % this.#stride !== 0) return;
    this.#values.push(value);
    if (this.#values.length < this.#limit) return;
    this.#values = this.#values.filter((_, index) => index % 2 === 0);
    this.#stride *= 2;
  }

  /** What is kept, and the last value in any case. */
  values(): T[] {
    const last = this.#last;
    return last === undefined || this.#values.at(-1) === last ? [...this.#values] : [...this.#values, last];
  }
}
