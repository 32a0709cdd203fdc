/** Time constants that a weight may grow by: a double holds e^600, and its reciprocal. */
const FARTHEST = 600;
/** Longest time that tables reach, so that they stay in a cache: 4.2 s. */
const LONGEST = 2 ** 22;

/**
 * exp(d / tau) for whole d from 0 to `reach`: coarse[d >> shift] fine[d & mask], two tables with d = a K + b, so that an
 * event costs two reads and not a call.
 */
export class Growth {
  readonly reach: number;
  readonly shift: number;
  readonly mask: number;
  readonly coarse: Float64Array;
  readonly fine: Float64Array;

  /** @param tau time constant in microseconds, above 0 */
  constructor(tau: number) {
    this.reach = Math.floor(Math.min(FARTHEST * tau, LONGEST));
    this.shift = Math.ceil(Math.log2(this.reach + 1) / 2);
    const step = 2 ** this.shift;
    this.mask = step - 1;
    this.fine = Float64Array.from({ length: step }, (_, b) => Math.exp(b / tau));
    const coarse = Math.floor(this.reach / step) + 1;
    this.coarse = Float64Array.from({ length: coarse }, (_, a) => Math.exp((a * step) / tau));
  }
}
