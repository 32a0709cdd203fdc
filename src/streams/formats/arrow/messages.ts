/**
 * The tables of Arrow's IPC messages that event files need, read and written.
 * https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
 */
import { Builder, type Offset } from 'flatbuffers';
import type { SensorSize } from '../../../events.ts';
import { viewOf } from '../byte-window.ts';
import { FlatTable, readInt64 } from '../flat-table.ts';

/** The columns of an event file: timestamp[us], uint16, uint16, bool. */
export const COLUMNS = ['t', 'x', 'y', 'on'] as const;

/** What the schema says of a recording. */
export interface EventSchema {
  /** Position of each of `COLUMNS` among the columns of the file. */
  readonly order: readonly number[];
  readonly sensor: SensorSize | undefined;
  readonly simulated: boolean;
}

/** A block of rows: where its columns lie in the body, in the order of `COLUMNS`. */
export interface BatchLayout {
  readonly rows: number;
  /** Positions of the values in the body. */
  readonly columns: readonly number[];
}

/** A message, but for its body. */
export interface Message {
  readonly kind: 'schema' | 'batch';
  readonly table: FlatTable;
  readonly bodyBytes: number;
}

/** A batch in the file, as its footer lists it. */
export interface BatchBlock {
  readonly offset: number;
  readonly metadataBytes: number;
  readonly bodyBytes: number;
}

/** Columns and metadata entries that are looked at; more are no event file's. */
const MOST_COLUMNS = 16;
const MOST_NOTES = 1024;
const VERSION_5 = 4;
const SCHEMA = 1;
const RECORD_BATCH = 3;
const INT = 2;
const BOOL = 6;
const TIMESTAMP = 10;
const MICROSECOND = 2;

/** Reads a message's table; a RangeError where it is none that event files have. */
export function readMessage(bytes: Uint8Array): Message {
  const message = FlatTable.root(viewOf(bytes));
  const type = message.int8(1);
  const table = message.table(2);
  if (table === undefined || (type !== SCHEMA && type !== RECORD_BATCH)) {
    throw new RangeError(`a schema or a record batch expected, found message type ${type}`);
  }
  return { kind: type === SCHEMA ? 'schema' : 'batch', table, bodyBytes: message.int64(3) };
}

/** Reads a schema; a RangeError where its columns are not those of events. */
export function readSchema(schema: FlatTable): EventSchema {
  const found = schema.tables(1, MOST_COLUMNS).map((field) => `${field.text(0, 64)}: ${typeName(field)}`);
  const wanted = COLUMNS.map((name) => `${name}: ${columnType(name)}`);
  const order = wanted.map((column) => found.indexOf(column));
  if (order.includes(-1) || found.length !== wanted.length || schema.int16(0) !== 0) {
    throw new RangeError(`little-endian columns ${wanted.join(', ')} expected, found ${found.join(', ')}`);
  }
  const notes = new Map(schema.tables(2, MOST_NOTES).map((pair) => [pair.text(0, 64), pair.text(1, 64)]));
  const width = Number(notes.get('sensor_width'));
  const height = Number(notes.get('sensor_height'));
  const known = Number.isInteger(width) && Number.isInteger(height) && Math.min(width, height) > 0;
  return {
    order,
    sensor: known ? { width, height } : undefined,
    simulated: notes.get('simulated') === 'true',
  };
}

function columnType(name: (typeof COLUMNS)[number]): string {
  return name === 't' ? 'timestamp[us]' : name === 'on' ? 'bool' : 'uint16';
}

function typeName(field: FlatTable): string {
  const type = field.int8(2);
  const table = field.table(3);
  if (table === undefined || field.table(4) !== undefined) return `type ${type}`;
  if (type === BOOL) return 'bool';
  if (type === INT) return `${table.int8(1) === 0 ? 'u' : ''}int${table.int32(0)}`;
  if (type === TIMESTAMP) return `timestamp[${['s', 'ms', 'us', 'ns'][table.int16(0)]}]`;
  return `type ${type}`;
}

/** Reads where a record batch's columns lie in a body of `bodyBytes`; a RangeError where they do not fit in it. */
export function readBatch(batch: FlatTable, bodyBytes: number, order: readonly number[]): BatchLayout {
  if (batch.table(3) !== undefined) throw new RangeError('a record batch without compression expected');
  const rows = batch.int64(0);
  const nodes = batch.vector(1, 16);
  const buffers = batch.vector(2, 16);
  if (nodes.length !== COLUMNS.length || buffers.length !== 2 * COLUMNS.length) {
    throw new RangeError(`a record batch of ${COLUMNS.length} columns expected, found ${nodes.length}`);
  }
  const columns = COLUMNS.map((name, i) => {
    const node = nodes.start + 16 * order[i]!;
    const values = buffers.start + 16 * (2 * order[i]! + 1);
    const length = readInt64(batch.view, node);
    const nulls = readInt64(batch.view, node + 8);
    if (length !== rows || nulls !== 0) {
      throw new RangeError(`column ${name} of ${rows} values expected, found ${length} with ${nulls} nulls`);
    }
    const start = readInt64(batch.view, values);
    const bytes = readInt64(batch.view, values + 8);
    const needed = name === 't' ? 8 * rows : name === 'on' ? Math.ceil(rows / 8) : 2 * rows;
    if (!(rows >= 0 && start >= 0 && bytes >= needed && start + bytes <= bodyBytes)) {
      throw new RangeError(
        `column ${name} of ${needed} bytes expected in a body of ${bodyBytes}, found ${bytes} at ${start}`,
      );
    }
    return start;
  });
  return { rows, columns };
}

