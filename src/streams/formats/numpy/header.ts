import { viewOf } from '../byte-window.ts';
import { columnsOfNames, type EventColumns } from '../event-columns.ts';
import { bytesOfType, type NumberType } from '../table-chunks.ts';

/** First bytes of an array in NumPy's format. */
export const NPY_MAGIC: Uint8Array = Buffer.from('\x93NUMPY', 'latin1');

/** Bytes of a header that are looked at; NumPy itself writes some hundred. */
export const LARGEST_NPY_HEADER_BYTES: number = 1 << 16;

/** One member of a structured type, or the values of a plain array. */
export interface NpyField {
  readonly name: string;
  readonly type: NumberType;
  readonly littleEndian: boolean;
  /** Position within a row. */
  readonly offset: number;
}

/** What an array's header says. */
export interface NpyHeader {
  /** Where the values begin. */
  readonly start: number;
  /** Members of a structured type; the one type of a plain array. */
  readonly fields: readonly NpyField[];
  readonly structured: boolean;
  /** Bytes of an element. */
  readonly itemBytes: number;
  readonly shape: readonly number[];
  readonly fortran: boolean;
}

const TYPES: Readonly<Record<string, NumberType>> = {
  b1: 'u1',
  i1: 'i1',
  u1: 'u1',
  i2: 'i2',
  u2: 'u2',
  i4: 'i4',
  u4: 'u4',
  i8: 'i8',
  u8: 'u8',
  f4: 'f4',
  f8: 'f8',
};

/**
 * Reads the header of an array (NEP 1); a RangeError where it is none, or its values are no numbers.
 * @param head the first bytes, of which the header may take `LARGEST_NPY_HEADER_BYTES`
 */
export function readNpyHeader(head: Uint8Array): NpyHeader {
  if (!NPY_MAGIC.every((byte, i) => head[i] === byte))
    throw new RangeError('an array with magic \\x93NUMPY expected');
  const view = viewOf(head);
  const prefix = view.getUint8(6) === 1 ? 10 : 12;
  const length = prefix === 10 ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = prefix + length;
  if (start > head.length)
    throw new RangeError(`a header of ${length} bytes expected, found ${head.length - prefix}`);
  const text = Buffer.from(head.subarray(prefix, start)).toString('latin1');
  const shape = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(text)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const descr = /'descr'\s*:\s*('[^']*'|\[.*\])\s*,\s*'/s.exec(text)?.[1];
  if (shape === undefined || fortran === undefined || descr === undefined) {
    throw new RangeError('a header with descr, fortran_order and shape expected');
  }
  return {
    start,
    shape: shape
      .split(',')
      .map((size) => size.trim())
      .filter((size) => size !== '')
      .map((size) => Number.parseInt(size, 10)),
    fortran: fortran === 'True',
    structured: descr.startsWith('['),
    ...readType(descr),
  };
}

function readType(descr: string): { fields: NpyField[]; itemBytes: number } {
  const members = descr.startsWith('[')
    ? [...descr.matchAll(/\(\s*'([^']*)'\s*,\s*'([^']*)'\s*(?:,\s*\(?([\d,\s]*)\)?)?\s*\)/g)].map(
        ([, name, type, shape]) => ({ name: name!, type: type!, count: countOf(shape) }),
      )
    : [{ name: '', type: descr.slice(1, -1), count: 1 }];
  const fields: NpyField[] = [];
  let offset = 0;
  for (const { name, type, count } of members) {
    const bytes = /^[<>|=][a-zA-Z](\d+)$/.exec(type)?.[1];
    if (bytes === undefined)
      throw new RangeError(`a type such as '<i8' expected, found ${JSON.stringify(type)}`);
    const known = TYPES[type.slice(1)];
    if (known !== undefined && count === 1) {
      fields.push({ name, type: known, littleEndian: !type.startsWith('>'), offset });
    }
    offset += Number(bytes) * count;
  }
  if (fields.length === 0 || offset < 1)
    throw new RangeError(`numbers expected, found ${JSON.stringify(descr.slice(0, 60))}`);
  return { fields, itemBytes: offset };
}

/** Values of a member that is an array itself: such a one is passed over. */
function countOf(shape: string | undefined): number {
  if (shape === undefined) return 1;
  return shape
    .split(',')
    .filter((size) => size.trim() !== '')
    .reduce((product, size) => product * Number(size), 1);
}

/** Which members of a structured type are the columns of events; a RangeError where they are not there. */
export function eventFields({ fields }: NpyHeader): EventColumns {
  const columns = columnsOfNames(fields.map(({ name }) => name));
  if (columns === undefined) {
    throw new RangeError(
      `members t, x, y and p expected, found ${fields.map(({ name }) => name).join(', ')}`,
    );
  }
  return columns;
}

/** True where the header is that of a list of single numbers. */
export function isVector(header: NpyHeader): boolean {
  return (
    !header.structured &&
    header.shape.length === 1 &&
    header.itemBytes === bytesOfType(header.fields[0]!.type)
  );
}
