import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packFrames, unpackFrames } from '../../../src/streams/sample-cache/packed-frames.ts';
import {
  type CachedSample,
  decodeSampleFile,
  encodeSampleFile,
  fromCached,
  toCached,
} from '../../../src/streams/sample-cache/sample-file.ts';

const key = 'f0'.repeat(32);
const counts = { events: 1234, outside: 5, tail: 6, skippedBins: 7 };

function cached(values: readonly number[]): CachedSample {
  const frames = Float32Array.from(values);
  return toCached(
    { id: 'a', label: 1, frames, shape: [1, 1, values.length, 1], length: 1, binMicros: 2.5 },
    counts,
  );
}

describe('packFrames', () => {
  it.each([
    [[0, 1, 255], Uint8Array],
    [[0, 256, 65535], Uint16Array],
    [[0, 65536], Float32Array],
    [[0.5], Float32Array],
    [[-1], Float32Array],
    [[-0], Float32Array],
    [[Number.NaN], Float32Array],
    [[2 ** 32], Float32Array],
  ])('keeps %j exactly, in the smallest form', (values, form) => {
    const packed = packFrames(Float32Array.from(values));
    expect(packed).toBeInstanceOf(form);
    expect(unpackFrames(packed)).toStrictEqual(Float32Array.from(values));
  });
});

describe('sample files', () => {
  it('come back bit for bit', () => {
    const values = fc.oneof(
      fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1 }),
      fc.array(fc.integer({ min: 0, max: 65535 }), { minLength: 1 }),
      fc.array(fc.float({ noDefaultInfinity: true }), { minLength: 1 }),
    );
    fc.assert(
      fc.property(values, fc.nat(7), (numbers, shift) => {
        const sample = cached(numbers);
        const bytes = encodeSampleFile(key, sample);
        const askew = new Uint8Array(bytes.length + shift).subarray(shift);
        askew.set(bytes);
        expect(decodeSampleFile(key, askew)).toStrictEqual(sample);
      }),
    );
    const { binMicros: _, ...image } = cached([1, 2]);
    expect(decodeSampleFile(key, encodeSampleFile(key, image))).toStrictEqual(image);
    const sample = fromCached(cached([3, 4]), { id: 'b', label: 9 });
    expect(sample).toMatchObject({ id: 'b', label: 9, length: 1, binMicros: 2.5 });
    expect(sample.frames).toStrictEqual(Float32Array.of(3, 4));
  });

  it('are Arrow files that other readers understand', () => {
    const table = tableFromIPC(encodeSampleFile(key, cached([1, 2, 3])));
    expect(table.numRows).toBe(1);
    expect(table.schema.fields.map((field) => `${field.name}: ${field.type}`)).toEqual([
      'frames: FixedSizeList[3]<Uint8>',
      'length: Int32',
      'binMicros: Float64',
      'events: Float64',
      'outside: Float64',
      'tail: Float64',
      'skippedBins: Float64',
      'checksum: Uint32',
    ]);
    expect(table.schema.fields[0]!.metadata.get('ARROW:extension:metadata')).toContain('"shape":[1,1,3,1]');
    expect(table.getChild('frames')!.get(0)!.toArray()).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('are never served when damaged, cut, or under another key', () => {
    const sample = cached([1, 2, 3, 250, 0, 7]);
    const bytes = encodeSampleFile(key, sample);
    expect(decodeSampleFile('0'.repeat(64), bytes)).toBeUndefined();
    for (let cut = 0; cut < bytes.length; cut += 13) {
      const found = decodeSampleFile(key, bytes.subarray(0, cut));
      if (found !== undefined) expect(found).toStrictEqual(sample); // the footer is for other readers
    }
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1 }),
        (changes) => {
          const changed = bytes.slice();
          for (const [at, bits] of changes) changed[at]! ^= bits;
          const found = decodeSampleFile(key, changed);
          if (found !== undefined) expect(found).toStrictEqual(sample);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
