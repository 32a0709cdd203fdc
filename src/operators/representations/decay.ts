/** Decay below e^-104 is 0 in float32. */
const VANISHED = 104;

/**
 * exp(-d / tau) for many whole d: the product of two tables, exp(-a K / tau) and exp(-b / tau) with d = a K + b, so that
 * a pixel costs two reads and not a call. Exact to float64's rounding.
 */
export class Decay {
  readonly #tau: number;
  /** Distances from here on give 0. */
  readonly #end: number;
  readonly #shift: number;
  readonly #coarse: Float64Array;
  readonly #fine: Float64Array;

  /** @param tau time constant in microseconds, above 0 */
  constructor(tau: number) {
    this.#tau = tau;
    this.#end = Math.ceil(VANISHED * tau);
    // Beyond, a distance does not fit 32 bits, and tables of its square root's length are long.
    const tabled = this.#end < 2 ** 30;
    this.#shift = tabled ? Math.ceil(Math.log2(this.#end + 1) / 2) : 0;
    const step = 2 ** this.#shift;
    this.#fine = Float64Array.from({ length: tabled ? step : 0 }, (_, b) => Math.exp(-b / tau));
    const coarse = tabled ? Math.ceil(this.#end / step) + 1 : 0;
    this.#coarse = Float64Array.from({ length: coarse }, (_, a) => Math.exp((-a * step) / tau));
  }

  /** exp(-distance / tau), for any distance. */
  at(distance: number): number {
    return Math.exp(-distance / this.#tau);
  }

  /** exp(-distance / tau), for a whole distance of at least 0. */
  of(distance: number): number {
    if (distance >= this.#end) return 0;
    if (this.#fine.length === 0) return this.at(distance);
    return this.#coarse[distance >> this.#shift]! * this.#fine[distance & (this.#fine.length - 1)]!;
  }

  /** Writes exp(-(time - last[i]) / tau) to `out`, for whole last[i] up to `time`; -Infinity gives 0. */
  render(time: number, last: Float64Array, out: Float32Array): void {
    const whole = Math.floor(time);
    const rest = this.at(time - whole);
    const end = this.#end;
    const coarse = this.#coarse;
    const fine = this.#fine;
    const shift = this.#shift;
    const mask = fine.length - 1;
    if (fine.length === 0) {
      for (let i = 0; i < last.length; i++) out[i] = this.at(time - last[i]!);
      return;
    }
    for (let i = 0; i < last.length; i++) {
      const distance = whole - last[i]!;
      if (distance < end) {
        const d = distance | 0;
        out[i] = coarse[d >> shift]! * fine[d & mask]! * rest;
      } else {
        out[i] = 0;
      }
    }
  }
}
