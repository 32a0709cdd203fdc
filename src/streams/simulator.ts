/**
 * A DVS in front of a moving picture, as CIFAR10-DVS was recorded (Li, Liu, Ji, Li, Shi: "CIFAR10-DVS: an
 * event-stream dataset for object classification", Front. Neurosci. 11:309, 2017): the picture, enlarged by bicubic
 * interpolation, moves along a closed loop of four diagonal paths, again and again. A pixel fires each time its log
 * intensity has moved by a threshold since its last event; between two positions of the picture the log intensity
 * is taken as linear in time, as ESIM does (Rebecq, Gehrig, Scaramuzza, CoRL 2018). Mismatch, refractory time and
 * background activity follow v2e (Hu, Liu, Delbruck, CVPRW 2021).
 */
import { OptionError } from '../errors.ts';
import {
  allocateChunk,
  CHUNK_EVENTS,
  type EventChunk,
  type LabelledImage,
  type SensorSize,
  sliceChunk,
} from '../events.ts';
import { RandomStream } from '../random.ts';
import { createScene } from './scene.ts';

/** What the simulated sensor and its moving picture are like. */
export interface SimulatorOptions {
  /** Default 128 x 128. */
  readonly sensor?: SensorSize;
  /** How far the picture moves to each side, in sensor pixels; default 2.5 of 128 (10 of 512 on the screen). */
  readonly amplitudePixels?: number;
  /** Duration of one loop in microseconds; default 200,000. */
  readonly loopMicros?: number;
  /** Loops of a recording, parts of a loop allowed; default 6. */
  readonly loops?: number;
  /** Change of the natural logarithm of intensity that makes an event; default 0.2. */
  readonly threshold?: number;
  /** Standard deviation of the threshold between pixels, ON and OFF apart; default 0.03. */
  readonly thresholdDeviation?: number;
  /** Microseconds for which a pixel is blind after an event; default 500. */
  readonly refractoryMicros?: number;
  /** Background events of each pixel a second, half of them ON; default 0.1. */
  readonly noiseHz?: number;
  /** Light that a black pixel still gives, in grey levels of 255; default 12. */
  readonly darkLevel?: number;
  /** Longest move between two exact samples of the picture, in sensor pixels; default 0.25. */
  readonly stepPixels?: number;
  /** Whole number: fixes the sensor's mismatch and, with the image's id, its noise; default 0. */
  readonly seed?: number;
}

/** The options of a CIFAR10-DVS-like recording for a sensor, those that are given replacing the defaults. */
export function simulatorSettings(options: SimulatorOptions = {}): Required<SimulatorOptions> {
  const sensor = options.sensor ?? { width: 128, height: 128 };
  const settings = {
    amplitudePixels: (2.5 * sensor.width) / 128,
    loopMicros: 200_000,
    loops: 6,
    threshold: 0.2,
    thresholdDeviation: 0.03,
    refractoryMicros: 500,
    noiseHz: 0.1,
    darkLevel: 12,
    stepPixels: 0.25,
    seed: 0,
    ...options,
    sensor,
  };
  const positive = ['loopMicros', 'loops', 'threshold', 'darkLevel', 'stepPixels'] as const;
  const notNegative = ['amplitudePixels', 'thresholdDeviation', 'refractoryMicros', 'noiseHz'] as const;
  for (const name of positive) requireOption(settings[name] > 0, name, 'a number above 0', settings[name]);
  for (const name of notNegative)
    requireOption(settings[name] >= 0, name, 'a number not below 0', settings[name]);
  for (const side of [sensor.width, sensor.height]) {
    requireOption(Number.isInteger(side) && side > 0 && side <= 4096, 'sensor', 'sides of 1 to 4096', side);
  }
  const micros = settings.loopMicros * settings.loops;
  requireOption(micros < 2 ** 32, 'loops', 'at most 2^32 microseconds in all', micros);
  return settings;
}

function requireOption(holds: boolean, name: string, expected: string, found: number): void {
  if (!holds) throw new OptionError(`simulator option ${name}: expected ${expected}, found ${found}`);
}

/** The events of one image, see `DvsSimulator`. */
export function simulateEvents(image: LabelledImage, options: SimulatorOptions = {}): Iterable<EventChunk> {
  return new DvsSimulator(options).record(image);
}

/** Changes whenever the same image and options begin to give other events. */
export const simulatorVersion = 1;

