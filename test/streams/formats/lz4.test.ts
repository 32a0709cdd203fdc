import fc from 'fast-check';
import { compressFrameSync } from 'lz4-napi';
import { describe, expect, it } from 'vitest';
import { Lz4Frames } from '../../../src/streams/formats/aedat4/lz4.ts';

/** Bytes with repeats at many distances, as a compressor likes them. */
const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 60 })), {
    maxLength: 60,
  })
  .map((parts) =>
    Buffer.concat(parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))),
  );

/** A frame of blocks as they are given: version 1, linked, 64 KiB. */
function frame(...blocks: (Buffer | { stored: Buffer })[]): Buffer {
  const parts: Buffer[] = [Buffer.from('04224d18404000', 'hex')];
  for (const block of blocks) {
    const bytes = 'stored' in block ? block.stored : block;
    const length = Buffer.alloc(4);
    length.writeUInt32LE((bytes.length | ('stored' in block ? 0x80000000 : 0)) >>> 0);
    parts.push(length, bytes);
  }
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

describe('LZ4 frames', () => {
  it('decode to what another implementation packed', () => {
    const frames = new Lz4Frames(1 << 24);
    fc.assert(
      fc.property(
        fc.oneof(repetitive, fc.uint8Array({ maxLength: 3000 })),
        fc.boolean(),
        (content, checksums) => {
          const packed = compressFrameSync(Buffer.from(content), {
            blockChecksums: checksums,
            contentChecksum: checksums,
          });
          expect(Buffer.compare(frames.decode(packed), content)).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('decode over several blocks', () => {
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) >> 9));
    expect(Buffer.compare(new Lz4Frames(1 << 20).decode(compressFrameSync(content)), content)).toBe(0);
  });

  it('may refer back to earlier blocks, and hold blocks that are stored', () => {
    // 'abcdefgh' stored, then a match of 6 at distance 8, then a literal; at distance 1, 7 times.
    const back = Buffer.from([0x02, 8, 0, 0x10, 0x21]);
    const run = Buffer.from([0x13, 0x7a, 1, 0, 0x10, 0x2e]);
    const decoded = new Lz4Frames(1000).decode(frame({ stored: Buffer.from('abcdefgh') }, back, run));
    expect(text(decoded)).toBe('abcdefghabcdef!zzzzzzzz.');
  });

  it('may be long runs', () => {
    const content = Buffer.alloc(65_000, 'xyz');
    expect(Buffer.compare(new Lz4Frames(65_000).decode(compressFrameSync(content)), content)).toBe(0);
  });

  it('are refused where they hold more than is asked for', () => {
    const packed = compressFrameSync(Buffer.alloc(100_000));
    expect(() => new Lz4Frames(99_999).decode(packed)).toThrow(RangeError);
    expect(new Lz4Frames(100_000).decode(packed)).toHaveLength(100_000);
  });

  it.each([
    ['another magic', Buffer.from('05224d18404000', 'hex'), 'an LZ4 frame expected'],
    ['another version', Buffer.from('04224d18804000', 'hex'), 'an LZ4 frame of version 1 expected'],
    ['a dictionary', Buffer.from('04224d18414000', 'hex'), 'an LZ4 frame without dictionary expected'],
    [
      'a block that is too long',
      frame(Buffer.from([0x10])).fill(0x7f, 7, 11),
      'an LZ4 block of at most 5 bytes expected',
    ],
    [
      'a match before the start',
      frame(Buffer.from([0x10, 1, 2, 0, 0x10, 1])),
      'an LZ4 match within the content expected',
    ],
    [
      'a match at distance 0',
      frame(Buffer.from([0x10, 1, 0, 0, 0x10, 1])),
      'an LZ4 match within the content expected',
    ],
    ['literals beyond the block', frame(Buffer.from([0x50, 1])), 'LZ4 literals within their block expected'],
    [
      'a match at its end',
      frame(Buffer.from([0x10, 1, 1, 0])),
      'an LZ4 block that ends with literals expected',
    ],
    ['no end', Buffer.from('04224d18404000', 'hex'), 'bounds'],
  ])('with %s are refused', (_, bytes, message) => {
    expect(() => new Lz4Frames(1000).decode(bytes)).toThrow(message);
  });
});
