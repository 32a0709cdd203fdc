/**
 * Chunks from the columns of a table, of whatever types they are: NumPy, HDF5 and Parquet end here. Columns are first
 * read into numbers, each by a loop of its own, then joined to events.
 */
import type { EventChunk, SensorSize } from '../../events.ts';
import { ChunkBuilder } from './chunk-builder.ts';
import { MICROS_IN } from './event-columns.ts';
import type { DecodeCounters, TimeUnit } from './format.ts';

/** Types of numbers: signed, unsigned or floating-point, and their bytes. */
export type NumberType = 'i1' | 'u1' | 'i2' | 'u2' | 'i4' | 'u4' | 'i8' | 'u8' | 'f4' | 'f8';

/** Values of one type, at equal distances in memory. */
export interface Column {
  readonly view: DataView;
  /** Position of the first value, and bytes from one to the next. */
  readonly start: number;
  readonly stride: number;
  readonly type: NumberType;
  readonly littleEndian: boolean;
}

/** The columns of some rows. */
export interface EventTable {
  readonly t: Column;
  readonly x: Column;
  readonly y: Column;
  readonly p: Column;
}

/** Rows that are joined at a time. */
export const TABLE_ROWS: number = 1 << 14;

const ANY_SIZE: SensorSize = { width: 65536, height: 65536 };
const LARGEST_MICROS = 2 ** 53;

/** Bytes of a value. */
export function bytesOfType(type: NumberType): number {
  return Number(type[1]);
}

/** The unit of times that says nothing of itself: seconds with fractions, microseconds without. */
export function defaultUnit(type: NumberType): TimeUnit {
  return type[0] === 'f' ? 's' : 'us';
}

/** Joins the rows of a table to chunks; keeps what is needed from one block of rows to the next. */
export class TableChunks {
  readonly #chunks = new ChunkBuilder();
  readonly #counters: DecodeCounters;
  readonly #sensor: SensorSize;
  readonly #unit: TimeUnit;
  readonly #offsetMicros: number;
  readonly #t = new Float64Array(TABLE_ROWS);
  readonly #x = new Float64Array(TABLE_ROWS);
  readonly #y = new Float64Array(TABLE_ROWS);
  readonly #p = new Float64Array(TABLE_ROWS);
  #started = false;
  #last = 0;

  /** @param offsetMicros is added to all times */
  constructor(counters: DecodeCounters, sensor: SensorSize | undefined, unit: TimeUnit, offsetMicros = 0) {
    this.#counters = counters;
    this.#sensor = sensor ?? ANY_SIZE;
    this.#unit = unit;
    this.#offsetMicros = offsetMicros;
  }

  /**
   * Adds rows, at most `TABLE_ROWS`.
   * @param fail throws, for a time that is no number or not exact
   */
  add(
    table: EventTable,
    rows: number,
    fail: (message: string, row: number) => never,
    emit: (chunk: EventChunk) => void,
  ): void {
    readNumbers(table.t, rows, this.#t);
    readNumbers(table.x, rows, this.#x);
    readNumbers(table.y, rows, this.#y);
    readNumbers(table.p, rows, this.#p);
    toMicros(this.#t, rows, this.#unit, this.#offsetMicros);
    for (let row = 0; row < rows; ) row = this.#join(row, rows, fail, emit);
  }

  /** Hands on what there is. */
  flush(emit: (chunk: EventChunk) => void): void {
    this.#chunks.flush(emit);
  }

  /** Joins rows until the open chunk is full, or a time does not fit in it; gives the row reached. */
  #join(
    start: number,
    rows: number,
    fail: (message: string, row: number) => never,
    emit: (chunk: EventChunk) => void,
  ): number {
    const { width, height } = this.#sensor;
    const times = this.#t;
    const columns = this.#x;
    const lines = this.#y;
    const polarities = this.#p;
    const { t, x, y, on } = this.#chunks.open();
    const origin = this.#chunks.origin;
    let n = this.#chunks.length;
    let last = this.#last;
    let row = start;
    let jump: number | undefined;
    for (; row < rows && n < t.length; row++) {
      const column = columns[row]!;
      const line = lines[row]!;
      if (!(column >= 0 && column < width && line >= 0 && line < height)) {
        this.#counters.outOfRange++;
        continue;
      }
      const micros = times[row]!;
      const time = micros - origin;
      if (!this.#started || !(time <= 0xffffffff)) {
        if (!(Math.abs(micros) < LARGEST_MICROS)) {
          this.#advance(n, last, emit);
          fail('times within 2^53 µs expected', row);
        }
        jump = micros;
        break;
      }
      if (time < last) this.#counters.backward++;
      else last = time;
      t[n] = last;
      x[n] = column;
      y[n] = line;
      on[n] = polarities[row]! > 0 ? 1 : 0;
      n++;
    }
    this.#advance(n, last, emit);
    if (jump !== undefined) {
      this.#chunks.moveOrigin(jump, emit);
      this.#started = true;
      this.#last = 0;
    }
    return row;
  }

  #advance(n: number, last: number, emit: (chunk: EventChunk) => void): void {
    this.#counters.events += n - this.#chunks.length;
    this.#last = last;
    this.#chunks.advance(n, emit);
  }
}

/** Times in a unit to whole microseconds, in place. */
function toMicros(times: Float64Array, rows: number, unit: TimeUnit, offset: number): void {
  if (unit === 'us' && offset === 0) {
    for (let i = 0; i < rows; i++) times[i] = Math.round(times[i]!);
    return;
  }
  if (unit === 'ns') {
    for (let i = 0; i < rows; i++) times[i] = Math.round(times[i]! / 1000) + offset;
    return;
  }
  const factor = MICROS_IN[unit];
  for (let i = 0; i < rows; i++) times[i] = Math.round(times[i]! * factor) + offset;
}

/** Reads a column's first `rows` values into `values`; integers of 64 bits are exact to 2^53. */
export function readNumbers(column: Column, rows: number, values: Float64Array): void {
  const { view, stride, littleEndian: little } = column;
  let at = column.start;
  switch (column.type) {
    case 'i1':
      for (let i = 0; i < rows; i++, at += stride) values[i] = view.getInt8(at);
      return;
    case 'u1':
      for (let i = 0; i < rows; i++, at += stride) values[i] = view.getUint8(at);
      return;
    case 'i2':
      for (let i = 0; i < rows; i++, at += stride) values[i] = view.getInt16(at, little);
      return;
    case 'u2':
      for (let i = 0; i < rows; i++, at += stride) values[i] = view.getUint16(at, little);
      return;
    case 'i4':
      for (let i = 0; i < rows; i++, at += stride) values[i] = view.getInt32(at, little);
      return;
    case 'u4':
      for (let i = 0; i < rows; i++, at += stride) values[i] = view.getUint32(at, little);
      return;
    case 'f4':
      for (let i = 0; i < rows; i++, at += stride) values[i] = view.getFloat32(at, little);
      return;
    case 'f8':
      for (let i = 0; i < rows; i++, at += stride) values[i] = view.getFloat64(at, little);
      return;
    default: {
      const signed = column.type === 'i8';
      const highAt = little ? 4 : 0;
      const lowAt = little ? 0 : 4;
      for (let i = 0; i < rows; i++, at += stride) {
        const high = signed ? view.getInt32(at + highAt, little) : view.getUint32(at + highAt, little);
        values[i] = high * 4294967296 + view.getUint32(at + lowAt, little);
      }
    }
  }
}
