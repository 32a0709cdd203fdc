/**
 * How well a linear classifier tells simulated recordings apart by their summed event frames: what a network must beat
 * to have learnt shapes. Options and split are those of `cifar10dvs-train`; the defaults are those of its preset quick.
 * Recordings of images are kept where that pipeline keeps them.
 */
import { join } from 'node:path';
import { binRecording, FrameGrid } from '../src/operators/index.ts';
import type { LabelledRecording } from '../src/streams/datasets/dataset.ts';
import { openImages } from '../src/streams/datasets/open-images.ts';
import { openSimulatedImages, openSimulatedShapes } from '../src/streams/datasets/simulated.ts';
import { stratifiedSplit } from '../src/streams/datasets/split.ts';
import { benchOptions, json } from './options.ts';

/** A recording's features that are not zero, by their place, and its class. */
interface Example {
  readonly places: Uint32Array;
  readonly values: Float32Array;
  readonly label: number;
}

const { options } = benchOptions(
  'npm run bench:linear --',
  `How well a linear classifier tells simulated recordings apart by their summed event frames: what a network must beat to
have learnt shapes. Options and split are those of cifar10dvs-train, on shapes unless --images is given.`,
  {
    images: { value: 'DIR', help: 'images that recordings are simulated from' },
    recordings: { value: 'N', help: 'recordings', default: 800 },
    sensor: { value: 'N', help: 'pixels of a side of the sensor', default: 128 },
    size: { value: 'N', help: 'pixels of a side of the frames', default: 48 },
    seed: { value: 'N', help: 'of the split', default: 42 },
    validation: { value: 'X', help: 'share of the recordings', default: 0.1 },
    test: { value: 'X', help: 'share of the recordings', default: 0.2 },
    json,
  },
);
const sensor = { width: options.sensor, height: options.sensor };
const frame = { width: options.size, height: options.size };
const width = 2 * frame.width * frame.height;

const count = options.recordings;
const dataset =
  options.images === undefined
    ? await openSimulatedShapes({ count, sensor })
    : await openSimulatedImages(await openImages(options.images), {
        cacheDir: join('.cache', 'simulated-events'),
        limit: count,
        sensor,
      });
const classes = dataset.classNames.length;

const split = stratifiedSplit(
  dataset.parts.all!,
  { validation: options.validation, test: options.test },
  options.seed,
);

const start = performance.now();
let events = 0;

/** One frame for each recording, all its events summed, two polarities. */
async function summed(recordings: readonly LabelledRecording[]): Promise<Example[]> {
  const grid = new FrameGrid({ sensor, frame });
  const examples: Example[] = [];
  for (const recording of recordings) {
    const { frames } = await binRecording(recording, { kind: 'count', bins: 1 }, grid);
    const places = Uint32Array.from(frames.keys()).filter((place) => frames[place] !== 0);
    const values = Float32Array.from(places, (place) => frames[place]!);
    examples.push({ places, values, label: recording.label });
    events += values.reduce((sum, count) => sum + count, 0);
  }
  return examples;
}

/** What a feature may be of a pixel's count: the choice is the classifier's, by the validation part. */
const transforms = {
  count: (count: number) => count,
  logarithm: (count: number) => Math.log1p(count),
  presence: () => 1,
} as const;

/** The examples with changed features. */
function changed(examples: readonly Example[], change: (count: number) => number): Example[] {
  return examples.map((example) => ({ ...example, values: example.values.map((value) => change(value)) }));
}

/** What brings the rows to length 1 on average, so that one step size suits all. */
function unitScale(examples: readonly Example[]): number {
  const squares = examples.map(({ values }) => values.reduce((sum, value) => sum + value * value, 0));
  return Math.sqrt(examples.length / squares.reduce((sum, square) => sum + square, 0));
}

/** Softmax regression, its weights [classes, features + 1]: the last of each row is the bias. */
class LinearClassifier {
  readonly #weights = new Float64Array(classes * (width + 1));
  readonly #velocity = new Float64Array(classes * (width + 1));

  /** One step of gradient descent with momentum over all examples. */
  step(examples: readonly Example[], decay: number): void {
    const gradient = this.#weights.map((weight, i) => (i % (width + 1) === width ? 0 : decay * weight));
    for (const example of examples) {
      const scores = this.#scores(example);
      const most = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - most));
      const sum = powers.reduce((total, power) => total + power, 0);
      for (let c = 0; c < classes; c++) {
        const error = (powers[c]! / sum - (c === example.label ? 1 : 0)) / examples.length;
        const row = c * (width + 1);
        const { places, values } = example;
        for (let i = 0; i < places.length; i++) gradient[row + places[i]!]! += error * values[i]!;
        gradient[row + width]! += error;
      }
    }
    for (let i = 0; i < gradient.length; i++) {
      this.#velocity[i] = 0.9 * this.#velocity[i]! - 2 * gradient[i]!;
      this.#weights[i]! += this.#velocity[i]!;
    }
  }

  accuracy(examples: readonly Example[]): number {
    const right = examples.filter((example) => {
      const scores = this.#scores(example);
      return scores.indexOf(Math.max(...scores)) === example.label;
    });
    return right.length / examples.length;
  }

  #scores({ places, values }: Example): Float64Array {
    return new Float64Array(classes).map((_, c) => {
      const row = c * (width + 1);
      let score = this.#weights[row + width]!;
      for (let i = 0; i < places.length; i++) score += this.#weights[row + places[i]!]! * values[i]!;
      return score;
    });
  }
}

const train = await summed(split.train);
const validation = await summed(split.validation);
const test = await summed(split.test);
const simulationMillis = performance.now() - start;

const ROUNDS = 8;
const STEPS_A_ROUND = 12;
let best = { features: '', decay: 0, trainAccuracy: 0, validationAccuracy: -1, testAccuracy: 0 };
for (const [features, change] of Object.entries(transforms)) {
  const scale = unitScale(changed(train, change));
  const [trainSet, validationSet, testSet] = [train, validation, test].map((examples) =>
    changed(examples, (count) => scale * change(count)),
  );
  for (const decay of [1e-4, 1e-2]) {
    const classifier = new LinearClassifier();
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < STEPS_A_ROUND; i++) classifier.step(trainSet!, decay);
      const validationAccuracy = classifier.accuracy(validationSet!);
      if (validationAccuracy <= best.validationAccuracy) continue;
      const trainAccuracy = classifier.accuracy(trainSet!);
      best = {
        features,
        decay,
        trainAccuracy,
        validationAccuracy,
        testAccuracy: classifier.accuracy(testSet!),
      };
    }
  }
}

const recordings = dataset.parts.all!.length;
const result = {
  type: 'linear-baseline',
  ...best,
  recordings,
  trainRecordings: split.train.length,
  testRecordings: split.test.length,
  sensor: sensor.width,
  size: frame.width,
  eventsPerRecording: Math.round(events / recordings),
  millisPerRecording: Number((simulationMillis / recordings).toFixed(2)),
  simulated: true,
};
if (options.json) {
  console.log(JSON.stringify(result));
} else {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  console.log(
    `linear classifier on summed frames, ${dataset.name}: test ${percent(best.testAccuracy)} of ${split.test.length}, ` +
      `validation ${percent(best.validationAccuracy)}, train ${percent(best.trainAccuracy)} of ${split.train.length} ` +
      `(${best.features}, decay ${best.decay}); ${result.eventsPerRecording} events and ` +
      `${result.millisPerRecording} ms a recording to simulate and bin`,
  );
}
