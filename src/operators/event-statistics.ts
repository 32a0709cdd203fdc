import type { EventChunk, SensorSize } from '../events.ts';
import { pixelsOf } from './filters/filter-stage.ts';

/** Bins of the event rate that are kept: between half of them and all are in use. */
const RATE_BINS = 512;
/** Classes of intervals: four a factor of two, up to 2^32 µs. */
const INTERVAL_CLASSES = 124;

/** Events in each bin of time, off and on. */
export interface RateOverTime {
  readonly startMicros: number;
  readonly binMicros: number;
  readonly off: readonly number[];
  readonly on: readonly number[];
}

/** How often the time from an event of a pixel to its next one was how long. */
export interface Intervals {
  /** Microseconds from which each class counts; the next one's is where it ends. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  /** Microseconds that half of the intervals are shorter than, interpolated within a class; undefined without any. */
  readonly medianMicros: number | undefined;
}

/** What the events of a recording amount to. */
export interface EventStatistics {
  readonly sensor: SensorSize;
  readonly events: number;
  readonly on: number;
  /** Events beyond the sensor: they count in the rate alone. */
  readonly outside: number;
  readonly firstMicros: number | undefined;
  readonly durationMicros: number;
  readonly rate: RateOverTime;
  /** Events of each pixel, [height, width]. */
  readonly pixels: Float64Array;
  readonly intervals: Intervals;
}

/**
 * Rate over time, events of each pixel, and intervals between the events of a pixel, in one pass. Memory is a few bytes
 * a pixel: the bins of the rate double in length whenever a recording outgrows them.
 */
export class StatisticsOfEvents {
  readonly #sensor: SensorSize;
  readonly #pixels: Float64Array;
  /** Time of each pixel's last event. */
  readonly #last: Float64Array;
  readonly #intervals = new Float64Array(INTERVAL_CLASSES);
  /** Off and on of each bin. */
  readonly #bins = new Float64Array(2 * RATE_BINS);
  #binMicros: number;
  #first: number | undefined;
  #latest = 0;
  #events = 0;
  #on = 0;
  #outside = 0;

  /** @param leastBinMicros length of the shortest bin of the rate */
  constructor(sensor: SensorSize, leastBinMicros = 1000) {
    this.#sensor = sensor;
    this.#pixels = new Float64Array(pixelsOf(sensor));
    this.#last = new Float64Array(this.#pixels.length).fill(Number.NaN);
    this.#binMicros = leastBinMicros;
  }

  push({ origin, t, x, y, on }: EventChunk): void {
    if (t.length === 0) return;
    this.#first ??= origin + t[0]!;
    this.#latest = origin + t.at(-1)!;
    this.#events += t.length;
    while (this.#latest - this.#first >= RATE_BINS * this.#binMicros) this.#double();
    const { width, height } = this.#sensor;
    const [pixels, last, intervals, bins] = [this.#pixels, this.#last, this.#intervals, this.#bins];
    const shift = origin - this.#first;
    const perMicro = 1 / this.#binMicros;
    for (let i = 0; i < t.length; i++) {
      const micros = shift + t[i]!;
      bins[2 * Math.floor(micros * perMicro) + on[i]!]!++;
      this.#on += on[i]!;
      if (x[i]! >= width || y[i]! >= height) {
        this.#outside++;
        continue;
      }
      const pixel = y[i]! * width + x[i]!;
      pixels[pixel]!++;
      const interval = micros - last[pixel]!;
      if (interval >= 0) intervals[classOf(interval)]!++;
      last[pixel] = micros;
    }
  }

  /** What came so far. */
  result(): EventStatistics {
    const [first, binMicros] = [this.#first, this.#binMicros];
    const durationMicros = first === undefined ? 0 : this.#latest - first;
    const used = first === undefined ? 0 : Math.floor(durationMicros / binMicros) + 1;
    const polarity = (which: number): number[] =>
      Array.from({ length: used }, (_, k) => this.#bins[2 * k + which]!);
    const end = this.#intervals.findLastIndex((count) => count > 0) + 1;
    const counts = [...this.#intervals.subarray(0, end)];
    return {
      sensor: this.#sensor,
      events: this.#events,
      on: this.#on,
      outside: this.#outside,
      firstMicros: first,
      durationMicros,
      rate: { startMicros: first ?? 0, binMicros, off: polarity(0), on: polarity(1) },
      pixels: this.#pixels,
      intervals: { edges: counts.map((_, k) => edgeOf(k)), counts, medianMicros: medianOf(counts) },
    };
  }

  #double(): void {
    const bins = this.#bins;
    for (let k = 0; k < bins.length; k++) {
      const [bin, polarity] = [k >> 1, k & 1];
      bins[k] = bin < RATE_BINS / 2 ? bins[4 * bin + polarity]! + bins[4 * bin + 2 + polarity]! : 0;
    }
    this.#binMicros *= 2;
  }
}

/** The class of a whole interval: 0 to 3, then four of one length to each factor of two. */
function classOf(micros: number): number {
  if (micros < 4) return micros;
  if (micros >= 2 ** 32) return INTERVAL_CLASSES - 1;
  const octave = 31 - Math.clz32(micros);
  return 4 * (octave - 1) + ((micros >>> (octave - 2)) & 3);
}

/** Where a class begins, in microseconds. */
function edgeOf(number: number): number {
  return number < 4 ? number : (4 + (number & 3)) * 2 ** ((number >> 2) - 1);
}

function medianOf(counts: readonly number[]): number | undefined {
  const half = counts.reduce((sum, count) => sum + count, 0) / 2;
  let before = 0;
  for (const [k, count] of counts.entries()) {
    if (count > 0 && before + count >= half) {
      return edgeOf(k) + ((half - before) / count) * (edgeOf(k + 1) - edgeOf(k));
    }
    before += count;
  }
  return undefined;
}
