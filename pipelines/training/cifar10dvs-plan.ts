import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { OptionError } from '../../src/errors.ts';
import { ssnnConfig } from '../../src/models/networks/ssnn.ts';
import { type FixedLif, leaky } from '../../src/models/neurons.ts';
import { openCifar10Dvs } from '../../src/streams/datasets/cifar10dvs.ts';
import type { Dataset, LabelledRecording } from '../../src/streams/datasets/dataset.ts';
import { openImages } from '../../src/streams/datasets/open-images.ts';
import { openSimulatedImages, openSimulatedShapes } from '../../src/streams/datasets/simulated.ts';
import { stratifiedSplit } from '../../src/streams/datasets/split.ts';
import type { Cifar10DvsValues } from '../cifar10dvs-train.ts';
import type { PipelineContext } from '../definition.ts';
import { sampleShape } from './binning-options.ts';
import { learning } from './learn-options.ts';
import { numbersOf } from './list-option.ts';
import { trainerOptions } from './optimiser-options.ts';
import { planOver, type TrainingPlan } from './training-plan.ts';
import { limited } from './training-sets.ts';

const USUAL_PLACE = join('data', 'cifar10dvs');
const SOURCE = 'https://doi.org/10.6084/m9.figshare.4724671';
/** Where the recordings of simulated images are kept for the next run. */
const SIMULATED_PLACE = join('.cache', 'simulated-events');

/** The notebook's neuron is snnTorch's Leaky; the paper's has tau 2, soft reset and the rectangular surrogate. */
const neurons: Readonly<Record<Cifar10DvsValues['neuron'], FixedLif>> = {
  notebook: leaky({ beta: 0.9 }),
  paper: {
    ...leaky({ beta: 0.5 }),
    inclusive: true,
    resetTiming: 'after',
    detachReset: false,
    surrogate: { kind: 'rectangle', amplitude: 1, slope: 2 },
  },
};

/** CIFAR10-DVS, or simulated recordings ▸ split ▸ read ▸ decode ▸ bins of equal time ▸ SSNN. */
export async function cifar10DvsPlan(
  options: Cifar10DvsValues,
  context: PipelineContext,
): Promise<TrainingPlan<LabelledRecording>> {
  const { limit, seed, validation, test, orientation, alignment, neuron, batchNorm } = options;
  const place = await findCifar10Dvs(options);
  return planOver(await openRecordings(place, options, context), ({ name, size, parts, classNames }) => {
    const { read, augments, transform, input, feed } = sampleShape(options, size!, classNames);
    const classes = classNames.length;
    return {
      data: place ?? name,
      sets: stratifiedSplit(limited(parts.all ?? [], limit, seed), { validation, test }, seed),
      testEachEpoch: false,
      bestBy: 'accuracy',
      read,
      augments,
      transform,
      networks: [
        {
          name: 'ssnn',
          network: ssnnConfig({
            ...{ input, classes, alignment, batchNorm },
            timesteps: numbersOf(options.timesteps),
            channels: numbersOf(options.channels),
            neuron: learning(neurons[neuron], options.learn),
          }),
          trainer: { ...trainerOptions(options), auxiliaryWeights: numbersOf(options.earlyWeights) },
          feed: place === undefined ? feed : { ...feed, orientation },
        },
      ],
    };
  });
}

/** Folder or archive of the real recordings, where there is one. */
export async function findCifar10Dvs({ data, images }: Cifar10DvsValues): Promise<string | undefined> {
  if (data !== undefined && images !== undefined) {
    throw new OptionError('--images: expected either --data or --images, found both');
  }
  if (data !== undefined || images !== undefined) return data;
  return access(USUAL_PLACE).then(
    () => USUAL_PLACE,
    () => undefined,
  );
}

async function openRecordings(
  place: string | undefined,
  options: Cifar10DvsValues,
  { progress }: PipelineContext,
): Promise<Dataset<LabelledRecording>> {
  const { images, recordings, orientation } = options;
  const sensor = { width: options.sensor, height: options.sensor };
  if (place !== undefined) return openCifar10Dvs(place, { orientation });
  if (images !== undefined) {
    return openSimulatedImages(await openImages(images), {
      cacheDir: SIMULATED_PLACE,
      limit: recordings,
      sensor,
    });
  }
  progress.note(
    `no CIFAR10-DVS in ${USUAL_PLACE}: simulating recordings of ten shapes; for real ones put the ten zips of ${SOURCE} there, or name their folder with --data`,
  );
  return openSimulatedShapes({ count: recordings, sensor });
}
