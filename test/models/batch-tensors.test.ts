import { RecordBatch, RecordBatchReader, RecordBatchStreamWriter } from 'apache-arrow';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engines/engine.ts';
import { ShapeError } from '../../src/errors.ts';
import { batchColumns, batchTensors } from '../../src/models/batch-tensors.ts';
import { batchSamples } from '../../src/operators/batch.ts';

const sample = (id: string, label: number, steps: number, length = steps) => ({
  id,
  label,
  length,
  shape: [steps, 2, 3, 2] as const,
  frames: Float32Array.from({ length: steps * 12 }, (_, i) => i + 100 * label),
});

beforeAll(async () => {
  await startEngine('cpu');
});

describe('batchTensors', () => {
  const batch = batchSamples([sample('a', 1, 3), sample('b', 2, 2), sample('c', 0, 3, 1)]);

  it('gives the samples in their order, padded with zeros', async () => {
    const { sequence, lengths, labels, ids } = batchTensors(batch);
    expect(sequence.shape).toStrictEqual([3, 3, 2, 3, 2]);
    const values = await sequence.data();
    expect([...values.slice(0, 36)]).toStrictEqual([...sample('a', 1, 3).frames]);
    expect([...values.slice(36, 60)]).toStrictEqual([...sample('b', 2, 2).frames]);
    expect(values.slice(60, 72)).toStrictEqual(new Float32Array(12));
    expect([...lengths]).toStrictEqual([3, 2, 1]);
    expect([...labels]).toStrictEqual([1, 2, 0]);
    expect(ids).toStrictEqual(['a', 'b', 'c']);
    sequence.dispose();
  });

  it('reads slices, and batches from Arrow bytes', () => {
    const { frames, shape, labels } = batchColumns(batch.slice(1, 3));
    expect(shape).toStrictEqual([2, 3, 2, 3, 2]);
    expect([...labels]).toStrictEqual([2, 0]);
    expect(frames[0]).toBe(200);
    const bytes = RecordBatchStreamWriter.writeAll([batch]).toUint8Array(true);
    const [read] = [...RecordBatchReader.from(bytes)];
    expect(batchColumns(read!)).toStrictEqual(batchColumns(batch));
  });

  it('says which column or shape is amiss', () => {
    expect(() => batchColumns(batch.select(['frames', 'label']))).toThrow(
      /expected a column "length", found frames, label/,
    );
    const schema = batch.schema.select(['length', 'label', 'id']);
    expect(() => batchColumns(new RecordBatch(schema, batch.select(['length', 'label', 'id']).data))).toThrow(
      ShapeError,
    );
  });
});
