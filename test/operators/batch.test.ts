import {
  type FixedSizeList,
  type RecordBatch,
  RecordBatchReader,
  RecordBatchStreamWriter,
  tableFromIPC,
} from 'apache-arrow';
import fc from 'fast-check';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { OptionError, ShapeError } from '../../src/errors.ts';
import type { Sample } from '../../src/events.ts';
import { type BatchColumns, batch, batchSamples, fitSample } from '../../src/operators/index.ts';
import { describeOperatorCases } from './operator-cases.ts';

function sample(id: string, steps = 2): Sample {
  const frames = Float32Array.from({ length: steps * 6 }, (_, i) => i / 2);
  return { id, label: 1, frames, shape: [steps, 1, 3, 2], length: steps, binMicros: 12.5 };
}

describeOperatorCases<Sample, RecordBatch<BatchColumns>>('batch', {
  create: () => batch(2),
  values: [sample('a'), sample('b', 3), sample('c')],
  outputs: { empty: 0, one: 1, many: 2 },
  read: samplesOf,
});

const arbitrarySamples: fc.Arbitrary<Sample[]> = fc
  .record({
    height: fc.integer({ min: 1, max: 3 }),
    width: fc.integer({ min: 1, max: 3 }),
    channels: fc.integer({ min: 1, max: 2 }),
  })
  .chain(({ height, width, channels }) =>
    fc.array(
      fc
        .record({
          id: fc.string({ unit: 'grapheme' }),
          label: fc.nat(1000),
          steps: fc.integer({ min: 1, max: 4 }),
          binMicros: fc.option(fc.double({ min: 1, max: 1e9, noNaN: true }), { nil: undefined }),
        })
        .chain(({ id, label, steps, binMicros }) => {
          const size = steps * height * width * channels;
          return fc
            .tuple(
              fc.float32Array({ minLength: size, maxLength: size, noNaN: true }),
              fc.integer({ min: 1, max: steps }),
            )
            .map(([frames, length]) => ({
              id,
              label,
              frames: frames.slice(),
              shape: [steps, height, width, channels] as const,
              length,
              ...(binMicros === undefined ? {} : { binMicros }),
            }));
        }),
      { minLength: 1, maxLength: 5 },
    ),
  );

/** The samples that a batch holds, by its metadata and buffers alone. */
function samplesOf(rows: RecordBatch<BatchColumns>): Sample[] {
  const field = rows.schema.fields[0]!;
  expect(field.metadata.get('ARROW:extension:name')).toBe('arrow.fixed_shape_tensor');
  const { shape } = JSON.parse(field.metadata.get('ARROW:extension:metadata')!) as { shape: Sample['shape'] };
  const size = shape.reduce((product, length) => product * length, 1);
  expect((field.type as FixedSizeList).listSize).toBe(size);
  const values = rows.getChild('frames')!.data[0]!.children[0]!.values as Float32Array;
  return Array.from({ length: rows.numRows }, (_, row) => {
    const binMicros = rows.getChild('binMicros')!.get(row);
    return {
      id: rows.getChild('id')!.get(row)!,
      label: rows.getChild('label')!.get(row)!,
      frames: values.slice(row * size, (row + 1) * size),
      shape,
      length: rows.getChild('length')!.get(row)!,
      ...(binMicros === null ? {} : { binMicros }),
    };
  });
}

describe('batchSamples', () => {
  it('gives the samples back, padded to the longest, also through a file', () => {
    fc.assert(
      fc.property(arbitrarySamples, (samples) => {
        const steps = Math.max(...samples.map(({ shape }) => shape[0]));
        const expected = samples.map((one) => ({
          ...fitSample(one, steps),
          frames: fitSample(one, steps).frames.slice(),
        }));
        const made = batchSamples(samples);
        expect(samplesOf(made)).toStrictEqual(expected);
        const writer = new RecordBatchStreamWriter<BatchColumns>();
        writer.write(made);
        writer.finish();
        const read = tableFromIPC<BatchColumns>(writer.toUint8Array(true));
        expect(read.batches).toHaveLength(1);
        expect(read.schema.fields.map(({ nullable }) => nullable)).toStrictEqual([
          false,
          false,
          false,
          false,
          true,
        ]);
        expect(samplesOf(read.batches[0]!)).toStrictEqual(expected);
      }),
    );
  });

  it('keeps batches of one shape together in a stream', () => {
    const writer = new RecordBatchStreamWriter<BatchColumns>();
    for (const ids of [['a', 'b'], ['c']]) writer.write(batchSamples(ids.map((id) => sample(id))));
    writer.finish();
    const batches = [...RecordBatchReader.from<BatchColumns>(writer.toUint8Array(true))];
    expect(batches.flatMap((rows) => samplesOf(rows).map(({ id }) => id))).toStrictEqual(['a', 'b', 'c']);
  });

  it('does not copy the frames of a single sample', () => {
    const one = sample('a');
    expect(batchSamples([one]).getChild('frames')!.data[0]!.children[0]!.values).toBe(one.frames);
  });

  it('refuses nothing, frames of two sizes, and a shape that does not fit its values', () => {
    expect(() => batchSamples([])).toThrow(ShapeError);
    const wide: Sample = { ...sample('wide'), frames: new Float32Array(16), shape: [2, 1, 4, 2] };
    expect(() => batchSamples([sample('a'), wide])).toThrow(/\[1, 3, 2\] as in a, found \[1, 4, 2\] in wide/);
    expect(() => batchSamples([{ ...sample('a'), frames: new Float32Array(11) }])).toThrow(ShapeError);
  });
});

describe('batch', () => {
  it('can drop a last batch that is not full', async () => {
    const idsWith = async (partial: 'keep' | 'drop'): Promise<string[]> => {
      const source = from([sample('a'), sample('b'), sample('c')]);
      const batches = await lastValueFrom(source.pipe(batch(2, { partial }), toArray()));
      return batches.flatMap((rows) => samplesOf(rows).map(({ id }) => id));
    };
    expect(await idsWith('keep')).toStrictEqual(['a', 'b', 'c']);
    expect(await idsWith('drop')).toStrictEqual(['a', 'b']);
  });

  it('refuses a size below 1', () => {
    expect(() => batch(0)).toThrow(OptionError);
  });
});
