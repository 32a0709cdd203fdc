import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type {
  ColumnMetaData,
  Compressors,
  DecodedArray,
  FileMetaData,
  PageHeader,
  RowGroup,
  SchemaElement,
} from 'hyparquet';
import { parquetHeader, readColumn } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { parquetMetadata, parquetSchema } from 'hyparquet/src/metadata.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getSchemaPath } from 'hyparquet/src/schema.js';
import { compressors as otherCompressors } from 'hyparquet-compressors';
import type { SensorSize } from '../../../events.ts';
import type { ByteSource } from '../../byte-source.ts';
import { decodeZstd, loadZstd } from '../aedat4/zstd.ts';
import { viewOf } from '../byte-window.ts';
import { columnsOfNames } from '../event-columns.ts';
import type { TimeUnit } from '../format.ts';
import type { Column } from '../table-chunks.ts';
import { checkLevelRuns, checkPageRuns } from './runs.ts';
import { endOfStruct } from './thrift.ts';

/** What a file's footer says. */
export interface ParquetTable {
  readonly metadata: FileMetaData;
  /** Names of the columns. */
  readonly names: Readonly<Record<'t' | 'x' | 'y' | 'p', string>>;
  /** Unit of the times, where their type says. */
  readonly timeUnit: TimeUnit | undefined;
  /** Times with fractions. */
  readonly fractions: boolean;
  readonly sensor: SensorSize | undefined;
  readonly simulated: boolean;
}

const LARGEST_FOOTER_BYTES = 1 << 26;
const LARGEST_COLUMN_BYTES = 1 << 28;
const LARGEST_PAGE_BYTES = 1 << 26;
/** Rows of a group, which is decoded whole. */
const MOST_ROWS = 1 << 24;
const MAGIC = 0x31524150;

const UNITS: Readonly<Record<string, TimeUnit>> = { MILLIS: 'ms', MICROS: 'us', NANOS: 'ns' };

/** Times stay numbers: what hyparquet makes of them are objects. */
const RAW = { timestampFromMilliseconds: raw, timestampFromMicroseconds: raw, timestampFromNanoseconds: raw };

function raw(value: bigint): bigint {
  return value;
}

/** Unpackers that do not write more than the page says. */
const compressors: Compressors = {
  ...otherCompressors,
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
  ZSTD: (input, length) => decodeZstd(input, length),
};

/** Reads the footer; throws an Error of any kind where it is not valid, or is not that of events. */
export async function readTable(source: ByteSource): Promise<ParquetTable> {
  const tail = viewOf(await source.read(Math.max(0, source.size - 8), source.size));
  if (tail.byteLength < 8 || tail.getUint32(4, true) !== MAGIC) {
    throw new RangeError('PAR1 expected at the end: the file is cut off, or was never finished');
  }
  const length = tail.getUint32(0, true);
  if (length > Math.min(LARGEST_FOOTER_BYTES, source.size - 8)) {
    throw new RangeError(
      `a footer of at most ${Math.min(LARGEST_FOOTER_BYTES, source.size - 8)} bytes expected, found ${length}`,
    );
  }
  const footer = await source.read(source.size - 8 - length, source.size);
  endOfStruct(viewOf(footer.subarray(0, length)), 0);
  const metadata = parquetMetadata(footer, { parsers: RAW, geoparquet: false });
  const elements = parquetSchema(metadata).children.filter(({ children }) => children.length === 0);
  const names = elements.map(({ element }) => element.name);
  const columns = columnsOfNames(names);
  if (columns === undefined)
    throw new RangeError(`columns t, x, y and p expected, found ${names.slice(0, 12).join(', ')}`);
  const { element } = elements[columns.t]!;
  const { type, logical_type: logical, converted_type: converted } = element;
  const stated = logical?.type === 'TIMESTAMP' ? logical.unit : /^TIMESTAMP_(.*)$/.exec(converted ?? '')?.[1];
  const notes = new Map(metadata.key_value_metadata?.map(({ key, value }) => [key, value]));
  const width = Number(notes.get('sensor_width'));
  const height = Number(notes.get('sensor_height'));
  const known = Number.isInteger(width) && Number.isInteger(height) && Math.min(width, height) > 0;
  if (
    metadata.row_groups.some(({ columns: chunks }) =>
      chunks.some(({ meta_data: facts }) => facts?.codec === 'ZSTD'),
    )
  ) {
    await loadZstd();
  }
  stripTypes(metadata.schema);
  return {
    metadata,
    names: { t: names[columns.t]!, x: names[columns.x]!, y: names[columns.y]!, p: names[columns.p]! },
    timeUnit: UNITS[stated ?? ''] ?? columns.timeUnit,
    fractions: type === 'FLOAT' || type === 'DOUBLE',
    sensor: known ? { width, height } : undefined,
    simulated: notes.get('simulated') === 'true',
  };
}

