import { Builder, type Offset } from 'flatbuffers';
import type { SensorSize } from '../../../events.ts';
import { COLUMNS, HEADER, padded, TYPE } from './layout.ts';

/** A batch in the file, as its footer lists it. */
export interface BatchBlock {
  readonly offset: number;
  readonly metadataBytes: number;
  readonly bodyBytes: number;
}

const VERSION_5 = 4;
const MICROSECOND = 2;

/** The message that says what the file holds. */
export function writeSchema(sensor: SensorSize, simulated: boolean): Uint8Array {
  const builder = new Builder(1024);
  return finishMessage(builder, HEADER.schema, buildSchema(builder, sensor, simulated), 0);
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
  return finishMessage(builder, HEADER.recordBatch, builder.endObject(), bodyBytes);
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

function buildSchema(builder: Builder, sensor: SensorSize, simulated: boolean): Offset {
  const fields = COLUMNS.map((column) => buildField(builder, column));
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

function buildField(builder: Builder, { name, type }: (typeof COLUMNS)[number]): Offset {
  const text = builder.createString(name);
  const children = buildVector(builder, []);
  const code = type === 'timestamp[us]' ? TYPE.timestamp : type === 'bool' ? TYPE.bool : TYPE.int;
  const details = buildTable(builder, 2, () => {
    if (code === TYPE.timestamp) builder.addFieldInt16(0, MICROSECOND, 0);
    if (code === TYPE.int) builder.addFieldInt32(0, 16, 0);
  });
  return buildTable(builder, 7, () => {
    builder.addFieldOffset(0, text, 0);
    builder.addFieldInt8(2, code, 0);
    builder.addFieldOffset(3, details, 0);
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
