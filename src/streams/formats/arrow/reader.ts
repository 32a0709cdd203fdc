import type { SensorSize } from '../../../events.ts';
import { viewOf } from '../byte-window.ts';
import { FlatTable, readInt64 } from '../flat-table.ts';
import { COLUMNS, HEADER, TYPE } from './layout.ts';

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

/** Columns and metadata entries that are looked at; more are no event file's. */
const MOST_COLUMNS = 16;
const MOST_NOTES = 1024;

/** Reads a message's table; a RangeError where it is none that event files have. */
export function readMessage(bytes: Uint8Array): Message {
  const message = FlatTable.root(viewOf(bytes));
  const type = message.int8(1);
  const table = message.table(2);
  if (table === undefined || (type !== HEADER.schema && type !== HEADER.recordBatch)) {
    throw new RangeError(`a schema or a record batch expected, found message type ${type}`);
  }
  return { kind: type === HEADER.schema ? 'schema' : 'batch', table, bodyBytes: message.int64(3) };
}

/** Reads a schema; a RangeError where its columns are not those of events. */
export function readSchema(schema: FlatTable): EventSchema {
  const found = schema.tables(1, MOST_COLUMNS).map((field) => `${field.text(0, 64)}: ${typeName(field)}`);
  const wanted = COLUMNS.map(({ name, type }) => `${name}: ${type}`);
  const order = wanted.map((column) => found.indexOf(column));
  if (order.includes(-1) || found.length !== wanted.length || schema.int16(0) !== 0) {
    throw new RangeError(
      `little-endian columns ${wanted.join(', ')} expected, found ${JSON.stringify(found.join(', '))}`,
    );
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

function typeName(field: FlatTable): string {
  const type = field.int8(2);
  const table = field.table(3);
  if (table === undefined || field.table(4) !== undefined) return `type ${type}`;
  if (type === TYPE.bool) return 'bool';
  if (type === TYPE.int) return `${table.int8(1) === 0 ? 'u' : ''}int${table.int32(0)}`;
  if (type === TYPE.timestamp) return `timestamp[${['s', 'ms', 'us', 'ns'][table.int16(0)]}]`;
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
  const columns = COLUMNS.map(({ name, valueBits }, i) => {
    const node = nodes.start + 16 * order[i]!;
    const values = buffers.start + 16 * (2 * order[i]! + 1);
    const length = readInt64(batch.view, node);
    const nulls = readInt64(batch.view, node + 8);
    if (length !== rows || nulls !== 0) {
      throw new RangeError(`column ${name} of ${rows} values expected, found ${length} with ${nulls} nulls`);
    }
    const start = readInt64(batch.view, values);
    const bytes = readInt64(batch.view, values + 8);
    const needed = Math.ceil((rows * valueBits) / 8);
    if (!(rows >= 0 && start >= 0 && bytes >= needed && start + bytes <= bodyBytes)) {
      throw new RangeError(
        `column ${name} of ${needed} bytes expected in a body of ${bodyBytes}, found ${bytes} at ${start}`,
      );
    }
    return start;
  });
  return { rows, columns };
}
