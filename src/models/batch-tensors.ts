import * as tf from '@tensorflow/tfjs-core';
import type { RecordBatch } from 'apache-arrow';
import { ShapeError } from '../errors.ts';

/** A batch of samples, ready for a network. The caller disposes of `sequence`. */
export interface BatchTensors {
  /** [batch, steps, height, width, channels]. */
  readonly sequence: tf.Tensor5D;
  /** Real steps of each sample. */
  readonly lengths: Int32Array;
  readonly labels: Int32Array;
  readonly ids: readonly string[];
}

/** A batch's columns without a tensor: `frames` are the batch's own memory, not to be written to. */
export interface BatchColumns extends Omit<BatchTensors, 'sequence'> {
  readonly frames: Float32Array;
  readonly shape: readonly [number, number, number, number, number];
}

/** The columns of an Arrow batch as operators build it: frames (a fixed-shape tensor), length, label, id. */
export function batchColumns(batch: RecordBatch): BatchColumns {
  const column = <T>(name: string): T => {
    const vector = batch.getChild(name);
    if (vector === null)
      throw new ShapeError(`batch: expected a column "${name}", found ${columnNames(batch)}`);
    return vector as T;
  };
  const field = batch.schema.fields.find(({ name }) => name === 'frames');
  const shape = frameShape(field?.metadata.get('ARROW:extension:metadata'));
  const size = shape.reduce((product, side) => product * side, 1);
  const frames = column<{ data: readonly { children: readonly { values: Float32Array }[] }[] }>('frames')
    .data[0]!.children[0]!.values;
  if (frames.length !== batch.numRows * size) {
    throw new ShapeError(
      `batch: ${batch.numRows} samples of shape [${shape}] need ${batch.numRows * size} values, found ${frames.length}`,
    );
  }
  return {
    frames,
    shape: [batch.numRows, ...shape],
    lengths: column<{ toArray(): Int32Array }>('length').toArray(),
    labels: column<{ toArray(): Int32Array }>('label').toArray(),
    ids: [...column<Iterable<string>>('id')],
  };
}

/** An Arrow batch as tensors; where the engine shares memory with JavaScript the frames are not copied. */
export function batchTensors(batch: RecordBatch): BatchTensors {
  const { frames, shape, lengths, labels, ids } = batchColumns(batch);
  return { sequence: tf.tensor5d(frames, [...shape]), lengths, labels, ids };
}

function frameShape(metadata: string | undefined): [number, number, number, number] {
  const shape: unknown = metadata === undefined ? undefined : JSON.parse(metadata).shape;
  if (!Array.isArray(shape) || shape.length !== 4) {
    throw new ShapeError(
      `batch: expected frames of shape [steps, height, width, channels], found ${metadata ?? 'no shape'}`,
    );
  }
  return shape as [number, number, number, number];
}

function columnNames(batch: RecordBatch): string {
  return batch.schema.fields.map(({ name }) => name).join(', ');
}
