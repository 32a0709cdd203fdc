import type { EventChunk, SensorSize } from '../../../events.ts';
import { type EventColumns, MICROS_IN } from '../event-columns.ts';
import type { DecodeCounters, TimeUnit } from '../format.ts';

/** Digits behind the point that make microseconds. */
const FRACTION_DIGITS: Readonly<Record<TimeUnit, number>> = { s: 6, ms: 3, us: 0, ns: 0 };
const LARGEST_MICROS = 2 ** 53;
/** Numbers of so many digits have 32 bits. */
const PLAIN_DIGITS = 9;

/** How far the rows have been read. */
export interface RowProgress {
  /** Events in the open chunk, and the time of the last one after its origin. */
  length: number;
  last: number;
  /** Set to the time of the next row where it does not fit in the open chunk. */
  overflow: number | undefined;
  /** Set where a row cannot be read; the events before it are in the chunk. */
  fault: RowFault | undefined;
}

/** A row that cannot be read: where it stands in the bytes, and what was expected. */
export class RowFault {
  readonly position: number;
  readonly expected: string;

  constructor(position: number, expected: string) {
    this.position = position;
    this.expected = expected;
  }
}

/** Reads rows of numbers; an object without state but scratch memory. */
export class RowReader {
  readonly #columns: EventColumns;
  readonly #timeUnit: TimeUnit;
  readonly #values: Float64Array;
  #end = 0;

  constructor(columns: EventColumns, timeUnit: TimeUnit) {
    this.#columns = columns;
    this.#timeUnit = timeUnit;
    this.#values = new Float64Array(columns.count);
  }

  /** The time in microseconds of the row at `start`; undefined where there is no row, but a comment or nothing. */
  timeAt(bytes: Uint8Array, start: number): number | undefined {
    return this.#readRow(bytes, start) ? this.#values[this.#columns.t]! : undefined;
  }

  /**
   * Reads whole rows of `bytes` from `start` to `stop`, which is behind a line feed, into a chunk until it is full;
   * gives the position reached.
   */
  read(
    bytes: Uint8Array,
    start: number,
    stop: number,
    { origin, t, x, y, on }: EventChunk,
    { width, height }: SensorSize,
    progress: RowProgress,
    counters: DecodeCounters,
  ): number {
    const { t: tAt, x: xAt, y: yAt, p: pAt } = this.#columns;
    const values = this.#values;
    const room = t.length;
    let n = progress.length;
    let last = progress.last;
    let position = start;
    try {
      while (position < stop && n < room) {
        const isRow = this.#readPlainRow(bytes, position) || this.#readRow(bytes, position);
        const next = this.#end;
        if (isRow) {
          const column = values[xAt]!;
          const row = values[yAt]!;
          const polarity = values[pAt]!;
          if (polarity !== 0 && polarity !== 1 && polarity !== -1) {
            throw new RowFault(position, 'polarity 1, 0 or -1');
          }
          if (!(column >= 0 && column < width && row >= 0 && row < height)) counters.outOfRange++;
          else {
            const time = values[tAt]! - origin;
            if (time > 0xffffffff) {
              progress.overflow = time + origin;
              break;
            }
            if (time < last) counters.backward++;
            else last = time;
            t[n] = last;
            x[n] = column;
            y[n] = row;
            on[n] = polarity === 1 ? 1 : 0;
            n++;
          }
        }
        position = next;
      }
    } catch (fault) {
      if (!(fault instanceof RowFault)) throw fault;
      progress.fault = fault;
    }
    counters.events += n - progress.length;
    progress.length = n;
    progress.last = last;
    return position;
  }

