import { viewOf } from '../byte-window.ts';
import { columnsOfOption, type EventColumns, guessColumns } from '../event-columns.ts';
import type { EventTable } from '../table-chunks.ts';
import { bytesOfType, type Column, readNumbers } from '../table-chunks.ts';
import { eventFields, type NpyHeader } from './header.ts';

/** Stretches of the values of an array: some rows are read by one or four of them. */
export interface RowLayout {
  readonly rows: number;
  /** Where the bytes of a row range begin in the values and how long they are, for each stretch. */
  stretches(first: number, count: number): { readonly start: number; readonly bytes: number }[];
  /** The columns of `count` rows, in the bytes of the stretches. */
  table(parts: readonly Uint8Array[], count: number): EventTable;
  readonly columns: EventColumns;
}

/**
 * How the events lie in an array: rows with named members, or a plain array of rows, or of columns.
 * @param firstRows reads the values of rows of a plain array that tell which column is which
 */
export async function layoutOf(
  header: NpyHeader,
  order: string | undefined,
  read: (start: number, bytes: number) => Promise<Uint8Array>,
): Promise<RowLayout> {
  if (header.structured) return structuredRows(header);
  const [first = 0, second = 0] = header.shape;
  if (header.shape.length !== 2) {
    throw new RangeError(`an array of events expected, found shape (${header.shape.join(', ')})`);
  }
  const byColumn = header.fortran ? second >= 4 : second > first && first >= 4 && first <= 16;
  const rows = header.fortran || !byColumn ? first : second;
  const count = header.fortran || !byColumn ? second : first;
  if (count < 4) throw new RangeError(`an array of at least 4 columns expected, found ${count}`);
  const { type, littleEndian } = header.fields[0]!;
  const size = bytesOfType(type);
  const stretches = (from: number, length: number): { start: number; bytes: number }[] =>
    byColumn
      ? Array.from({ length: count }, (_, column) => ({
          start: (column * rows + from) * size,
          bytes: length * size,
        }))
      : [{ start: from * count * size, bytes: length * count * size }];
  const columnIn = (parts: readonly Uint8Array[], column: number): Column =>
    byColumn
      ? { view: viewOf(parts[column]!), start: 0, stride: size, type, littleEndian }
      : { view: viewOf(parts[0]!), start: column * size, stride: count * size, type, littleEndian };
  const looked = Math.min(rows, 256);
  const parts = await Promise.all(stretches(0, looked).map(({ start, bytes }) => read(start, bytes)));
  const columns = order === undefined ? guess(parts, looked, count, columnIn) : columnsOfOption(order);
  if (columns.count > count) throw new RangeError(`${columns.count} columns expected, found ${count}`);
  return {
    rows,
    columns,
    stretches,
    table: (read_) => ({
      t: columnIn(read_, columns.t),
      x: columnIn(read_, columns.x),
      y: columnIn(read_, columns.y),
      p: columnIn(read_, columns.p),
    }),
  };
}

function structuredRows(header: NpyHeader): RowLayout {
  const columns = eventFields(header);
  const { itemBytes, fields, shape } = header;
  const columnIn = (bytes: Uint8Array, member: number): Column => ({
    view: viewOf(bytes),
    start: fields[member]!.offset,
    stride: itemBytes,
    type: fields[member]!.type,
    littleEndian: fields[member]!.littleEndian,
  });
  return {
    rows: shape.reduce((product, size) => product * size, 1),
    columns,
    stretches: (first, count) => [{ start: first * itemBytes, bytes: count * itemBytes }],
    table: ([bytes]) => ({
      t: columnIn(bytes!, columns.t),
      x: columnIn(bytes!, columns.x),
      y: columnIn(bytes!, columns.y),
      p: columnIn(bytes!, columns.p),
    }),
  };
}

/** Tells the columns of a plain array by its first rows. */
function guess(
  parts: readonly Uint8Array[],
  rows: number,
  count: number,
  columnIn: (parts: readonly Uint8Array[], column: number) => Column,
): EventColumns {
  const found: number[][] = Array.from({ length: rows }, () => []);
  for (let column = 0; column < count; column++) {
    const values = new Float64Array(rows);
    readNumbers(columnIn(parts, column), rows, values);
    for (const [row, value] of values.entries()) found[row]!.push(value);
  }
  const columns = rows === 0 ? columnsOfOption('txyp') : guessColumns(found);
  if (columns === undefined) {
    throw new RangeError('columns of time, x, y and polarity expected (an option tells their order)');
  }
  return columns;
}
