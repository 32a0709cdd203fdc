import { OptionError } from '../../../errors.ts';

/** A recording that starts after more wraps than this keeps its times modulo one wrap only: they would fill the file. */
const MOST_WRAPS_BEFORE = 1024;
/** Wraps of silence that are written; more is a mistake in the times. */
const MOST_WRAPS_WITHIN = 1 << 20;

/**
 * The values of the TIME_HIGH words that lead from one time to a later one, so that readers count every wrap: each is
 * written as the greatest value, then 0.
 */
export class TimeHighWords {
  readonly #span: number;
  readonly #unit: number;
  #wraps = 0;

  /**
   * @param highBits bits of a TIME_HIGH word's value
   * @param lowBits bits of time that other words give
   */
  constructor(highBits: number, lowBits: number) {
    this.#span = 2 ** highBits;
    this.#unit = 2 ** lowBits;
  }

  /**
   * The values to be written before an event at `micros`; none where its upper bits are the last ones.
   * @param last value of the last word that was written; below 0 before the first
   */
  advance(last: number, micros: number): readonly number[] {
    const next = Math.floor(micros / this.#unit);
    const wraps = Math.floor(next / this.#span);
    const silence = wraps - this.#wraps;
    const first = last < 0;
    if (micros < 0)
      throw new OptionError(`RAW counts time from 0, not from ${micros} us; shift the times first`);
    // Readers would take a longer step back for a turn of the clock.
    if (silence < 0 || (silence === 0 && last - (next % this.#span) >= this.#span / 2)) {
      throw new OptionError(
        `RAW holds no time that goes back as far as to ${micros} us; sort the events first`,
      );
    }
    if (!first && silence > MOST_WRAPS_WITHIN) {
      throw new OptionError(`RAW holds silences of ${MOST_WRAPS_WITHIN} turns of its clock, not ${silence}`);
    }
    const values: number[] = [];
    let value = last;
    const skip = first && wraps > MOST_WRAPS_BEFORE;
    for (let wrap = skip ? wraps : this.#wraps; wrap < wraps; wrap++) {
      if (value !== this.#span - 1) values.push(this.#span - 1);
      values.push(0);
      value = 0;
    }
    if (value !== next % this.#span) values.push(next % this.#span);
    this.#wraps = wraps;
    return values;
  }
}
