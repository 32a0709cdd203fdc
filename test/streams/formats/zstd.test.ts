import { compress, init } from '@bokuweb/zstd-wasm';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeZstd, loadZstd } from '../../../src/streams/formats/aedat4/zstd.ts';

beforeAll(async () => {
  await init();
  await loadZstd();
});

/** A frame without a declared size, of blocks that are each one byte repeated. */
function repeated(...blocks: [byte: number, length: number][]): Buffer {
  const parts = [Buffer.from('28b52ffd0058', 'hex')];
  blocks.forEach(([byte, length], i) => {
    const header = (length << 3) | 2 | Number(i === blocks.length - 1);
    parts.push(Buffer.from([header & 255, (header >> 8) & 255, header >> 16, byte]));
  });
  return Buffer.concat(parts);
}

describe('zstd frames', () => {
  it('decode to what another implementation packed', () => {
    const content = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 3000 }),
      fc
        .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 5000 })
        .map((bytes) => Uint8Array.from(bytes)),
    );
    fc.assert(
      fc.property(content, fc.integer({ min: 1, max: 19 }), (bytes, level) => {
        const packed = compress(Buffer.from(bytes), level);
        expect(Buffer.compare(decodeZstd(packed, bytes.length), bytes)).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it('need not declare their size', () => {
    expect([...decodeZstd(repeated([7, 3], [8, 2]), 5)]).toEqual([7, 7, 7, 8, 8]);
  });

  it('are refused where they could hold more than is asked for, before any memory is taken', () => {
    const bomb = repeated(...Array.from({ length: 10_000 }, () => [1, 1 << 17] as [number, number]));
    expect(() => decodeZstd(bomb, 1 << 26)).toThrow(
      'zstd content of at most 67108864 bytes expected, found up to 1310720000',
    );
    expect(() => decodeZstd(compress(Buffer.alloc(1000), 3), 999)).toThrow('found up to 1000');
  });

  it('are refused where they are not valid', () => {
    const packed = Buffer.from(compress(Buffer.from('some text, some text, some text'.repeat(9)), 3));
    expect(() => decodeZstd(packed.subarray(0, -3), 1000)).toThrow(RangeError);
    expect(() => decodeZstd(Buffer.alloc(20), 1000)).toThrow('a zstd frame expected');
    const broken = Buffer.from(packed);
    broken.fill(0xa5, 12);
    expect(() => decodeZstd(broken, 1000)).toThrow(RangeError);
  });
});