/** The message that says what the file holds. */
export function writeSchema(sensor: SensorSize, simulated: boolean): Uint8Array {
  const builder = new Builder(1024);
  return finishMessage(builder, SCHEMA, buildSchema(builder, sensor, simulated), 0);
}

/** The message before a body of `rows` events; `lengths` are the bytes of the columns, each padded to 8 in the body. */
export function writeBatch(rows: number, lengths: readonly number[]): Uint8Array {
  const builder = new Builder(512);
  const bodyBytes = lengths.reduce((sum, bytes) => sum + padded(bytes), 0);
  let offset = bodyBytes;
  builder.startVector(16, 2 * lengths.length, 8);
  for (const bytes of lengths.toReversed()) {
    offset -= padded(bytes);
    writeInt64Pair(builder, offset, bytes);
    writeInt64Pair(builder, offset, 0); // no validity bitmap: nothing is null
  }
  const buffers = builder.endVector();
  builder.startVector(16, lengths.length, 8);
  for (const _ of lengths) writeInt64Pair(builder, rows, 0);
  const nodes = builder.endVector();
  builder.startObject(5);
  builder.addFieldInt64(0, BigInt(rows), 0n);
  builder.addFieldOffset(1, nodes, 0);
  builder.addFieldOffset(2, buffers, 0);
  return finishMessage(builder, RECORD_BATCH, builder.endObject(), bodyBytes);
}

/** The table at a file's end, by which readers find batches without going through the file. */
export function writeFooter(
  sensor: SensorSize,
  simulated: boolean,
  blocks: readonly BatchBlock[],
): Uint8Array {
  const builder = new Builder(1024 + 24 * blocks.length);
  const schema = buildSchema(builder, sensor, simulated);
  builder.startVector(24, blocks.length, 8);
  for (const { offset, metadataBytes, bodyBytes } of blocks.toReversed()) {
    builder.prep(8, 24);
    builder.writeInt64(BigInt(bodyBytes));
    builder.pad(4);
    builder.writeInt32(metadataBytes);
    builder.writeInt64(BigInt(offset));
  }
  const batches = builder.endVector();
  builder.startVector(24, 0, 8);
  const dictionaries = builder.endVector();
  builder.startObject(5);
  builder.addFieldInt16(0, VERSION_5, 0);
  builder.addFieldOffset(1, schema, 0);
  builder.addFieldOffset(2, dictionaries, 0);
  builder.addFieldOffset(3, batches, 0);
  builder.finish(builder.endObject());
  return builder.asUint8Array();
}

/** Bytes up to the next multiple of 8, at which Arrow aligns everything. */
export function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

function buildSchema(builder: Builder, sensor: SensorSize, simulated: boolean): Offset {
  const fields = COLUMNS.map((name) => buildField(builder, name));
  const notes = {
    software: 'rxspike',
    sensor_width: `${sensor.width}`,
    sensor_height: `${sensor.height}`,
    simulated: `${simulated}`,
  };
  const pairs = Object.entries(notes).map(([key, value]) => {
    const keyText = builder.createString(key);
    const valueText = builder.createString(value);
    return buildTable(builder, 2, () => {
      builder.addFieldOffset(0, keyText, 0);
      builder.addFieldOffset(1, valueText, 0);
    });
  });
  const fieldVector = buildVector(builder, fields);
  const pairVector = buildVector(builder, pairs);
  return buildTable(builder, 4, () => {
    builder.addFieldOffset(1, fieldVector, 0);
    builder.addFieldOffset(2, pairVector, 0);
  });
}

function buildField(builder: Builder, name: (typeof COLUMNS)[number]): Offset {
  const text = builder.createString(name);
  const children = buildVector(builder, []);
  const kind = name === 't' ? TIMESTAMP : name === 'on' ? BOOL : INT;
  const type = buildTable(builder, 2, () => {
    if (kind === TIMESTAMP) builder.addFieldInt16(0, MICROSECOND, 0);
    if (kind === INT) builder.addFieldInt32(0, 16, 0);
  });
  return buildTable(builder, 7, () => {
    builder.addFieldOffset(0, text, 0);
    builder.addFieldInt8(2, kind, 0);
    builder.addFieldOffset(3, type, 0);
    builder.addFieldOffset(5, children, 0);
  });
}

function buildTable(builder: Builder, fields: number, add: () => void): Offset {
  builder.startObject(fields);
  add();
  return builder.endObject();
}

function buildVector(builder: Builder, offsets: readonly Offset[]): Offset {
  builder.startVector(4, offsets.length, 4);
  for (const offset of offsets.toReversed()) builder.addOffset(offset);
  return builder.endVector();
}

function writeInt64Pair(builder: Builder, first: number, second: number): void {
  builder.prep(8, 16);
  builder.writeInt64(BigInt(second));
  builder.writeInt64(BigInt(first));
}

/** A message with its prefix, padded so that the body starts at a multiple of 8. */
function finishMessage(builder: Builder, type: number, header: Offset, bodyBytes: number): Uint8Array {
  const message = buildTable(builder, 5, () => {
    builder.addFieldInt16(0, VERSION_5, 0);
    builder.addFieldInt8(1, type, 0);
    builder.addFieldOffset(2, header, 0);
    builder.addFieldInt64(3, BigInt(bodyBytes), 0n);
  });
  builder.finish(message);
  const table = builder.asUint8Array();
  const bytes = new Uint8Array(8 + padded(table.length));
  const view = new DataView(bytes.buffer);
  view.setInt32(0, -1);
  view.setInt32(4, padded(table.length), true);
  bytes.set(table, 8);
  return bytes;
}
