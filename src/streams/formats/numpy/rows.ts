import type { ByteSource } from '../../byte-source.ts';
import { viewOf } from '../byte-window.ts';
import { columnsOfNames } from '../event-columns.ts';
import type { DecodeOptions } from '../format.ts';
import { bytesOfType, type Column, type EventTable, readNumbers, TABLE_ROWS } from '../table-chunks.ts';
import { type ArrayArchive, type ByteCursor, openArchive } from './archive.ts';
import { layoutOf, type RowLayout } from './arrays.ts';
import { isVector, LARGEST_NPY_HEADER_BYTES, type NpyHeader, readNpyHeader } from './header.ts';

/** Rows of events, some at a time, in order. */
export interface RowSource {
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

/** One array in a file of its own, read by jumps. */
export async function arrayRows(source: ByteSource, options: DecodeOptions): Promise<RowSource> {
  const header = readNpyHeader(await source.read(0, LARGEST_NPY_HEADER_BYTES));
  const read = (start: number, bytes: number): Promise<Uint8Array> =>
    source.read(header.start + start, header.start + start + bytes);
  const layout = await layoutOf(header, options.columns, read);
  return rowsByJumps(layout, read, timeTypeOf(header, layout));
}

/**
 * Rows that can be read anywhere.
 * @param read reads a part of the values, of the stretch of this number
 */
function rowsByJumps(
  layout: Pick<RowLayout, 'rows' | 'stretches' | 'table'>,
  read: (start: number, bytes: number, stretch: number) => Promise<Uint8Array>,
  timeType: Column['type'],
): RowSource {
  let row = 0;
  const rowsAt = async (first: number, count: number): Promise<{ rows: number; table: EventTable }> => {
    const stretches = layout.stretches(first, count);
    const parts = await Promise.all(stretches.map(({ start, bytes }, i) => read(start, bytes, i)));
    const rows = Math.min(...parts.map((part, i) => Math.floor((part.length * count) / stretches[i]!.bytes)));
    return { rows, table: layout.table(parts, rows) };
  };
  return {
    get left() {
      return layout.rows - row;
    },
    timeType,
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

/** The arrays of an archive: by jumps where they are stored as they are, else in step from front to back. */
export async function archiveRows(source: ByteSource, options: DecodeOptions): Promise<RowSource> {
  const archive = await openArchive(source);
  const cursors: ByteCursor[] = [];
  const close = (): void => {
    for (const cursor of cursors) cursor.close();
    archive.close();
  };
  try {
    const roles = columnsOfNames(archive.names);
    const names = roles === undefined ? archive.names : ROLES.map((role) => archive.names[roles[role]]!);
    if (roles === undefined) checkOne(names);
    const stored = await Promise.all(names.map((name) => archive.stored(name)));
    if (stored.every((part) => part !== undefined)) {
      const rows = await (roles === undefined ? arrayRows(stored[0]!, options) : vectorRows(stored, names));
      return {
        ...rows,
        get left() {
          return rows.left;
        },
        close,
      };
    }
    const { rows, timeType, next } = await (roles === undefined
      ? oneArray(archive, cursors, options)
      : fourArrays(archive, cursors, names));
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

/** The arrays that are columns, in this order. */
const ROLES = ['t', 'x', 'y', 'p'] as const;

function checkOne(names: readonly string[]): void {
  if (names.length === 1) return;
  const found = names.slice(0, 8).join(', ');
  throw new RangeError(`one array, or arrays t, x, y and p expected, found ${found === '' ? 'none' : found}`);
}

/** Checks that arrays are columns of one length, which it gives. */
function rowsOfVectors(headers: readonly NpyHeader[], names: readonly string[]): number {
  headers.forEach((header, i) => {
    if (!isVector(header)) throw new RangeError(`array ${names[i]} of one dimension expected`);
  });
  const lengths = headers.map(({ shape }) => shape[0]!);
  if (lengths.some((length) => length !== lengths[0])) {
    throw new RangeError(`arrays of one length expected, found ${lengths.join(', ')}`);
  }
  return lengths[0]!;
}

/** The column of a vector's values. */
function columnOf({ fields }: NpyHeader, bytes: Uint8Array): Column {
  const { type, littleEndian } = fields[0]!;
  return { view: viewOf(bytes), start: 0, stride: bytesOfType(type), type, littleEndian };
}

/** Columns that are stored as they are. */
async function vectorRows(sources: readonly ByteSource[], names: readonly string[]): Promise<RowSource> {
  const headers = await Promise.all(
    sources.map(async (source) => readNpyHeader(await source.read(0, LARGEST_NPY_HEADER_BYTES))),
  );
  const rows = rowsOfVectors(headers, names);
  const strides = headers.map(({ fields }) => bytesOfType(fields[0]!.type));
  const layout = {
    rows,
    stretches: (first: number, count: number) =>
      strides.map((stride) => ({ start: first * stride, bytes: count * stride })),
    table: (parts: readonly Uint8Array[]): EventTable => {
      const [t, x, y, p] = headers.map((header, i) => columnOf(header, parts[i]!));
      return { t: t!, x: x!, y: y!, p: p! };
    },
  };
  const read = (start: number, bytes: number, i: number): Promise<Uint8Array> =>
    sources[i]!.read(headers[i]!.start + start, headers[i]!.start + start + bytes);
  return rowsByJumps(layout, read, headers[0]!.fields[0]!.type);
}

async function oneArray(
  archive: ArrayArchive,
  cursors: ByteCursor[],
  { columns }: DecodeOptions,
): Promise<MemberRows> {
  const { header, cursor } = await openMember(archive, archive.names[0]!, cursors);
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
  names: readonly string[],
): Promise<MemberRows> {
  const members: Awaited<ReturnType<typeof openMember>>[] = [];
  for (const name of names) members.push(await openMember(archive, name, cursors));
  const headers = members.map(({ header }) => header);
  const rows = rowsOfVectors(headers, names);
  return {
    rows,
    timeType: headers[0]!.fields[0]!.type,
    next: async (count) => {
      let whole = count;
      const columns: Column[] = [];
      for (const { header, cursor } of members) {
        const stride = bytesOfType(header.fields[0]!.type);
        const bytes = await cursor.take(count * stride);
        whole = Math.min(whole, Math.floor(bytes.length / stride));
        columns.push(columnOf(header, bytes));
      }
      const [t, x, y, p] = columns;
      return { rows: whole, table: { t: t!, x: x!, y: y!, p: p! } };
    },
  };
}