/** Values are wanted as they are stored: the types above them make objects of each. */
function stripTypes(schema: SchemaElement[]): void {
  for (const element of schema) {
    if (element.type === undefined) continue;
    delete element.logical_type;
    delete element.converted_type;
  }
}

/** Least and greatest time of a group as they are stored, where the file says. */
export function timeRangeOf(group: RowGroup, name: string): [least: number, greatest: number] | undefined {
  const { min_value: least, max_value: greatest } = columnOf(group, name).statistics ?? {};
  const isNumber = (value: unknown): value is bigint | number =>
    typeof value === 'bigint' || typeof value === 'number';
  return isNumber(least) && isNumber(greatest) ? [Number(least), Number(greatest)] : undefined;
}

function columnOf(group: RowGroup, name: string): ColumnMetaData {
  const found = group.columns.find(
    ({ meta_data: facts }) => facts?.path_in_schema.join('.') === name,
  )?.meta_data;
  if (found === undefined) throw new RangeError(`column ${name} in every group of rows expected`);
  return found;
}

/** The values of a column in a group of rows, decoded. */
export async function readGroupColumn(
  source: ByteSource,
  { metadata }: ParquetTable,
  group: RowGroup,
  name: string,
): Promise<Column> {
  const facts = columnOf(group, name);
  const rows = Number(group.num_rows);
  if (!(rows >= 0 && rows <= MOST_ROWS)) {
    throw new RangeError(`groups of at most ${MOST_ROWS} rows expected, found ${rows}`);
  }
  const start = Number(facts.dictionary_page_offset || facts.data_page_offset);
  const length = Number(facts.total_compressed_size);
  if (!(start >= 0 && length >= 0 && length <= LARGEST_COLUMN_BYTES && start + length <= source.size)) {
    throw new RangeError(
      `column ${name} of at most ${LARGEST_COLUMN_BYTES} bytes in the file expected, found ${length} at ${start}`,
    );
  }
  const bytes = new Uint8Array(await source.read(start, start + length));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const schemaPath = getSchemaPath(metadata.schema, [name]);
  if (getMaxRepetitionLevel(schemaPath) > 0) throw new RangeError(`column ${name} without lists expected`);
  const greatestLevel = getMaxDefinitionLevel(schemaPath);
  const pages = checkedPages(view, rows, name, greatestLevel, facts.type === 'BOOLEAN');
  const { data } = readColumn(
    { view, offset: 0 },
    { groupStart: 0, groupRows: rows, selectStart: 0, selectEnd: rows },
    {
      ...facts,
      codec: CHECKED,
      pathInSchema: [name],
      element: schemaPath.at(-1)!.element,
      schemaPath,
      parsers: DEFAULT_PARSERS,
      compressors: checkedUnpacker(facts, pages, greatestLevel),
    },
  );
  return columnOfPages(data, rows, name);
}

/** A codec that is none of Parquet's: the name under which every page comes by to be checked. */
const CHECKED = 'LZO';

/** Unpacks pages and checks what they hold, one after the other as they are read. */
function checkedUnpacker(
  { codec, type }: ColumnMetaData,
  pages: Iterable<PageHeader>,
  greatestLevel: number,
): Compressors {
  const headers = pages[Symbol.iterator]();
  return {
    [CHECKED]: (input, length) => {
      const page = decompressPage(input, length, codec, compressors);
      const { value: header } = headers.next();
      if (header !== undefined) checkPageRuns(page, header, greatestLevel, type === 'BOOLEAN');
      return page;
    },
  };
}

