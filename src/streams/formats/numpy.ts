/**
 * NumPy: `.npy` with rows of named members, or a plain array of four columns; `.npz` with one such array, or with an
 * array a column. Arrays are read some rows at a time. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { RxspikeError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import type { ByteSource } from '../byte-source.ts';
import type { TimeRange } from '../time-range.ts';
import { viewOf } from './byte-window.ts';
import { columnsOfNames, MICROS_IN } from './event-columns.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventReader, IndexedFormat } from './format.ts';
import { type ArrayArchive, type ByteCursor, openArchive } from './numpy/archive.ts';
import { layoutOf, type RowLayout } from './numpy/arrays.ts';
import {
  isVector,
  LARGEST_NPY_HEADER_BYTES,
  NPY_MAGIC,
  type NpyHeader,
  readNpyHeader,
} from './numpy/header.ts';
import {
  bytesOfType,
  type Column,
  defaultUnit,
  type EventTable,
  readNumbers,
  TABLE_ROWS,
  TableChunks,
} from './table-chunks.ts';

/** The start of a zip archive. */
const ZIP_MAGIC = 0x04034b50;

/** Rows of events, some at a time, in order. */
interface RowSource {
  /** Rows that are left. */
  readonly left: number;
  /** Type of the times. */
  readonly timeType: Column['type'];
  /** The next rows, at most `count`; fewer where the data end. */
  next(count: number): Promise<{ readonly rows: number; readonly table: EventTable }>;
  /** Goes on with the last row before a time, where that can be told. */
  seek?(isBefore: (time: number) => boolean): Promise<void>;
  close(): void;
}

/** What an archive's arrays hold together. */
interface MemberRows extends Pick<RowSource, 'timeType' | 'next'> {
  readonly rows: number;
}

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

/** One array in a file of its own, read by jumps. */
async function arrayRows(source: ByteSource, options: DecodeOptions): Promise<RowSource> {
  const header = readNpyHeader(await source.read(0, LARGEST_NPY_HEADER_BYTES));
  const read = (start: number, bytes: number): Promise<Uint8Array> =>
    source.read(header.start + start, header.start + start + bytes);
  const layout = await layoutOf(header, options.columns, read);
  let row = 0;
  const rowsAt = async (first: number, count: number): Promise<{ rows: number; table: EventTable }> => {
    const stretches = layout.stretches(first, count);
    const parts = await Promise.all(stretches.map(({ start, bytes }) => read(start, bytes)));
    const rows = Math.min(...parts.map((part, i) => Math.floor((part.length * count) / stretches[i]!.bytes)));
    return { rows, table: layout.table(parts, rows) };
  };
  return {
    get left() {
      return layout.rows - row;
    },
    timeType: timeTypeOf(header, layout),
    next: async (count) => {
      const part = await rowsAt(row, count);
      row += part.rows;
      return part;
    },
    seek: async (isBefore) => {
      let low = 0;
      let high = layout.rows;
      const time = new Float64Array(1);
      while (high - low > TABLE_ROWS) {
        const middle = Math.floor((low + high) / 2);
        const { rows, table } = await rowsAt(middle, 1);
        if (rows === 1) readNumbers(table.t, 1, time);
        if (rows === 1 && isBefore(time[0]!)) low = middle;
        else high = middle;
      }
      row = low;
    },
    close: () => undefined,
  };
}

function timeTypeOf(header: NpyHeader, { columns }: RowLayout): Column['type'] {
  return header.fields[header.structured ? columns.t : 0]!.type;
}

/** The arrays of an archive, read in step from front to back. */
async function archiveRows(source: ByteSource, options: DecodeOptions): Promise<RowSource> {
  const archive = await openArchive(source);
  const cursors: ByteCursor[] = [];
  const close = (): void => {
    for (const cursor of cursors) cursor.close();
    archive.close();
  };
  try {
    const columns = columnsOfNames(archive.names);
    const { rows, timeType, next } =
      columns === undefined
        ? await oneArray(archive, cursors, options)
        : await fourArrays(archive, cursors, columns);
    let left = rows;
    return {
      get left() {
        return left;
      },
      timeType,
      next: async (count) => {
        const part = await next(count);
        left -= part.rows;
        return part;
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

async function openMember(
  archive: ArrayArchive,
  name: string,
  cursors: ByteCursor[],
): Promise<{ header: NpyHeader; cursor: ByteCursor }> {
  const cursor = await archive.open(name);
  cursors.push(cursor);
  const head = await cursor.take(LARGEST_NPY_HEADER_BYTES);
  const header = readNpyHeader(head);
  cursor.giveBack(head.subarray(header.start));
  return { header, cursor };
}

async function oneArray(
  archive: ArrayArchive,
  cursors: ByteCursor[],
  { columns }: DecodeOptions,
): Promise<MemberRows> {
  const [name] = archive.names;
  if (name === undefined || archive.names.length > 1) {
    const found = archive.names.slice(0, 8).join(', ');
    throw new RangeError(
      `one array, or arrays t, x, y and p expected, found ${found === '' ? 'none' : found}`,
    );
  }
  const { header, cursor } = await openMember(archive, name, cursors);
  const read = async (start: number, bytes: number): Promise<Uint8Array> => {
    if (start > 0)
      throw new RangeError('an array of rows expected, found one of columns: unpack the archive');
    const head = await cursor.take(bytes);
    cursor.giveBack(head);
    return head;
  };
  const layout = await layoutOf(header, columns, read);
  return {
    rows: layout.rows,
    timeType: timeTypeOf(header, layout),
    next: async (count) => {
      const wanted = layout.stretches(0, count)[0]!.bytes;
      const bytes = await cursor.take(wanted);
      const rows = Math.floor((bytes.length * count) / wanted);
      return { rows, table: layout.table([bytes], rows) };
    },
  };
}

async function fourArrays(
  archive: ArrayArchive,
  cursors: ByteCursor[],
  columns: Readonly<Record<'t' | 'x' | 'y' | 'p', number>>,
): Promise<MemberRows> {
  const open = async (role: 't' | 'x' | 'y' | 'p'): ReturnType<typeof openMember> => {
    const member = await openMember(archive, archive.names[columns[role]]!, cursors);
    if (!isVector(member.header)) {
      throw new RangeError(`array ${archive.names[columns[role]]} of one dimension expected`);
    }
    return member;
  };
  const members = { t: await open('t'), x: await open('x'), y: await open('y'), p: await open('p') };
  const lengths = Object.values(members).map(({ header }) => header.shape[0]!);
  const rows = lengths[0]!;
  if (lengths.some((length) => length !== rows)) {
    throw new RangeError(`arrays of one length expected, found ${lengths.join(', ')}`);
  }
  return {
    rows,
    timeType: members.t.header.fields[0]!.type,
    next: async (count) => {
      let whole = count;
      const column = async ({ header, cursor }: (typeof members)['t']): Promise<Column> => {
        const { type, littleEndian } = header.fields[0]!;
        const stride = bytesOfType(type);
        const bytes = await cursor.take(count * stride);
        whole = Math.min(whole, Math.floor(bytes.length / stride));
        return { view: viewOf(bytes), start: 0, stride, type, littleEndian };
      };
      const { t, x, y, p } = members;
      const table = { t: await column(t), x: await column(x), y: await column(y), p: await column(p) };
      return { rows: whole, table };
    },
  };
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
