/** Damage to files that knows a little of what files are made of: records, lengths, numbers in text. */
import { RandomStream } from '../../../src/random.ts';
import type { FuzzInput } from './inputs.ts';

/** Draws numbers, one after the other. */
export class Draws {
  readonly #random: RandomStream;
  #at = 0;

  constructor(seed: number, stream: string) {
    this.#random = new RandomStream(seed, stream);
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    return this.#random.integer(this.#at++, Math.max(1, end));
  }

  /** One of some. */
  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  /** A place in so many bytes: mostly anywhere, often near the start or the end, where headers and tables are. */
  place(length: number): number {
    const uniform = this.#random.uniform(this.#at++);
    const kind = this.below(4);
    if (kind === 0) return Math.floor(uniform ** 6 * length);
    if (kind === 1) return length - 1 - Math.floor(uniform ** 6 * length);
    return Math.floor(uniform * length);
  }
}

type Mutation = (bytes: Buffer, draw: Draws, others: readonly FuzzInput[]) => Buffer;

const LIES = [
  0, 1, 2, 7, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7ffffff0, 0x7fffffff, 0x80000000,
  0xfffffff0, 0xffffffff,
];
/** Bytes of records and fields that formats have. */
const SIZES = [1, 2, 4, 5, 6, 8, 16, 28];

const without = (bytes: Buffer, start: number, end: number): Buffer =>
  Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
const inserted = (bytes: Buffer, at: number, part: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);

/** An aligned record of a size that is drawn. */
function record(bytes: Buffer, draw: Draws): [start: number, size: number] {
  const size = draw.of(SIZES);
  const start = draw.place(bytes.length);
  return [start - (start % size), size];
}

const mutations: Readonly<Record<string, Mutation>> = {
  'bits flipped': (bytes, draw) => {
    for (let flips = 1 + draw.below(6); flips > 0; flips--)
      bytes[draw.place(bytes.length)]! ^= 1 << draw.below(8);
    return bytes;
  },
  'bytes replaced': (bytes, draw) => {
    for (let count = 1 + draw.below(6); count > 0; count--) bytes[draw.place(bytes.length)] = draw.below(256);
    return bytes;
  },
  'a number that lies': (bytes, draw) => {
    const size = draw.of([1, 2, 4, 8]);
    if (bytes.length < size) return bytes;
    const at = Math.min(draw.place(bytes.length), bytes.length - size);
    const lie = draw.below(3) === 0 ? (bytes.length + draw.below(64) - 32) >>> 0 : draw.of(LIES);
    const word = Buffer.alloc(8);
    word.writeUInt32LE(lie);
    if (draw.below(4) === 0 && lie >= 0x80000000) word.fill(0xff, 4);
    const part = word.subarray(0, size);
    (draw.below(2) === 0 ? part : part.reverse()).copy(bytes, at);
    return bytes;
  },
  'a number that is nearly right': (bytes, draw) => {
    if (bytes.length < 4) return bytes;
    const at = Math.min(draw.place(bytes.length), bytes.length - 4);
    const change = draw.of([-8, -4, -2, -1, 1, 2, 4, 8, 256]);
    bytes.writeInt32LE((bytes.readInt32LE(at) + change) | 0, at);
    return bytes;
  },
  'a record taken out': (bytes, draw) => {
    const [start, size] = record(bytes, draw);
    return without(bytes, start, start + size * (1 + draw.below(3)));
  },
  'records repeated': (bytes, draw) => {
    const [start, size] = record(bytes, draw);
    const part = bytes.subarray(start, start + size * (1 + draw.below(40)));
    return inserted(bytes, start, Buffer.concat(Array.from({ length: 1 + draw.below(20) }, () => part)));
  },
  'records swapped': (bytes, draw) => {
    const size = draw.of(SIZES);
    const [first, second] = [0, 1].map(() => {
      const start = draw.place(bytes.length);
      return start - (start % size);
    }) as [number, number];
    if (Math.max(first, second) + size > bytes.length) return bytes;
    const part = Buffer.from(bytes.subarray(first, first + size));
    bytes.copy(bytes, first, second, second + size);
    part.copy(bytes, second);
    return bytes;
  },
  'records of one byte': (bytes, draw) => {
    const [start, size] = record(bytes, draw);
    return bytes.fill(
      draw.of([0, 0xff, 0x7f, 0x80]),
      start,
      Math.min(bytes.length, start + size * draw.below(60)),
    );
  },
  'another number in text': (bytes, draw) => {
    const head = bytes.subarray(0, 4096).toString('latin1');
    const numbers = [...head.matchAll(/-?\d+(\.\d+)?/g)];
    if (numbers.length === 0) return bytes;
    const found = draw.of(numbers);
    const text = draw.of([
      '0',
      '-1',
      '1',
      '65535',
      '65536',
      '4294967296',
      '1e9',
      '99999999999999999999',
      'nan',
      '',
    ]);
    const replaced = inserted(
      without(bytes, found.index, found.index + found[0].length),
      found.index,
      Buffer.from(text),
    );
    return replaced;
  },
  'cut off': (bytes, draw) => bytes.subarray(0, draw.place(bytes.length)),
  'a stretch taken out': (bytes, draw) => {
    const start = draw.place(bytes.length);
    return without(bytes, start, start + draw.below(400));
  },
  'a stretch of another file': (bytes, draw, others) => {
    const other = draw.of(others).bytes;
    const start = draw.place(other.length);
    return inserted(bytes, draw.place(bytes.length), other.subarray(start, start + draw.below(300)));
  },
  'the rest of another file': (bytes, draw, others) => {
    const other = draw.of(others).bytes;
    return Buffer.concat([
      bytes.subarray(0, draw.place(bytes.length)),
      other.subarray(draw.place(other.length)),
    ]);
  },
  'random bytes at the end': (bytes, draw) =>
    Buffer.concat([bytes, Buffer.from(Array.from({ length: draw.below(200) }, () => draw.below(256)))]),
};

/** A file with one to three kinds of damage, and their names. */
export function mutated(
  { bytes }: FuzzInput,
  draw: Draws,
  inputs: readonly FuzzInput[],
): { bytes: Buffer; damage: string } {
  let damaged: Buffer = Buffer.from(bytes);
  const names: string[] = [];
  for (let count = 1 + draw.below(3); count > 0 && damaged.length > 0; count--) {
    const name = draw.of(Object.keys(mutations));
    damaged = mutations[name]!(damaged, draw, inputs);
    names.push(name);
  }
  return { bytes: damaged, damage: names.join(', ') };
}
