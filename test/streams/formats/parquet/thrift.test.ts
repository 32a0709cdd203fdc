import { describe, expect, it } from 'vitest';
import { endOfStruct } from '../../../../src/streams/formats/parquet/thrift.ts';

const end = (...bytes: number[]): number => endOfStruct(new DataView(Uint8Array.from(bytes).buffer), 0);

describe('headers in the compact protocol', () => {
  it('end where their struct ends', () => {
    expect(end(0)).toBe(1);
    // i32 5, binary "ab", a list of two i64, true, a struct with a byte, a double.
    const fields = [
      0x15,
      10,
      0x18,
      2,
      97,
      98,
      0x19,
      0x26,
      1,
      2,
      0x11,
      0x1c,
      0x13,
      7,
      0,
      0x17,
      ...Array(8).fill(1),
    ];
    expect(end(...fields, 0, 99)).toBe(fields.length + 1);
  });

  it('claim no more than there is', () => {
    expect(() => end(0x15)).toThrow(/cut off/);
    expect(() => end(0x19, 0xf6, 0xff, 0xff, 0xff, 0xff, 0x07, 0)).toThrow(/a list of at most \d+ elements/);
    expect(() => end(0x18, 0xff, 0xff, 0xff, 0xff, 0x0f, 0)).toThrow(/bytes expected in a header/);
    expect(() => end(0x15, ...Array(11).fill(0xff))).toThrow(/at most 10 bytes/);
    expect(() => end(...Array(40).fill(0x1c), ...Array(41).fill(0))).toThrow(/32 levels/);
    expect(() => end(0x1d, 0)).toThrow(/found 13/);
  });
});
