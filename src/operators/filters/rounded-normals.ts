import type { RandomStream } from '../../random.ts';

/** Steps of the logarithm's table to a factor of two, and of the sine's to a circle. */
const LOG_STEPS = 512;
const CIRCLE_STEPS = 1024;
const LOG_SHIFT = 31 - Math.log2(LOG_STEPS);
const CIRCLE_SHIFT = 32 - Math.log2(CIRCLE_STEPS);
/** Radians of one step of a word. */
const RADIANS = (2 * Math.PI) / 2 ** 32;
/** Below this square of the radius, the approximation is none. */
const SMALLEST = 1e-4;
/** Pairs at a time. */
const BLOCK = 512;
/** What a deviate from tables may be off. */
const ERROR = 1e-7;

const logs = Float64Array.from({ length: LOG_STEPS + 1 }, (_, k) => Math.log1p(k / LOG_STEPS));
const reciprocals = Float64Array.from({ length: LOG_STEPS + 1 }, (_, k) => 1 / (1 + k / LOG_STEPS));
const cosines = Float64Array.from({ length: CIRCLE_STEPS }, (_, k) =>
  Math.cos((2 * Math.PI * k) / CIRCLE_STEPS),
);
const sines = Float64Array.from({ length: CIRCLE_STEPS }, (_, k) =>
  Math.sin((2 * Math.PI * k) / CIRCLE_STEPS),
);

/** What the two deviates g1 and g2 of a pair become: `first` g1, and `shared` g1 + `second` g2. */
export interface PairScales {
  readonly first: number;
  readonly shared: number;
  readonly second: number;
}

/**
 * Pairs of scaled normal deviates, rounded to whole numbers, for many events: r cos a and r sin a with r = sqrt(-2 ln u)
 * (Box and Muller), of which pair i takes the random words 2i and 2i + 1. They come from tables; the few that lie so near
 * a half that the tables' error could round them otherwise are worked out exactly.
 */
export class RoundedNormals {
  readonly #random: RandomStream;
  readonly #scales: PairScales;
  readonly #words = new Uint32Array(2 * BLOCK);
  /** Pairs of a block that are to be worked out exactly. */
  readonly #near = new Uint32Array(BLOCK);
  #values = new Float64Array(0);

  constructor(random: RandomStream, scales: PairScales) {
    this.#random = random;
    this.#scales = scales;
  }

  /** The pairs from `start` on, pair k at 2k and 2k + 1; valid until the next are drawn. */
  draw(start: number, count: number): Float64Array {
    if (this.#values.length < 2 * count) this.#values = new Float64Array(2 * count);
    // Block by block: words stay in a cache, and the loop is soon a function that was called often.
    for (let from = 0; from < count; from += BLOCK) {
      const words = this.#words.subarray(0, 2 * Math.min(BLOCK, count - from));
      const values = this.#values.subarray(2 * from, 2 * from + words.length);
      this.#random.fill(2 * (start + from), words);
      const found = roundPairs(words, this.#scales, values, this.#near);
      for (let k = 0; k < found; k++) settle(this.#near[k]!, words, this.#scales, values);
    }
    return this.#values;
  }
}

/** Works a pair out exactly. */
function settle(
  i: number,
  words: Uint32Array,
  { first, shared, second }: PairScales,
  values: Float64Array,
): void {
  const radius = Math.sqrt(-2 * Math.log((words[2 * i]! + 1) / 4294967296));
  const angle = (2 * Math.PI * words[2 * i + 1]!) / 4294967296;
  const g1 = radius * Math.cos(angle);
  const g2 = radius * Math.sin(angle);
  values[2 * i] = Math.round(first * g1);
  values[2 * i + 1] = Math.round(shared * g1 + second * g2);
}

/**
 * Rounds the pairs of two words each; writes to `near` which of them are to be worked out exactly, and returns how many.
 * Without a branch, not even a rare one: compiled code that never met it would be thrown away.
 */
function roundPairs(
  words: Uint32Array,
  { first, shared, second }: PairScales,
  values: Float64Array,
  near: Uint32Array,
): number {
  const limit = 0.5 - ERROR * Math.max(Math.abs(first), Math.abs(shared) + Math.abs(second));
  let found = 0;
  for (let i = 0; 2 * i < words.length; i++) {
    const uniform = words[2 * i]! + 1;
    const zeros = Math.clz32(uniform);
    const fraction = ((words[2 * i]! + 1) << zeros) & 0x7fffffff;
    const step = (fraction + (1 << (LOG_SHIFT - 1))) >>> LOG_SHIFT;
    const x = ((fraction - step * 2 ** LOG_SHIFT) / 2 ** 31) * reciprocals[step]!;
    const logarithm = logs[step]! + x * (1 - x * (0.5 - x / 3)) - (zeros + 1) * Math.LN2;
    const square = -2 * logarithm;
    const radius = Math.sqrt(square);
    const angle = words[2 * i + 1]! | 0;
    const place = (angle + (1 << (CIRCLE_SHIFT - 1))) >>> CIRCLE_SHIFT;
    const rest = ((angle - (place << CIRCLE_SHIFT)) | 0) * RADIANS;
    const cosine = cosines[place]!;
    const sine = sines[place]!;
    const half = (rest * rest) / 2;
    const odd = rest * (1 - half / 3);
    const g1 = radius * (cosine - sine * odd - cosine * half);
    const g2 = radius * (sine + cosine * odd - sine * half);
    const right = first * g1 + 0.5;
    const left = shared * g1 + second * g2 + 0.5;
    const wholeRight = Math.floor(right);
    const wholeLeft = Math.floor(left);
    values[2 * i] = wholeRight;
    values[2 * i + 1] = wholeLeft;
    const isSure =
      +(square > SMALLEST) &
      +(uniform <= 0xffffffff) &
      +(Math.abs(right - wholeRight - 0.5) < limit) &
      +(Math.abs(left - wholeLeft - 0.5) < limit);
    near[found] = i;
    found += 1 - isSure;
  }
  return found;
}
