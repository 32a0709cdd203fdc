import {
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Utf8,
} from 'apache-arrow';
import { bufferCount, filter, map, type OperatorFunction, pipe } from 'rxjs';
import { ShapeError } from '../errors.ts';
import type { Sample } from '../events.ts';
import { wholeNumber } from './whole-number.ts';

/** Columns of a batch, one row a sample. */
export type BatchColumns = {
  /** [steps, height, width, channels] of each sample, an `arrow.fixed_shape_tensor`; padded steps are zero. */
  frames: FixedSizeList<Float32>;
  /** Steps that are real. */
  length: Int32;
  label: Int32;
  id: Utf8;
  /** Median length of a bin in microseconds; null for images. */
  binMicros: Float64;
};

export interface BatchOptions {
  /** A last batch of fewer samples: `keep` (default) or `drop`. */
  readonly partial?: 'keep' | 'drop';
}

/** One Arrow batch of samples of one frame size; shorter samples are padded with empty frames to the longest. */
export function batchSamples(samples: readonly Sample[]): RecordBatch<BatchColumns> {
  const shape = commonShape(samples);
  const schema = batchSchema(shape);
  const type = schema.fields[0]!.type as FixedSizeList<Float32>;
  const rows = samples.length;
  const children = [
    makeData({ type, length: rows, nullCount: 0, child: floats(joinFrames(samples, type.listSize)) }),
    integers(samples.map((sample) => sample.length)),
    integers(samples.map((sample) => sample.label)),
    strings(samples.map((sample) => sample.id)),
    nullable(samples.map((sample) => sample.binMicros)),
  ];
  const row = new Struct<BatchColumns>(schema.fields);
  return new RecordBatch(schema, makeData({ type: row, length: rows, nullCount: 0, children }));
}

/** Joins each `size` samples into one Arrow batch. */
export function batch(
  size: number,
  { partial = 'keep' }: BatchOptions = {},
): OperatorFunction<Sample, RecordBatch<BatchColumns>> {
  wholeNumber('batch size', size, 1);
  return pipe(
    bufferCount(size),
    filter((samples) => partial === 'keep' || samples.length === size),
    map(batchSamples),
  );
}

/** [steps, height, width, channels] that holds all samples: the most steps, the one frame size. */
function commonShape(samples: readonly Sample[]): Sample['shape'] {
  const first = samples[0];
  if (first === undefined) throw new ShapeError('batch: expected at least one sample, got none');
  const [, height, width, channels] = first.shape;
  let steps = 0;
  for (const { id, shape, frames } of samples) {
    const [own, h, w, c] = shape;
    if (h !== height || w !== width || c !== channels) {
      throw new ShapeError(
        `batch: expected frames [${height}, ${width}, ${channels}] as in ${first.id}, found [${h}, ${w}, ${c}] in ${id}`,
      );
    }
    if (frames.length !== own * h * w * c) {
      throw new ShapeError(
        `batch: expected ${own * h * w * c} values for [${shape}] in ${id}, found ${frames.length}`,
      );
    }
    steps = Math.max(steps, own);
  }
  return [steps, height, width, channels];
}

function batchSchema(shape: Sample['shape']): Schema<BatchColumns> {
  const size = shape.reduce((product, length) => product * length, 1);
  const tensor = new Map([
    ['ARROW:extension:name', 'arrow.fixed_shape_tensor'],
    [
      'ARROW:extension:metadata',
      JSON.stringify({ shape, dim_names: ['time', 'height', 'width', 'channel'] }),
    ],
  ]);
  return new Schema<BatchColumns>([
    new Field('frames', new FixedSizeList(size, new Field('item', new Float32(), false)), false, tensor),
    new Field('length', new Int32(), false),
    new Field('label', new Int32(), false),
    new Field('id', new Utf8(), false),
    new Field('binMicros', new Float64(), true),
  ]);
}

/** Samples one after the other, `size` values each; of a single full sample its own array. */
function joinFrames(samples: readonly Sample[], size: number): Float32Array {
  if (samples.length === 1 && samples[0]!.frames.length === size) return samples[0]!.frames;
  const values = new Float32Array(samples.length * size);
  samples.forEach(({ frames }, row) => {
    values.set(frames, row * size);
  });
  return values;
}

function floats(values: Float32Array) {
  return makeData({ type: new Float32(), length: values.length, nullCount: 0, data: values });
}

function integers(values: readonly number[]) {
  return makeData({ type: new Int32(), length: values.length, nullCount: 0, data: Int32Array.from(values) });
}

function nullable(values: readonly (number | undefined)[]) {
  const valid = new Uint8Array(Math.ceil(values.length / 8));
  let nullCount = 0;
  values.forEach((value, row) => {
    if (value === undefined) nullCount++;
    else valid[row >> 3]! |= 1 << (row & 7);
  });
  const data = Float64Array.from(values, (value) => value ?? 0);
  return makeData({ type: new Float64(), length: values.length, nullCount, nullBitmap: valid, data });
}

function strings(values: readonly string[]) {
  const encoder = new TextEncoder();
  const encoded = values.map((value) => encoder.encode(value));
  const valueOffsets = new Int32Array(values.length + 1);
  encoded.forEach((bytes, row) => {
    valueOffsets[row + 1] = valueOffsets[row]! + bytes.length;
  });
  const data = new Uint8Array(valueOffsets[values.length]!);
  encoded.forEach((bytes, row) => {
    data.set(bytes, valueOffsets[row]);
  });
  return makeData({ type: new Utf8(), length: values.length, nullCount: 0, valueOffsets, data });
}
