/** Damage to files, for tests of what decoders make of it. */
import fc from 'fast-check';

/** Changes a file, or gives a changed part of it. */
export type Damage = (bytes: Buffer) => Buffer;

/** A place in a file, as a fraction. */
export const position: fc.Arbitrary<number> = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
/** Mostly near the start, where headers and lengths are. */
const place = fc.oneof(
  position,
  position.map((at) => at ** 8),
);
const at = (bytes: Buffer, fraction: number): number => Math.floor(fraction * bytes.length);

const lie = fc.oneof(
  fc.constantFrom(
    0,
    1,
    -1,
    7,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fffffff,
    -0x80000000,
    0x7ffffff0,
    1 << 26,
    1 << 20,
  ),
  fc.integer({ min: -300, max: 300 }),
  fc.integer({ min: -0x80000000, max: 0x7fffffff }),
);

/** What happens to files, by name. */
export const damages: Readonly<Record<string, fc.Arbitrary<Damage>>> = {
  'cut off': position.map((end) => (bytes) => bytes.subarray(0, at(bytes, end))),
  'bytes flipped': fc
    .array(fc.tuple(place, fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 8 })
    .map((flips) => (bytes) => {
      for (const [where, mask] of flips) bytes[at(bytes, where)]! ^= mask;
      return bytes;
    }),
  'lengths that lie': fc
    .array(fc.tuple(place, lie, fc.constantFrom(1, 2, 4), fc.boolean()), { minLength: 1, maxLength: 3 })
    .map((lies) => (bytes) => {
      for (const [where, value, size, little] of lies) {
        const target = Math.min(at(bytes, where), bytes.length - size);
        const word = Buffer.alloc(4);
        if (little) word.writeInt32LE(value);
        else word.writeInt32BE(value);
        (little ? word.subarray(0, size) : word.subarray(4 - size)).copy(bytes, target);
      }
      return bytes;
    }),
  'a stretch removed': fc.tuple(place, fc.nat(64)).map(
    ([start, length]) =>
      (bytes) =>
        Buffer.concat([bytes.subarray(0, at(bytes, start)), bytes.subarray(at(bytes, start) + length)]),
  ),
  'a stretch repeated': fc.tuple(place, fc.nat(5000)).map(
    ([start, length]) =>
      (bytes) =>
        Buffer.concat([bytes.subarray(0, at(bytes, start) + length), bytes.subarray(at(bytes, start))]),
  ),
  'random bytes after a true start': fc.tuple(place, fc.uint8Array({ maxLength: 3000 })).map(
    ([start, noise]) =>
      (bytes) =>
        Buffer.concat([bytes.subarray(0, at(bytes, start)), noise]),
  ),
};