/** Thresholds below this make a pixel fire without end; v2e cuts the same tail. */
const LEAST_THRESHOLD = 0.01;

/** One simulated sensor: its pixels' thresholds are drawn once, then it records any number of images. */
export class DvsSimulator {
  readonly settings: Required<SimulatorOptions>;
  readonly #onThresholds: Float32Array;
  readonly #offThresholds: Float32Array;

  constructor(options: SimulatorOptions = {}) {
    this.settings = simulatorSettings(options);
    const { sensor, seed, threshold, thresholdDeviation } = this.settings;
    const pixels = sensor.width * sensor.height;
    const random = new RandomStream(seed, 'simulator/threshold');
    const draw = (index: number): number =>
      Math.max(
        LEAST_THRESHOLD,
        threshold + (thresholdDeviation > 0 ? thresholdDeviation * random.normal(index) : 0),
      );
    this.#onThresholds = Float32Array.from({ length: pixels }, (_, pixel) => draw(2 * pixel));
    this.#offThresholds = Float32Array.from({ length: pixels }, (_, pixel) => draw(2 * pixel + 1));
  }

  /** Events of the image from time 0, sorted, the same for the same image, id, options and seed. */
  *record(image: LabelledImage): Generator<EventChunk, void, undefined> {
    const { sensor, amplitudePixels, darkLevel, refractoryMicros } = this.settings;
    const scene = createScene(image, sensor, amplitudePixels, darkLevel);
    const writer = new ChunkWriter(sensor, refractoryMicros);
    const noise = new BackgroundActivity(this.settings, image.id);
    const step = new StepEvents();
    const pixels = sensor.width * sensor.height;
    let now = new Float32Array(pixels);
    let next = new Float32Array(pixels);
    scene.sample(now, -amplitudePixels, 0);
    // Double precision, so that a level that was just reached is not reached again by rounding.
    const levels = Float64Array.from(now);

    let startMicros = 0;
    for (const position of positions(this.settings)) {
      scene.sample(next, position.x, position.y);
      const span = position.micros - startMicros;
      this.#crossings(levels, now, next, span, step);
      noise.emitUntil(position.micros, startMicros, step);
      yield* writer.write(step.sorted(span), startMicros);
      [now, next] = [next, now];
      startMicros = position.micros;
    }
    yield* writer.end();
  }

  /** Adds an event for each threshold that a pixel crosses on its way from `now` to `next`, and moves its level. */
  #crossings(
    levels: Float64Array,
    now: Float32Array,
    next: Float32Array,
    span: number,
    step: StepEvents,
  ): void {
    const onThresholds = this.#onThresholds;
    const offThresholds = this.#offThresholds;
    for (let pixel = 0; pixel < levels.length; pixel++) {
      const target = next[pixel]!;
      let level = levels[pixel]!;
      const on = onThresholds[pixel]!;
      const off = offThresholds[pixel]!;
      if (target - level < on && level - target < off) continue;
      const start = now[pixel]!;
      const rate = span / (target - start);
      for (; target - level >= on; levels[pixel] = level) {
        level += on;
        step.add((level - start) * rate, 2 * pixel + 1);
      }
      for (; level - target >= off; levels[pixel] = level) {
        level -= off;
        step.add((level - start) * rate, 2 * pixel);
      }
    }
  }
}

/** Where the picture is at the end of each step: along the diamond left, top, right, bottom, left. */
function* positions(
  settings: Required<SimulatorOptions>,
): Generator<{ x: number; y: number; micros: number }> {
  const { amplitudePixels, loopMicros, loops, stepPixels } = settings;
  const steps = 4 * Math.max(1, Math.ceil(amplitudePixels / stepPixels));
  const total = Math.ceil(loops * steps);
  for (let i = 1; i <= total; i++) {
    const phase = (Math.min(i / steps, loops) * 4) % 4;
    yield {
      x: amplitudePixels * (phase < 2 ? phase - 1 : 3 - phase),
      y: amplitudePixels * (phase < 1 ? -phase : phase < 3 ? phase - 2 : 4 - phase),
      micros: Math.round(Math.min(i / steps, loops) * loopMicros),
    };
  }
}

/** Events of one step, unsorted as the pixels give them; `code` is twice the pixel, plus 1 for ON. */
class StepEvents {
  #length = 0;
  #times = new Uint32Array(CHUNK_EVENTS);
  #codes = new Uint32Array(CHUNK_EVENTS);
  #sortedTimes = new Uint32Array(CHUNK_EVENTS);
  #sortedCodes = new Uint32Array(CHUNK_EVENTS);
  #ends = new Uint32Array(0);

