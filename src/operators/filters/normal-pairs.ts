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

const logs = Float64Array.from({ length: LOG_STEPS + 1 }, (_, k) => Math.log1p(k / LOG_STEPS));
const reciprocals = Float64Array.from({ length: LOG_STEPS + 1 }, (_, k) => 1 / (1 + k / LOG_STEPS));
const cosines = Float64Array.from({ length: CIRCLE_STEPS }, (_, k) =>
  Math.cos((2 * Math.PI * k) / CIRCLE_STEPS),
);
const sines = Float64Array.from({ length: CIRCLE_STEPS }, (_, k) =>
  Math.sin((2 * Math.PI * k) / CIRCLE_STEPS),
);

/**
 * Pairs of normal deviates for many events, r cos a and r sin a with r = sqrt(-2 ln u) (Box and Muller): pair i takes the
 * random words 2i and 2i + 1. They come from tables, right to `ERROR`, so that what is rounded afterwards is right but
 * for the few that lie beside a half: those are to be worked out exactly.
 */
export class NormalPairs {
  /** What a deviate may be off, before `settle`. */
  static readonly ERROR = 1e-7;
  first: Float64Array = new Float64Array(0);
  second: Float64Array = new Float64Array(0);
  readonly #random: RandomStream;
  #words = new Uint32Array(0);

  constructor(random: RandomStream) {
    this.#random = random;
  }

  /** Draws the pairs from `start` on, into `first` and `second`. */
  draw(start: number, count: number): void {
    if (this.first.length < count) {
      this.#words = new Uint32Array(2 * count);
      this.first = new Float64Array(count);
      this.second = new Float64Array(count);
    }
    const words = this.#words;
    const { first, second } = this;
    this.#random.fill(2 * start, words.subarray(0, 2 * count));
    for (let i = 0; i < count; i++) {
      const uniform = words[2 * i]! + 1;
      const zeros = Math.clz32(uniform);
      const fraction = ((words[2 * i]! + 1) << zeros) & 0x7fffffff;
      const step = (fraction + (1 << (LOG_SHIFT - 1))) >>> LOG_SHIFT;
      const x = ((fraction - step * 2 ** LOG_SHIFT) / 2 ** 31) * reciprocals[step]!;
      const logarithm = logs[step]! + x * (1 - x * (0.5 - x / 3)) - (zeros + 1) * Math.LN2;
      const square = -2 * logarithm;
      if (!(square > SMALLEST) || uniform > 0xffffffff) {
        this.settle(i);
        continue;
      }
      const radius = Math.sqrt(square);
      const angle = words[2 * i + 1]! | 0;
      const place = (angle + (1 << (CIRCLE_SHIFT - 1))) >>> CIRCLE_SHIFT;
      const rest = ((angle - (place << CIRCLE_SHIFT)) | 0) * RADIANS;
      const cosine = cosines[place]!;
      const sine = sines[place]!;
      const half = (rest * rest) / 2;
      const odd = rest * (1 - half / 3);
      first[i] = radius * (cosine - sine * odd - cosine * half);
      second[i] = radius * (sine + cosine * odd - sine * half);
    }
  }

  /** Works a pair out exactly. */
  settle(i: number): void {
    const radius = Math.sqrt(-2 * Math.log((this.#words[2 * i]! + 1) / 4294967296));
    const angle = (2 * Math.PI * this.#words[2 * i + 1]!) / 4294967296;
    this.first[i] = radius * Math.cos(angle);
    this.second[i] = radius * Math.sin(angle);
  }
}

/** Whether a value may round otherwise where it is off by at most `error`. */
export function isBesideHalf(value: number, error: number): boolean {
  return Math.abs(value - Math.round(value)) > 0.5 - error;
}
