import {
  Bool,
  type DataType,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMicrosecond,
  Uint32,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import type { LivePrediction } from '../live-inference.ts';
import { openFileSink } from './file-sink.ts';
import type { OutputContext, PredictionOutput } from './output.ts';

/** Rows of a batch at most, and how long they wait at most, in milliseconds. */
const BATCH_ROWS = 512;
const BATCH_MILLIS = 1000;

interface Column {
  readonly name: string;
  readonly type: DataType;
  readonly nullable?: true;
  readonly value: (prediction: LivePrediction) => unknown;
}

/**
 * An Arrow IPC stream, a row a prediction, written in batches of a second. A stream has no end to be missing: what was
 * written before a power cut is read.
 */
export async function openArrowFile(path: string, context: OutputContext): Promise<PredictionOutput> {
  const columns = columnsOf(context);
  const schema = new Schema(columns.map(({ name, type, nullable }) => new Field(name, type, nullable)));
  const file = await openFileSink(path, 'new');
  const bytes = new StreamBytes(schema);
  file.write(bytes.head);
  let rows: LivePrediction[] = [];
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (rows.length > 0) file.write(bytes.batch(batchOf(rows, columns, schema)));
    rows = [];
  };
  return {
    place: path,
    write: (prediction) => {
      rows.push(prediction);
      if (rows.length >= BATCH_ROWS) flush();
      else timer ??= setTimeout(flush, BATCH_MILLIS);
    },
    close: async () => {
      flush();
      file.write(bytes.end);
      await file.end();
    },
  };
}

/** The parts of an Arrow stream, which Arrow's own writer gives whole: schema, batches, end. */
class StreamBytes {
  readonly head: Uint8Array;
  readonly end: Uint8Array = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0);
  readonly #schema: Schema;

  constructor(schema: Schema) {
    this.#schema = schema;
    this.head = this.#whole([]).subarray(0, -this.end.length);
  }

  batch(batch: RecordBatch): Uint8Array {
    return this.#whole([batch]).subarray(this.head.length, -this.end.length);
  }

  #whole(batches: readonly RecordBatch[]): Uint8Array {
    const writer = new RecordBatchStreamWriter();
    writer.reset(undefined, this.#schema);
    for (const batch of batches) writer.write(batch);
    return writer.finish().toUint8Array(true);
  }
}

function columnsOf({ model: { feed, layerNames } }: OutputContext): Column[] {
  const list = new FixedSizeList(feed.classNames.length, new Field('item', new Float32(), false));
  return [
    { name: 'camera', type: new Utf8(), value: ({ camera }) => camera },
    { name: 'window', type: new Uint32(), value: ({ window }) => window },
    { name: 'start', type: new TimestampMicrosecond(), value: ({ startMicros }) => startMicros },
    { name: 'end', type: new TimestampMicrosecond(), value: ({ endMicros }) => endMicros },
    { name: 'events', type: new Uint32(), value: ({ events }) => events },
    { name: 'class', type: new Int32(), value: ({ classIndex }) => classIndex },
    { name: 'className', type: new Utf8(), value: ({ className }) => className },
    { name: 'probability', type: new Float32(), value: ({ probability }) => probability },
    { name: 'margin', type: new Float32(), value: ({ margin }) => margin },
    { name: 'probabilities', type: list, value: ({ probabilities }) => probabilities },
    { name: 'decision', type: new Int32(), nullable: true, value: ({ decision }) => decision },
    {
      name: 'decisionProbability',
      type: new Float32(),
      value: ({ decisionProbability }) => decisionProbability,
    },
    { name: 'merged', type: new Uint32(), value: ({ merged }) => merged },
    { name: 'reset', type: new Bool(), value: ({ reset }) => reset },
    { name: 'latencyMillis', type: new Float32(), value: ({ latencyMillis }) => latencyMillis },
    {
      name: 'operationsPerSecond',
      type: new Float64(),
      nullable: true,
      value: ({ operationsPerSecond }) => operationsPerSecond ?? null,
    },
    ...layerNames.map((layer) => ({
      name: `rate.${layer}`,
      type: new Float32(),
      value: ({ rates }: LivePrediction) => rates[layer] ?? 0,
    })),
  ];
}

function batchOf(rows: readonly LivePrediction[], columns: readonly Column[], schema: Schema): RecordBatch {
  const children = columns.map(({ type, value }) => {
    if (!(type instanceof TimestampMicrosecond)) return vectorFromArray(rows.map(value), type).data[0]!;
    // A window's bounds may be fractions.
    const data = BigInt64Array.from(rows, (row) => BigInt(Math.floor(value(row) as number)));
    return makeData({ type, length: rows.length, nullCount: 0, data });
  });
  const struct = new Struct(schema.fields);
  return new RecordBatch(schema, makeData({ type: struct, length: rows.length, nullCount: 0, children }));
}
