import { OptionError } from '../../src/errors.ts';
import type { SensorSize } from '../../src/events.ts';
import { type EventFilter, FilterChain, findFilter, parseFilter } from '../../src/operators/filters/index.ts';
import { RandomStream } from '../../src/random.ts';

/** Where in a training a sample is asked for; what is drawn for it is a function of this and of its id. */
export interface AugmentPosition {
  readonly seed: number;
  /** Counted from 0. */
  readonly epoch: number;
}

/** A filter, and how often it is applied. */
interface Augment {
  readonly text: string;
  /** True where the filter draws numbers and was given no seed. */
  readonly seeded: boolean;
  readonly probability: number;
}

/**
 * Filters that change the events of training recordings anew in each epoch: `flip@0.5;jitter-space:deviation-x=1`.
 * Each is applied with the probability after its @, else always; what is drawn hangs on (seed, epoch, recording) alone.
 */
export class Augmentation {
  readonly #augments: readonly Augment[];
  readonly #sensor: SensorSize;

  /** @param sensor sensor of the recordings, which every filter has to keep */
  constructor(text: string, sensor: SensorSize) {
    this.#sensor = sensor;
    this.#augments = text.split(';').map((part) => parseAugment(part.trim()));
    for (const { text } of this.#augments) {
      const filter = parseFilter(text);
      filter.create(sensor); // What does not fit is told before the training.
      checkSensor(filter, sensor);
    }
  }

  /** The filters for one recording in one epoch. */
  chainFor(id: string, { seed, epoch }: AugmentPosition): FilterChain {
    const random = new RandomStream(seed, `augment/${epoch}/${id}`);
    const filters = this.#augments.flatMap(({ text, seeded, probability }, i) => {
      if (random.uniform(2 * i) >= probability) return [];
      if (!seeded) return [parseFilter(text)];
      return [parseFilter(`${text}${text.includes(':') ? ',' : ':'}seed=${random.word(2 * i + 1)}`)];
    });
    return new FilterChain(filters, this.#sensor);
  }
}

function parseAugment(part: string): Augment {
  const [, text = part, chance = '1'] = /^(.*)@([^@:=]*)$/.exec(part) ?? [];
  const probability = chance.trim() === '' ? Number.NaN : Number(chance);
  if (!(probability > 0 && probability <= 1)) {
    throw new OptionError(
      `--augment: expected a probability above 0 and at most 1 after @, found ${JSON.stringify(part)}`,
    );
  }
  const { options } = findFilter(text.split(':')[0]!.trim());
  const seeded = 'seed' in options && !/[:,]\s*seed\s*=/.test(text);
  return { text, seeded, probability };
}

function checkSensor(filter: EventFilter, sensor: SensorSize): void {
  const after = filter.sensorAfter(sensor);
  if (after === undefined || (after.width === sensor.width && after.height === sensor.height)) return;
  throw new OptionError(
    `--augment: expected filters that keep the sensor's ${sensor.width} x ${sensor.height}, found ${filter.text}, which gives ${after.width} x ${after.height}`,
  );
}
