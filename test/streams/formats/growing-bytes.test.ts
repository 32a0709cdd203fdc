import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GrowingBytes, giveBack } from '../../../src/streams/formats/growing-bytes.ts';

describe('bytes that grow', () => {
  it('keep what was written, however little was expected', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.uint8Array({ maxLength: 200 }), (expected, values) => {
        const bytes = new GrowingBytes(expected);
        for (const [at, value] of values.entries()) bytes.reserve(at, 1).setUint8(at, value);
        expect([...bytes.written(values.length)]).toEqual([...values]);
      }),
    );
  });

  it('are memory of their own until they are given back', () => {
    const first = new GrowingBytes(16);
    first.view.setUint8(0, 1);
    const part = first.written(1);
    const second = new GrowingBytes(16);
    second.view.setUint8(0, 2);
    expect(part[0]).toBe(1);
    giveBack(part);
    const third = new GrowingBytes(8);
    expect(third.written(8).buffer).toBe(part.buffer);
    expect(new GrowingBytes(8).written(8).buffer).not.toBe(part.buffer);
    expect(second.written(1)[0]).toBe(2);
  });

  it('take no memory of others', () => {
    const foreign = new Uint8Array(1 << 20);
    giveBack(foreign);
    expect(new GrowingBytes(16).written(16).buffer).not.toBe(foreign.buffer);
  });
});