  /**
   * Reads a line that is as most are: whole numbers of up to nine digits, a byte between two. False where it is another;
   * else, it does what `readRow` does.
   */
  #readPlainRow(bytes: Uint8Array, start: number): boolean {
    if (this.#timeUnit !== 'us') return false;
    const values = this.#values;
    const { count } = this.#columns;
    let at = start;
    for (let column = 0; ; column++, at++) {
      const most = at + PLAIN_DIGITS;
      let value = bytes[at]! - 48;
      if (value < 0 || value > 9) return false;
      let digit = bytes[++at]! - 48;
      for (; digit >= 0 && digit <= 9; digit = bytes[++at]! - 48) value = (Math.imul(value, 10) + digit) | 0;
      if (at > most) return false;
      if (column < count) values[column] = value;
      const byte = digit + 48;
      if (byte === 10) {
        this.#end = at + 1;
        return column + 1 >= count;
      }
      if (byte !== 44 && byte !== 32) return false;
    }
  }

  /** Reads the line at `start` into the scratch values; false where it is empty or a comment. Sets where it ends. */
  #readRow(bytes: Uint8Array, start: number): boolean {
    const values = this.#values;
    const { count, t: timeColumn } = this.#columns;
    let at = start;
    let column = 0;
    for (;;) {
      let byte = bytes[at]!;
      while (byte === 32 || byte === 44 || byte === 9 || byte === 59 || byte === 13) byte = bytes[++at]!;
      if (byte === 10 || byte === undefined) break;
      if (column === 0 && (byte === 35 || byte === 37)) {
        while (byte !== 10 && byte !== undefined) byte = bytes[++at]!;
        break;
      }
      const from = at;
      const negative = byte === 45;
      if (negative || byte === 43) byte = bytes[++at]!;
      let value = 0;
      let digit = byte - 48;
      const whole = at;
      while (digit >= 0 && digit <= 9) {
        value = value * 10 + digit;
        digit = bytes[++at]! - 48;
      }
      let digits = at - whole;
      if (digit === -2) {
        // A point: digits behind it count for times alone; pixels that were moved fall into the one they are in.
        const isTime = column === timeColumn;
        let keep = isTime ? FRACTION_DIGITS[this.#timeUnit] : 0;
        let round = 0;
        digit = bytes[++at]! - 48;
        for (; digit >= 0 && digit <= 9; digits++) {
          if (keep > 0) value = value * 10 + digit;
          else if (keep === 0 && isTime) round = digit >= 5 ? 1 : 0;
          keep--;
          digit = bytes[++at]! - 48;
        }
        for (; keep > 0; keep--) value *= 10;
        value += round;
        if (isTime && this.#timeUnit === 'ns') value = Math.round(value / 1000);
      } else if (column === timeColumn) {
        if (this.#timeUnit === 's') value *= 1e6;
        else if (this.#timeUnit === 'ms') value *= 1000;
        else if (this.#timeUnit === 'ns') value = Math.round(value / 1000);
      }
      if (negative) value = -value;
      byte = bytes[at]!;
      const ended =
        byte === 32 ||
        byte === 44 ||
        byte === 10 ||
        byte === 13 ||
        byte === 9 ||
        byte === 59 ||
        byte === undefined;
      if (!ended || digits === 0) {
        while (byte > 32 && byte !== 44 && byte !== 59) byte = bytes[++at]!;
        value = this.#odd(bytes, from, at, start, column === timeColumn);
      }
      if (column < count) values[column] = value;
      column++;
    }
    this.#end = at + 1;
    if (column === 0) return false;
    if (column < count) throw new RowFault(start, `${count} columns`);
    if (!(Math.abs(values[timeColumn]!) < LARGEST_MICROS)) throw new RowFault(start, 'a time within 2^53 µs');
    return true;
  }

  /** A field with an exponent, or a truth value. */
  #odd(bytes: Uint8Array, from: number, to: number, row: number, isTime: boolean): number {
    const field = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
    if (/^(true|false)$/i.test(field)) return Number(field.toLowerCase() === 'true');
    const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)$/i.test(field) ? Number(field) : Number.NaN;
    if (!Number.isFinite(value)) throw new RowFault(row, 'numbers');
    if (!isTime) return Math.floor(value);
    return Math.round(value * MICROS_IN[this.#timeUnit]);
  }
}
