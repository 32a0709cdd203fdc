/**
 * Counter-based randomness: a number is a function of (seed, stream, index) alone, so results do not depend on
 * order, threads or engine. The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers:
 * as easy as 1, 2, 3", SC 2011).
 */

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** High 32 bits of the 64-bit product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  // No sum here reaches 2^32, so that all of it stays in 32-bit registers.
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carry = ((middle & 0xffff) + Math.imul(aLow, bHigh)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) >>> 0;
}

/**
 * One Philox4x32-10 block: four 32-bit words from a 128-bit counter and a 64-bit key, written to `out`.
 * Public so that engines can be checked against it.
 */
export function philox(
  out: Uint32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  key0: number,
  key1: number,
): void {
  let a = c0 | 0;
  let b = c1 | 0;
  let c = c2 | 0;
  let d = c3 | 0;
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(M0, a >>> 0);
    const low0 = Math.imul(M0, a);
    const high1 = multiplyHigh(M1, c >>> 0);
    const low1 = Math.imul(M1, c);
    a = high1 ^ b ^ k0;
    b = low1;
    c = high0 ^ d ^ k1;
    d = low0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}

/** A 64-bit stream number (two words) for a name, by FNV-1a with two offsets: distinct uses get distinct streams. */
function hashName(name: string): [number, number] {
  let low = 0x811c9dc5;
  let high = 0x050c5d1f;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x01000193) ^ (low >>> 15);
  }
  return [low >>> 0, high >>> 0];
}

/** Random numbers of one stream: every number is addressed by its index, from 0 to 2^53 - 1. */
export class RandomStream {
  readonly #key0: number;
  readonly #key1: number;
  readonly #stream0: number;
  readonly #stream1: number;
  readonly #block: Uint32Array = new Uint32Array(4);
  #loaded = -1;

  /**
   * @param seed whole number from 0 to 2^53 - 1, the run's seed
   * @param stream what the numbers are for, for example `encode/42`; two streams are independent
   */
  constructor(seed: number, stream: string) {
    this.#key0 = seed >>> 0;
    this.#key1 = Math.floor(seed / 4294967296) >>> 0;
    [this.#stream0, this.#stream1] = hashName(stream);
  }

  /** What an engine needs to draw the same numbers: the 32-bit words of key and stream, the low ones first. */
  get words(): { readonly key: readonly [number, number]; readonly stream: readonly [number, number] } {
    return { key: [this.#key0, this.#key1], stream: [this.#stream0, this.#stream1] };
  }

  /** The 32-bit word at `index`. */
  word(index: number): number {
    const blockIndex = Math.floor(index / 4);
    if (blockIndex !== this.#loaded) {
      const high = Math.floor(blockIndex / 4294967296);
      philox(this.#block, blockIndex >>> 0, high, this.#stream0, this.#stream1, this.#key0, this.#key1);
      this.#loaded = blockIndex;
    }
    return this.#block[index - 4 * blockIndex]!;
  }

  /** The words from `index` on, as many as `out` has room for: faster than one by one. */
  fill(index: number, out: Uint32Array): void {
    let filled = 0;
    for (; filled < out.length && (index + filled) % 4 !== 0; filled++)
      out[filled] = this.word(index + filled);
    const block = this.#block;
    this.#loaded = -1;
    for (let at = (index + filled) / 4; filled < out.length; at++, filled += 4) {
      philox(
        block,
        at >>> 0,
        Math.floor(at / 4294967296),
        this.#stream0,
        this.#stream1,
        this.#key0,
        this.#key1,
      );
      const rest = Math.min(4, out.length - filled);
      for (let i = 0; i < rest; i++) out[filled + i] = block[i]!;
    }
  }

  /** Uniform in [0, 1), a multiple of 2^-24, so that it is exact in float32 on every engine. */
  uniform(index: number): number {
    return (this.word(index) >>> 8) / 16777216;
  }

  /** Uniform whole number from 0 to `limit` - 1 (limit up to 2^32; the bias is below limit / 2^32). */
  integer(index: number, limit: number): number {
    return Math.floor((this.word(index) / 4294967296) * limit);
  }

  /** Normal with mean 0 and deviation 1 (Box-Muller over the words 2 * index and 2 * index + 1). */
  normal(index: number): number {
    const radius = Math.sqrt(-2 * Math.log((this.word(2 * index) + 1) / 4294967296));
    return radius * Math.cos((2 * Math.PI * this.word(2 * index + 1)) / 4294967296);
  }
}

/** The whole numbers 0 to `length` - 1 in an order drawn from the stream (Fisher and Yates). */
export function permutation(length: number, random: RandomStream): Uint32Array {
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  for (let i = length - 1; i > 0; i--) {
    const j = random.integer(i, i + 1);
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}