/**
 * Goes from page to page before any is unpacked: what they claim is what memory is taken for. Gives the headers of
 * those that will be unpacked.
 */
function checkedPages(
  view: DataView,
  rows: number,
  name: string,
  greatestLevel: number,
  isBoolean: boolean,
): PageHeader[] {
  const reader = { view, offset: 0 };
  const unpackedPages: PageHeader[] = [];
  let values = 0;
  while (values < rows && reader.offset < view.byteLength - 1) {
    endOfStruct(view, reader.offset);
    const header = parquetHeader(reader);
    const unpacked = header.uncompressed_page_size;
    const packed = header.compressed_page_size;
    if (
      !(
        packed >= 0 &&
        reader.offset + packed <= view.byteLength &&
        unpacked >= 0 &&
        unpacked <= LARGEST_PAGE_BYTES
      )
    ) {
      throw new RangeError(
        `pages of at most ${LARGEST_PAGE_BYTES} bytes expected in column ${name}, found ${packed}, unpacked ${unpacked}`,
      );
    }
    const count = header.data_page_header?.num_values ?? header.data_page_header_v2?.num_values ?? 0;
    const entries = header.dictionary_page_header?.num_values ?? 0;
    if (!(count >= 0 && entries >= 0 && entries <= MOST_ROWS && values + count <= rows)) {
      throw new RangeError(`${rows} values expected in column ${name}, found ${values + count}`);
    }
    if (count === 0 && header.dictionary_page_header === undefined) {
      throw new RangeError(`pages with values expected in column ${name}`);
    }
    const bytes = new Uint8Array(view.buffer, view.byteOffset + reader.offset, packed);
    checkLevelRuns(bytes, header, greatestLevel);
    // A page of the second kind may leave its values as they are; the flag is then read without the unpacker.
    if (header.data_page_header_v2?.is_compressed === false) {
      const { repetition_levels_byte_length: first, definition_levels_byte_length: second } =
        header.data_page_header_v2;
      checkPageRuns(bytes.subarray(first + second), header, greatestLevel, isBoolean);
    } else unpackedPages.push(header);
    values += count;
    reader.offset += packed;
  }
  if (values !== rows) throw new RangeError(`${rows} values expected in column ${name}, found ${values}`);
  return unpackedPages;
}

/** The pages of a column as values at equal distances. */
function columnOfPages(pages: readonly DecodedArray[], rows: number, name: string): Column {
  const length = pages.reduce((sum, page) => sum + page.length, 0);
  if (length !== rows) throw new RangeError(`${rows} values expected in column ${name}, found ${length}`);
  const first = pages[0];
  if (pages.every((page) => page instanceof BigInt64Array)) {
    return ofTyped(joined(pages, new BigInt64Array(pages.length === 1 ? 0 : rows)), 'i8', 8);
  }
  if (first instanceof Int32Array && pages.every((page) => page instanceof Int32Array)) {
    return ofTyped(joined(pages, new Int32Array(pages.length === 1 ? 0 : rows)), 'i4', 4);
  }
  const values = new Float64Array(rows);
  let at = 0;
  for (const page of pages) {
    for (let i = 0; i < page.length; i++) {
      const value: unknown = page[i];
      if (value === null || value === undefined)
        throw new RangeError(`column ${name} without nulls expected`);
      values[at++] = Number(value);
    }
  }
  return ofTyped(values, 'f8', 8);
}

function joined<T extends BigInt64Array | Int32Array>(pages: readonly T[], all: T): T {
  if (pages.length === 1) return pages[0]!;
  let at = 0;
  for (const page of pages) {
    all.set(page as never, at);
    at += page.length;
  }
  return all;
}

function ofTyped(
  values: BigInt64Array | Int32Array | Float64Array,
  type: Column['type'],
  stride: number,
): Column {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  return { view, start: 0, stride, type, littleEndian: true };
}
