/** Values of one digit of a key. */
const DIGITS = 1 << 11;

/**
 * Puts whole numbers in ascending order, equal ones in the order they stand: by digits, the least first, as many as the
 * range of the numbers has. Its memory is used again.
 */
export class SortedOrder {
  #order = new Uint32Array(0);
  #other = new Uint32Array(0);
  #digits = new Uint16Array(0);
  readonly #starts = new Uint32Array(DIGITS);

  /** The places of the first `count` values in order; valid until the next call. */
  of(values: Float64Array, count: number): Uint32Array {
    if (this.#order.length < count) {
      this.#order = new Uint32Array(count);
      this.#other = new Uint32Array(count);
      this.#digits = new Uint16Array(count);
    }
    const least = leastOf(values, count);
    const range = greatestOf(values, count) - least;
    setOwnPlaces(this.#order, count);
    for (let unit = 1; unit <= range; unit *= DIGITS) {
      countDigits(values, count, least, 1 / unit, this.#digits, this.#starts);
      makeStarts(this.#starts);
      moveByDigit(this.#order, count, this.#digits, this.#starts, this.#other);
      [this.#order, this.#other] = [this.#other, this.#order];
    }
    return this.#order.subarray(0, count);
  }
}

function leastOf(values: Float64Array, count: number): number {
  let least = Infinity;
  for (let i = 0; i < count; i++) least = Math.min(least, values[i]!);
  return least;
}

function greatestOf(values: Float64Array, count: number): number {
  let greatest = -Infinity;
  for (let i = 0; i < count; i++) greatest = Math.max(greatest, values[i]!);
  return greatest;
}

function setOwnPlaces(order: Uint32Array, count: number): void {
  for (let i = 0; i < count; i++) order[i] = i;
}

/** Writes a digit of each value, and how often each digit comes. */
function countDigits(
  values: Float64Array,
  count: number,
  least: number,
  perUnit: number,
  digits: Uint16Array,
  starts: Uint32Array,
): void {
  starts.fill(0);
  for (let i = 0; i < count; i++) {
    // Beyond 32 bits, only the lower ones are looked at: those of this digit are among them.
    const digit = Math.floor((values[i]! - least) * perUnit) & (DIGITS - 1);
    digits[i] = digit;
    starts[digit]!++;
  }
}

/** Turns how often digits come into where they start. */
function makeStarts(starts: Uint32Array): void {
  let sum = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const count = starts[digit]!;
    starts[digit] = sum;
    sum += count;
  }
}

function moveByDigit(
  order: Uint32Array,
  count: number,
  digits: Uint16Array,
  starts: Uint32Array,
  out: Uint32Array,
): void {
  for (let i = 0; i < count; i++) {
    const place = order[i]!;
    out[starts[digits[place]!]!++] = place;
  }
}
