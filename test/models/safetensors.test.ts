import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { decodeTensors, encodeTensors, type TensorData } from '../../src/models/safetensors.ts';

const tensors = fc.uniqueArray(fc.string(), { maxLength: 6 }).chain((names) =>
  fc.tuple(
    ...names
      .filter((name) => name !== '__metadata__')
      .map((name) =>
        fc.array(fc.nat(4), { maxLength: 3 }).chain((shape) => {
          const size = shape.reduce((product, side) => product * side, 1);
          return fc
            .array(fc.float(), { minLength: size, maxLength: size })
            .map((values) => [name, { shape, values: Float32Array.from(values) }] as [string, TensorData]);
        }),
      ),
  ),
);

describe('safetensors', () => {
  it('gives back what was encoded, bit for bit', () => {
    fc.assert(
      fc.property(tensors, fc.dictionary(fc.string(), fc.string()), (entries, metadata) => {
        const decoded = decodeTensors(encodeTensors({ tensors: new Map(entries), metadata }));
        expect(new Map([...decoded.tensors].sort())).toStrictEqual(new Map([...entries].sort()));
        expect({ ...decoded.metadata }).toStrictEqual({ ...metadata });
      }),
    );
  });

  it('writes the layout of the format', () => {
    const bytes = encodeTensors({
      tensors: new Map([['w', { shape: [2], values: Float32Array.of(1, -2) }]]),
      metadata: { a: 'b' },
    });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))).toStrictEqual({
      __metadata__: { a: 'b' },
      w: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
    });
    expect([...new Uint8Array(Float32Array.of(1, -2).buffer)]).toStrictEqual([...bytes.subarray(8 + length)]);
  });

  it('reads a Buffer, whose slice is a view', () => {
    const bytes = encodeTensors({
      tensors: new Map([
        ['a', { shape: [1], values: Float32Array.of(1) }],
        ['b', { shape: [1], values: Float32Array.of(2) }],
      ]),
      metadata: {},
    });
    const { tensors } = decodeTensors(Buffer.from(bytes));
    expect([...tensors.values()].map(({ values }) => [...values])).toEqual([[1], [2]]);
  });

  it('reads data at any alignment', () => {
    const bytes = encodeTensors({
      tensors: new Map([['w', { shape: [1], values: Float32Array.of(0.5) }]]),
      metadata: {},
    });
    const moved = new Uint8Array(bytes.length + 1);
    moved.set(bytes, 1);
    expect(decodeTensors(moved.subarray(1)).tensors.get('w')!.values).toStrictEqual(Float32Array.of(0.5));
  });

  const lies: [string, unknown, RegExp][] = [
    ['no object', [], /header is not a JSON object/],
    ['another type', { w: { dtype: 'F16', shape: [1], data_offsets: [0, 2] } }, /is F16, expected F32/],
    ['a negative side', { w: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] } }, /no valid shape/],
    ['a range outside', { w: { dtype: 'F32', shape: [9], data_offsets: [0, 36] } }, /bytes 0 to 36 of 8/],
    [
      'a shape that overflows',
      { w: { dtype: 'F32', shape: [2 ** 50, 2 ** 50], data_offsets: [0, 8] } },
      /shape/,
    ],
    ['a hole', { w: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }, /starts at 4 where 0/],
    [
      'an overlap',
      {
        a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
        b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
      },
      /starts at 4 where 8/,
    ],
    ['bytes left over', { w: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }, /4 bytes after the last/],
    ['metadata that is no text', { __metadata__: { a: 1 } }, /not text/],
  ];
  it.each(lies)('refuses %s', (_, header, message) => {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const bytes = new Uint8Array(8 + text.length + 8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    const decode = (): unknown => decodeTensors(bytes, 'a.safetensors');
    expect(decode).toThrow(FormatError);
    expect(decode).toThrow(message);
    expect(decode).toThrow(/^a\.safetensors: .* at byte \d+$/);
  });

  it('meets any bytes with a FormatError or a valid file', () => {
    const valid = encodeTensors({
      tensors: new Map([
        ['a', { shape: [2, 3], values: new Float32Array(6) }],
        ['b', { shape: [], values: Float32Array.of(1) }],
      ]),
      metadata: { key: 'value' },
    });
    const mutation = fc.record({ at: fc.nat(valid.length - 1), byte: fc.nat(255) });
    const mutated = fc
      .tuple(fc.array(mutation, { minLength: 1, maxLength: 4 }), fc.nat(valid.length))
      .map(([mutations, length]) => {
        const bytes = valid.slice();
        for (const { at, byte } of mutations) bytes[at] = byte;
        return length % 3 === 0 ? bytes.subarray(0, length) : bytes;
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 64 })), (bytes) => {
        try {
          for (const { shape, values } of decodeTensors(bytes).tensors.values()) {
            expect(values.length).toBe(shape.reduce((product, side) => product * side, 1));
          }
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
          expect((error as FormatError).byteOffset).toBeTypeOf('number');
        }
      }),
      { numRuns: 3000 },
    );
  });
});
