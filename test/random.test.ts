import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { permutation, philox, RandomStream } from '../src/random.ts';

describe('philox', () => {
  // Known answers published with the generator (Random123, kat_vectors, philox4x32-10).
  it.each([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [[-1, -1, -1, -1], [-1, -1], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    ],
  ])('reproduces the published answer for %j', (counter, key, expected) => {
    const out = new Uint32Array(4);
    const [c0, c1, c2, c3] = counter as [number, number, number, number];
    philox(out, c0, c1, c2, c3, key[0]!, key[1]!);
    expect([...out].map((word) => word.toString(16).padStart(8, '0')).join(' ')).toBe(expected);
  });
});

describe('RandomStream', () => {
  it('gives a number by index alone, whatever was asked before', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.string(), fc.array(fc.nat(1000)), (seed, name, indices) => {
        const ordered = new RandomStream(seed, name);
        const words = Array.from({ length: 1001 }, (_, i) => ordered.word(i));
        const jumping = new RandomStream(seed, name);
        for (const index of indices) expect(jumping.word(index)).toBe(words[index]);
      }),
      { numRuns: 20 },
    );
  });

  it('fills with the same words', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(50), fc.constantFrom(2 ** 34 - 3, 2 ** 50)), fc.nat(20), (index, count) => {
        const random = new RandomStream(8, 'fill');
        random.word(index + 1);
        const words = new Uint32Array(count);
        random.fill(index, words);
        expect([...words]).toEqual(Array.from({ length: count }, (_, i) => random.word(index + i)));
      }),
    );
  });

  it('is uniform, and normal where asked', () => {
    const random = new RandomStream(42, 'moments');
    const count = 100_000;
    let sum = 0;
    let normalSum = 0;
    let normalSquares = 0;
    for (let i = 0; i < count; i++) {
      sum += random.uniform(i);
      const value = random.normal(i);
      normalSum += value;
      normalSquares += value * value;
    }
    expect(sum / count).toBeCloseTo(0.5, 2);
    expect(normalSum / count).toBeCloseTo(0, 1);
    expect(normalSquares / count).toBeCloseTo(1, 1);
  });

  it('gives other numbers to other streams and seeds', () => {
    expect(new RandomStream(1, 'a').word(0)).not.toBe(new RandomStream(1, 'b').word(0));
    expect(new RandomStream(1, 'a').word(0)).not.toBe(new RandomStream(2, 'a').word(0));
    expect(new RandomStream(1, 'a').word(0)).not.toBe(new RandomStream(1 + 2 ** 32, 'a').word(0));
  });
});

describe('permutation', () => {
  it('holds every number once', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(), (length, seed) => {
        const order = permutation(length, new RandomStream(seed, 'shuffle'));
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i));
      }),
    );
  });
});
