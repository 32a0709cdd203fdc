import type { ColumnChunk, Encoding, RowGroup, SchemaElement } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js';
import type { EventChunk } from '../../../events.ts';
import type { EncodeOptions, EventEncoder } from '../format.ts';
import { packDeltas } from './delta.ts';

/** First and last bytes of a Parquet file. */
export const MAGIC: Uint8Array = Buffer.from('PAR1', 'latin1');

/** Rows of a group, which readers take whole. */
const GROUP_ROWS = 1 << 18;

/** Numbers of the encodings, as page headers have them. */
const ENCODINGS = { PLAIN: 0, RLE: 3, DELTA_BINARY_PACKED: 5 } as const;

const required = { repetition_type: 'REQUIRED' } as const;
/** Without the newer logical type, whose width hyparquet-writer does not write as the one byte that PyArrow expects. */
const unsigned16 = { ...required, type: 'INT32', converted_type: 'UINT_16' } as const;

/** The columns of our Arrow files: timestamp[us], uint16, uint16, bool; none may be null. */
const SCHEMA: SchemaElement[] = [
  { name: 'schema', num_children: 4, ...required },
  {
    name: 't',
    type: 'INT64',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' },
    ...required,
  },
  { name: 'x', ...unsigned16 },
  { name: 'y', ...unsigned16 },
  { name: 'on', type: 'BOOLEAN', ...required },
];

/**
 * Writes Parquet: groups of rows, a page a column, times and pixels as packed differences. Headers and footer are
 * serialised by hyparquet-writer, whose own encoders take a number at a time as BigInt.
 */
export class ParquetEncoder implements EventEncoder {
  readonly #options: EncodeOptions;
  readonly #t = new Float64Array(GROUP_ROWS);
  readonly #x = new Uint16Array(GROUP_ROWS);
  readonly #y = new Uint16Array(GROUP_ROWS);
  readonly #on = new Uint8Array(GROUP_ROWS);
  readonly #groups: RowGroup[] = [];
  #rows = 0;
  #total = 0;
  #offset = 0;

  constructor(options: EncodeOptions) {
    this.#options = options;
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    const { origin, t, x, y, on } = chunk;
    for (let start = 0; start < t.length; ) {
      const count = Math.min(t.length - start, GROUP_ROWS - this.#rows);
      for (let i = 0; i < count; i++) this.#t[this.#rows + i] = origin + t[start + i]!;
      this.#x.set(x.subarray(start, start + count), this.#rows);
      this.#y.set(y.subarray(start, start + count), this.#rows);
      this.#on.set(on.subarray(start, start + count), this.#rows);
      this.#rows += count;
      start += count;
      if (this.#rows === GROUP_ROWS) this.#group(emit);
    }
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    if (this.#rows > 0) this.#group(emit);
    const { sensor, simulated = false } = this.#options;
    const notes = {
      software: 'rxspike',
      sensor_width: `${sensor.width}`,
      sensor_height: `${sensor.height}`,
      simulated: `${simulated}`,
    };
    const writer = new ByteWriter();
    writeMetadata(writer, {
      version: 2,
      created_by: 'rxspike',
      schema: SCHEMA,
      num_rows: BigInt(this.#total),
      row_groups: this.#groups,
      key_value_metadata: Object.entries(notes).map(([key, value]) => ({ key, value })),
      metadata_length: 0,
    });
    this.#put(writer.getBytes(), emit);
    this.#put(MAGIC, emit);
  }

  #head(emit: (bytes: Uint8Array) => void): void {
    if (this.#offset === 0) this.#put(MAGIC, emit);
  }

  #group(emit: (bytes: Uint8Array) => void): void {
    const rows = this.#rows;
    const start = this.#offset;
    const t = this.#t.subarray(0, rows);
    const columns = [
      this.#column(1, packDeltas(t), 'DELTA_BINARY_PACKED', emit, [t[0]!, t[rows - 1]!]),
      this.#column(2, packDeltas(this.#x.subarray(0, rows)), 'DELTA_BINARY_PACKED', emit),
      this.#column(3, packDeltas(this.#y.subarray(0, rows)), 'DELTA_BINARY_PACKED', emit),
      this.#column(4, bits(this.#on.subarray(0, rows)), 'PLAIN', emit),
    ];
    const bytes = BigInt(this.#offset - start);
    this.#groups.push({
      columns,
      total_byte_size: bytes,
      total_compressed_size: bytes,
      num_rows: BigInt(rows),
    });
    this.#total += rows;
    this.#rows = 0;
  }

  /** A column of the group: one page, with its header. */
  #column(
    index: number,
    page: Uint8Array,
    encoding: 'PLAIN' | 'DELTA_BINARY_PACKED',
    emit: (bytes: Uint8Array) => void,
    range?: readonly [least: number, greatest: number],
  ): ColumnChunk {
    const header = new ByteWriter();
    serializeTCompactProtocol(header, {
      field_1: 0, // a data page
      field_2: page.length,
      field_3: page.length,
      field_5: {
        field_1: this.#rows,
        field_2: ENCODINGS[encoding],
        field_3: ENCODINGS.RLE,
        field_4: ENCODINGS.RLE,
      },
    });
    const start = this.#offset;
    this.#put(header.getBytes(), emit);
    this.#put(page, emit);
    const { name, type } = SCHEMA[index]!;
    const size = BigInt(this.#offset - start);
    const [least, greatest] = range ?? [];
    return {
      file_offset: 0n,
      meta_data: {
        type: type!,
        encodings: [encoding, 'RLE'] satisfies Encoding[],
        path_in_schema: [name],
        codec: 'UNCOMPRESSED',
        num_values: BigInt(this.#rows),
        total_uncompressed_size: size,
        total_compressed_size: size,
        data_page_offset: BigInt(start),
        ...(least === undefined
          ? {}
          : { statistics: { min_value: BigInt(least), max_value: BigInt(greatest!), null_count: 0n } }),
      },
    };
  }

  #put(bytes: Uint8Array, emit: (bytes: Uint8Array) => void): void {
    this.#offset += bytes.length;
    emit(bytes);
  }
}

/** One bit an event, the first in the lowest bit. */
function bits(on: Uint8Array): Uint8Array {
  const packed = new Uint8Array(Math.ceil(on.length / 8));
  for (let i = 0; i < on.length; i++) packed[i >> 3]! |= on[i]! << (i & 7);
  return packed;
}
