/**
 * NumPy: `.npy` with rows of named members, or a plain array of four columns; `.npz` with one such array, or with an
 * array a column. Arrays are read some rows at a time. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { RxspikeError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import type { ByteSource } from '../byte-source.ts';
import type { TimeRange } from '../time-range.ts';
import { viewOf } from './byte-window.ts';
import { MICROS_IN } from './event-columns.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventReader, IndexedFormat } from './format.ts';
import { ZIP_MAGIC } from './numpy/archive.ts';
import { NPY_MAGIC } from './numpy/header.ts';
import { archiveRows, arrayRows, type RowSource } from './numpy/rows.ts';
import { defaultUnit, TABLE_ROWS, TableChunks } from './table-chunks.ts';

class NumpyReader implements EventReader {
  readonly counters: DecodeCounters = zeroCounters();
  readonly sensor: SensorSize | undefined;
  readonly #path: string | undefined;
  readonly #options: DecodeOptions;
  readonly #source: ByteSource;
  readonly #rows: RowSource;

  constructor(source: ByteSource, rows: RowSource, options: DecodeOptions) {
    this.sensor = options.sensor;
    this.#path = options.path ?? source.path;
    this.#options = options;
    this.#source = source;
    this.#rows = rows;
  }

  async *chunks({ fromMicros }: TimeRange = {}): AsyncGenerator<EventChunk> {
    const source = this.#rows;
    const unit = this.#options.timeUnit ?? defaultUnit(source.timeType);
    const events = new TableChunks(this.counters, this.sensor, unit);
    // A time is rounded: one more unit of slack costs nothing.
    if (fromMicros !== undefined) await source.seek?.((time) => time * MICROS_IN[unit] < fromMicros - 1);
    const found: EventChunk[] = [];
    const collect = (chunk: EventChunk): number => found.push(chunk);
    let failure: { error: unknown } | undefined;
    let row = 0;
    while (source.left > 0 && failure === undefined) {
      const wanted = Math.min(TABLE_ROWS, source.left);
      try {
        const { rows, table } = await source.next(wanted);
        events.add(table, rows, (message, at) => this.#fail(`${message} in row ${row + at}`), collect);
        row += rows;
        if (rows < wanted)
          this.#fail(
            `array of ${row + source.left} rows expected, the data end after ${row}`,
            this.#source.size,
          );
      } catch (error) {
        failure = { error };
      }
      if (failure !== undefined) events.flush(collect);
      yield* found.splice(0);
    }
    if (failure !== undefined) throw asFault(failure.error, this.#path);
    events.flush(collect);
    yield* found;
  }

  async close(): Promise<void> {
    this.#rows.close();
  }

  #fail(message: string, byteOffset = 0): never {
    throw formatFault(`NumPy ${message}`, this.#path, byteOffset);
  }
}

/** What is thrown for bytes that are not as they should be, as a fault of the file. */
function asFault(error: unknown, path: string | undefined): unknown {
  if (error instanceof RxspikeError || !(error instanceof Error)) return error;
  return formatFault(`NumPy ${error.message.replaceAll('\n', ' ')}`, path, 0, error);
}

/** NumPy's `.npy` and `.npz`. */
export const numpy: IndexedFormat = {
  name: 'numpy',
  title: 'NumPy',
  extensions: ['.npy', '.npz'],
  sniff: (head) => {
    if (NPY_MAGIC.every((byte, i) => head[i] === byte)) return 1;
    if (!isZip(head) || head.length < 30) return 0;
    const name = head.subarray(30, 30 + viewOf(head).getUint16(26, true));
    return Buffer.from(name).toString('latin1').endsWith('.npy') ? 1 : 0;
  },
  async openReader(source, options = {}) {
    try {
      const rows = isZip(await source.read(0, 4)) ? archiveRows(source, options) : arrayRows(source, options);
      return new NumpyReader(source, await rows, options);
    } catch (error) {
      throw asFault(error, options.path ?? source.path);
    }
  },
};

function isZip(head: Uint8Array): boolean {
  return head.length >= 4 && viewOf(head).getUint32(0, true) === ZIP_MAGIC;
}
