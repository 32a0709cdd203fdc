/**
 * HDF5 of Metavision (`/CD/events`, gzip or plain), DSEC, RPG and ESIM (`/events`), evlib (`/raw_events`), MVSEC and
 * M3ED: found by the names of groups, data sets and members, read some rows at a time by the HDF5 library itself.
 */
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { File as Hdf5File } from 'h5wasm/node';
import { RxspikeError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import type { ByteSource } from '../byte-source.ts';
import type { TimeRange } from '../time-range.ts';
import { viewOf } from './byte-window.ts';
import { MICROS_IN } from './event-columns.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventReader, IndexedFormat } from './format.ts';
import { type ColumnPlace, findEvents, type Hdf5Layout } from './hdf5/layout.ts';
import { type Hdf5Library, hdf5Message, loadHdf5 } from './hdf5/library.ts';
import { type Column, defaultUnit, readNumbers, TABLE_ROWS, TableChunks } from './table-chunks.ts';

const MAGIC = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');
/** Rows that are read at once: whole chunks of the file where they are not longer, which are else unpacked anew. */
const MOST_ROWS = 1 << 18;

class Hdf5Reader implements EventReader {
  readonly counters: DecodeCounters = zeroCounters();
  readonly sensor: SensorSize | undefined;
  readonly #path: string | undefined;
  readonly #library: Hdf5Library;
  readonly #file: Hdf5File;
  readonly #layout: Hdf5Layout;
  readonly #options: DecodeOptions;
  readonly #cleanUp: () => Promise<void>;
  /** Memory of the library for the rows of each data set. */
  readonly #memory = new Map<string, number>();

  constructor(
    opened: { library: Hdf5Library; file: Hdf5File; layout: Hdf5Layout; cleanUp: () => Promise<void> },
    options: DecodeOptions,
    path: string | undefined,
  ) {
    this.#library = opened.library;
    this.#file = opened.file;
    this.#layout = opened.layout;
    this.#cleanUp = opened.cleanUp;
    this.#options = options;
    this.#path = path;
    this.sensor = options.sensor ?? opened.layout.sensor;
  }

  async *chunks({ fromMicros }: TimeRange = {}): AsyncGenerator<EventChunk> {
    const { rows, t, offsetMicros, chunkRows } = this.#layout;
    const unit = this.#options.timeUnit ?? defaultUnit(t.type);
    const events = new TableChunks(this.counters, this.sensor, unit, offsetMicros);
    const found: EventChunk[] = [];
    const collect = (chunk: EventChunk): number => found.push(chunk);
    const step = Math.min(MOST_ROWS, Math.ceil(TABLE_ROWS / chunkRows) * chunkRows);
    let failure: { error: unknown } | undefined;
    try {
      const first =
        fromMicros === undefined ? 0 : this.#rowBefore((fromMicros - offsetMicros - 1) / MICROS_IN[unit]);
      let row = first - (first % step);
      while (row < rows && failure === undefined) {
        const end = Math.min(rows, row + step);
        try {
          this.#add(events, row, end, collect);
        } catch (error) {
          failure = { error };
          events.flush(collect);
        }
        row = end;
        yield* found.splice(0);
        // The library works in one go: others get their turn between its steps.
        await new Promise((done) => setImmediate(done));
      }
    } catch (error) {
      failure ??= { error };
    }
    if (failure !== undefined) throw asFault(failure.error, this.#path);
    events.flush(collect);
    yield* found;
  }

  async close(): Promise<void> {
    for (const pointer of this.#memory.values()) this.#library.module._free(pointer);
    this.#memory.clear();
    closeFile(this.#file);
    await this.#cleanUp();
  }

  /** Reads rows into the library's memory, and joins them. */
  #add(events: TableChunks, row: number, end: number, emit: (chunk: EventChunk) => void): void {
    const { t, x, y, p } = this.#layout;
    for (const place of new Map([t, x, y, p].map((column) => [column.dataset.path, column])).values()) {
      this.#read(place, row, end - row);
    }
    for (let start = row; start < end; start += TABLE_ROWS) {
      const column = (place: ColumnPlace): Column => this.#columnOf(place, start - row, end - row);
      const table = { t: column(t), x: column(x), y: column(y), p: column(p) };
      const fail = (message: string, at: number): never => {
        throw formatFault(`HDF5 ${message} in row ${start + at} of ${this.#layout.path}`, this.#path, 0);
      };
      events.add(table, Math.min(TABLE_ROWS, end - start), fail, emit);
    }
  }

  /** Reads rows of a data set to the start of its memory. */
  #read({ dataset, elementBytes }: ColumnPlace, row: number, rows: number): void {
    const { module } = this.#library;
    const { path, file_id: file, metadata } = dataset;
    let pointer = this.#memory.get(path);
    if (pointer === undefined) {
      const { chunkRows } = this.#layout;
      const most = Math.min(this.#layout.rows, MOST_ROWS, Math.ceil(TABLE_ROWS / chunkRows) * chunkRows);
      pointer = module._malloc(most * elementBytes);
      if (pointer === 0) throw new RangeError(`rows of ${elementBytes} bytes expected to fit in memory`);
      this.#memory.set(path, pointer);
    }
    const inner = (metadata.shape ?? []).slice(1).map(BigInt);
    const count = [BigInt(rows), ...inner];
    const offset = [BigInt(row), ...inner.map(() => 0n)];
    const status = module.get_dataset_data(
      file,
      path,
      count,
      offset,
      count.map(() => 1n),
      BigInt(pointer),
    );
    if (status < 0) throw new RangeError(`${path}: rows from ${row} on cannot be read`);
  }

  #columnOf(
    { dataset, offset, elementBytes, type, littleEndian }: ColumnPlace,
    row: number,
    rows: number,
  ): Column {
    const { HEAPU8 } = this.#library.module; // another one whenever the memory has grown
    const start = this.#memory.get(dataset.path)!;
    const view = viewOf(HEAPU8.subarray(start, start + rows * elementBytes));
    return { view, start: row * elementBytes + offset, stride: elementBytes, type, littleEndian };
  }

  /** A row before the events of a time and later, by the index of milliseconds or by halving. */
  #rowBefore(time: number): number {
    const { t, rows, millisIndex } = this.#layout;
    if (millisIndex !== undefined) {
      const entries = millisIndex.metadata.shape?.[0] ?? 0;
      const entry = Math.max(0, Math.min(entries - 1, Math.floor(time / 1000)));
      const [row] = Array.from((millisIndex.slice([[entry, entry + 1]]) as ArrayLike<number | bigint>) ?? []);
      if (entries > 0 && row !== undefined && Number(row) <= rows) return Math.max(0, Number(row) - 1);
    }
    const value = new Float64Array(1);
    let low = 0;
    let high = rows;
    while (high - low > MOST_ROWS) {
      const middle = Math.floor((low + high) / 2);
      this.#read(t, middle, 1);
      readNumbers(this.#columnOf(t, 0, 1), 1, value);
      if (value[0]! < time) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** Opens a file of the disk; bytes in memory become one, for the library reads nothing else. */
async function openLayout(
  source: ByteSource,
  order: string | undefined,
): Promise<ConstructorParameters<typeof Hdf5Reader>[0]> {
  const library = await loadHdf5();
  const temporary =
    source.file === undefined ? join(tmpdir(), `rxspike-${randomBytes(6).toString('hex')}.h5`) : undefined;
  const cleanUp = async (): Promise<void> => {
    if (temporary !== undefined) await rm(temporary, { force: true });
  };
  let file: Hdf5File | undefined;
  try {
    if (temporary !== undefined) await writeFile(temporary, await source.read(0, source.size));
    file = new library.File(resolve(temporary ?? source.file!), 'r');
    return { library, file, layout: findEvents(library, file, order), cleanUp };
  } catch (error) {
    if (file !== undefined) closeFile(file);
    await cleanUp();
    throw error;
  }
}

/** A damaged file may not be closed; nothing was written, so that nothing is lost. */
function closeFile(file: Hdf5File): void {
  try {
    file.close();
  } catch {
    // Its descriptor is gone with the library at the latest.
  }
}

function asFault(error: unknown, path: string | undefined): unknown {
  if (error instanceof RxspikeError || !(error instanceof Error)) return error;
  return formatFault(`HDF5 ${hdf5Message(error)}`, path, 0, error);
}

/** HDF5 of the known layouts of events. */
export const hdf5: IndexedFormat = {
  name: 'hdf5',
  title: 'HDF5',
  extensions: ['.h5', '.hdf5'],
  sniff: (head) => (MAGIC.every((byte, i) => head[i] === byte) ? 1 : 0),
  async openReader(source, options = {}) {
    const path = options.path ?? source.path;
    try {
      return new Hdf5Reader(await openLayout(source, options.columns), options, path);
    } catch (error) {
      throw asFault(error, path);
    }
  },
};
