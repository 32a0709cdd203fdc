/**
 * Parquet, with the columns of our Arrow files (t timestamp[us], x and y uint16, on bool) or others of known names and
 * any numbers; read and written a group of rows at a time.
 */
import { RxspikeError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import type { ByteSource } from '../byte-source.ts';
import type { TimeRange } from '../time-range.ts';
import { MICROS_IN } from './event-columns.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventReader, IndexedFormat, TimeUnit } from './format.ts';
import { MAGIC, ParquetEncoder } from './parquet/encoder.ts';
import { type ParquetTable, readGroupColumn, readTable, timeRangeOf } from './parquet/row-groups.ts';
import { type Column, TABLE_ROWS, TableChunks } from './table-chunks.ts';

class ParquetReader implements EventReader {
  readonly counters: DecodeCounters = zeroCounters();
  readonly sensor: SensorSize | undefined;
  readonly simulated: boolean;
  readonly #source: ByteSource;
  readonly #table: ParquetTable;
  readonly #path: string | undefined;
  readonly #unit: TimeUnit;

  constructor(source: ByteSource, table: ParquetTable, options: DecodeOptions) {
    this.#source = source;
    this.#table = table;
    this.#path = options.path ?? source.path;
    this.#unit = options.timeUnit ?? table.timeUnit ?? (table.fractions ? 's' : 'us');
    this.sensor = options.sensor ?? table.sensor;
    this.simulated = table.simulated;
  }

  async *chunks({ fromMicros = Number.NEGATIVE_INFINITY }: TimeRange = {}): AsyncGenerator<EventChunk> {
    const events = new TableChunks(this.counters, this.sensor, this.#unit);
    const found: EventChunk[] = [];
    const collect = (chunk: EventChunk): number => found.push(chunk);
    const { metadata, names } = this.#table;
    try {
      for (const group of metadata.row_groups) {
        const range = timeRangeOf(group, names.t);
        // A time is rounded: one more microsecond of slack costs nothing.
        if (range !== undefined && range[1] * MICROS_IN[this.#unit] < fromMicros - 1) continue;
        const read = (name: string): Promise<Column> =>
          readGroupColumn(this.#source, this.#table, group, name);
        const { t, x, y, p } = {
          t: await read(names.t),
          x: await read(names.x),
          y: await read(names.y),
          p: await read(names.p),
        };
        for (let row = 0; row < Number(group.num_rows); row += TABLE_ROWS) {
          const from = (column: Column): Column => ({ ...column, start: row * column.stride });
          const rows = Math.min(TABLE_ROWS, Number(group.num_rows) - row);
          const fail = (message: string): never => {
            throw formatFault(`Parquet ${message}`, this.#path, 0);
          };
          events.add({ t: from(t), x: from(x), y: from(y), p: from(p) }, rows, fail, collect);
          yield* found.splice(0);
        }
      }
    } catch (error) {
      events.flush(collect);
      yield* found.splice(0);
      throw asFault(error, this.#path);
    }
    events.flush(collect);
    yield* found;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** What is thrown for bytes that are not as they should be, as a fault of the file. */
function asFault(error: unknown, path: string | undefined): unknown {
  if (error instanceof RxspikeError || !(error instanceof Error)) return error;
  const message = error.message
    .replace(/^parquet /, '')
    .replaceAll('\n', ' ')
    .slice(0, 300);
  return formatFault(`Parquet ${message}`, path, 0, error);
}

/** Parquet files of events. */
export const parquet: IndexedFormat = {
  name: 'parquet',
  title: 'Parquet',
  extensions: ['.parquet'],
  sniff: (head) => (MAGIC.every((byte, i) => head[i] === byte) ? 1 : 0),
  async openReader(source, options = {}) {
    try {
      return new ParquetReader(source, await readTable(source), options);
    } catch (error) {
      throw asFault(error, options.path ?? source.path);
    }
  },
  createEncoder: (options) => new ParquetEncoder(options),
};