  /** @param time microseconds from the start of the step, rounded down */
  add(time: number, code: number): void {
    if (this.#length === this.#times.length) this.#grow();
    this.#times[this.#length] = time;
    this.#codes[this.#length] = code;
    this.#length++;
  }

  /** The events by time (a counting sort, so that equal times keep their order); empties the step. */
  sorted(span: number): { times: Uint32Array; codes: Uint32Array; length: number } {
    const length = this.#length;
    if (this.#ends.length < span + 2) this.#ends = new Uint32Array(span + 2);
    const ends = this.#ends.fill(0);
    for (let i = 0; i < length; i++) ends[Math.min(span, this.#times[i]!) + 1]!++;
    for (let t = 1; t < span + 2; t++) ends[t]! += ends[t - 1]!;
    for (let i = 0; i < length; i++) {
      const time = Math.min(span, this.#times[i]!);
      const at = ends[time]!++;
      this.#sortedTimes[at] = time;
      this.#sortedCodes[at] = this.#codes[i]!;
    }
    this.#length = 0;
    return { times: this.#sortedTimes, codes: this.#sortedCodes, length };
  }

  #grow(): void {
    const longer = (column: Uint32Array): Uint32Array<ArrayBuffer> => {
      const grown = new Uint32Array(2 * column.length);
      grown.set(column);
      return grown;
    };
    this.#times = longer(this.#times);
    this.#codes = longer(this.#codes);
    this.#sortedTimes = longer(this.#sortedTimes);
    this.#sortedCodes = longer(this.#sortedCodes);
  }
}

/** Events without a cause: one Poisson process over the whole sensor, each event at a random pixel. */
class BackgroundActivity {
  readonly #random: RandomStream;
  readonly #codes: number;
  readonly #meanMicros: number;
  #drawn = 0;
  #nextMicros = 0;

  constructor(settings: Required<SimulatorOptions>, imageId: string) {
    const pixels = settings.sensor.width * settings.sensor.height;
    this.#random = new RandomStream(settings.seed, `simulator/noise/${imageId}`);
    this.#codes = 2 * pixels;
    this.#meanMicros = 1e6 / (settings.noiseHz * pixels);
    this.#advance();
  }

  emitUntil(endMicros: number, startMicros: number, step: StepEvents): void {
    for (; this.#nextMicros < endMicros; this.#advance()) {
      step.add(this.#nextMicros - startMicros, this.#random.integer(2 * this.#drawn - 1, this.#codes));
    }
  }

  #advance(): void {
    this.#nextMicros -= this.#meanMicros * Math.log(1 - this.#random.uniform(2 * this.#drawn));
    this.#drawn++;
  }
}

/** Packs sorted events into chunks, leaving out those of pixels that are still blind from their last one. */
class ChunkWriter {
  readonly #width: number;
  readonly #refractoryMicros: number;
  readonly #blindUntil: Float64Array;
  #chunk = allocateChunk(0, CHUNK_EVENTS);
  #length = 0;

  constructor(sensor: SensorSize, refractoryMicros: number) {
    this.#width = sensor.width;
    this.#refractoryMicros = refractoryMicros;
    this.#blindUntil = new Float64Array(sensor.width * sensor.height);
  }

  *write(
    events: { times: Uint32Array; codes: Uint32Array; length: number },
    origin: number,
  ): Generator<EventChunk> {
    for (let i = 0; i < events.length; i++) {
      const time = origin + events.times[i]!;
      const code = events.codes[i]!;
      const pixel = code >>> 1;
      if (time < this.#blindUntil[pixel]!) continue;
      this.#blindUntil[pixel] = time + this.#refractoryMicros;
      const y = Math.floor(pixel / this.#width);
      const chunk = this.#chunk;
      chunk.t[this.#length] = time;
      chunk.x[this.#length] = pixel - y * this.#width;
      chunk.y[this.#length] = y;
      chunk.on[this.#length] = code & 1;
      if (++this.#length === CHUNK_EVENTS) {
        this.#chunk = allocateChunk(0, CHUNK_EVENTS);
        this.#length = 0;
        yield chunk;
      }
    }
  }

  *end(): Generator<EventChunk> {
    if (this.#length > 0) yield sliceChunk(this.#chunk, 0, this.#length);
    this.#length = 0;
  }
}
