import type { Feed } from '../../src/models/feed.ts';
import { cifar10Normalisation } from '../../src/models/image-preparation.ts';
import type { TrainerOptions } from '../../src/models/trainer.ts';
import { binCounters } from '../../src/operators/bin-frames.ts';
import type { ImageToken } from '../../src/streams/datasets/dataset.ts';
import type { OptionValues } from '../definition.ts';
import type { DirectImageOptions } from './direct-image-options.ts';
import { imagePreparation, sharesOfBrightness } from './image-options.ts';
import { imageSample } from './image-sample.ts';
import type { LossOptionGroup } from './loss-options.ts';
import { type OpenedImages, openedImages } from './opened-images.ts';
import { type OptimiserOptions, trainerOptions } from './optimiser-options.ts';
import { type NetworkPlan, planOver, type TrainingPlan } from './training-plan.ts';
import { dividedSets } from './training-sets.ts';

type DirectImageValues = OptionValues<DirectImageOptions & OptimiserOptions & LossOptionGroup>;

/** What a network is made for. */
export interface ShownImages {
  readonly input: OpenedImages['frame'];
  readonly classes: number;
  /** How a network is trained and fed that is shown every image for so many steps. */
  shown(steps: number, changed?: { readonly clip: number }): Pick<NetworkPlan, 'trainer' | 'feed'>;
}

/** Images ▸ split ▸ batches ▸ augmented and normalised as a batch is used ▸ shown at every step ▸ networks. */
export async function directImagePlan(
  options: DirectImageValues,
  networksFor: (images: ShownImages) => readonly NetworkPlan[],
): Promise<TrainingPlan<ImageToken>> {
  const { data, dataset, frame } = await openedImages(options);
  return planOver(dataset, ({ parts, classNames }) => {
    const normalisation =
      options.normalise === 'cifar10' ? cifar10Normalisation : sharesOfBrightness(frame.channels);
    const feedOf = (steps: number): Feed => ({
      sensor: { width: frame.width, height: frame.height },
      frame,
      encoding: { kind: 'direct', steps },
      normalisation: { mean: [...normalisation.mean], deviation: [...normalisation.deviation] },
      classNames: [...classNames],
    });
    const images = imagePreparation(options, normalisation);
    const trainerOf = (steps: number, changed: object = {}): Omit<TrainerOptions, 'seed'> => ({
      ...trainerOptions({ ...options, ...changed }),
      images,
      repeat: steps,
    });
    return {
      data,
      sets: dividedSets(parts, options),
      testEachEpoch: true,
      bestBy: 'accuracy',
      read: async (token) => ({ sample: await imageSample(token), counters: binCounters() }),
      transform: {},
      networks: networksFor({
        input: frame,
        classes: classNames.length,
        shown: (steps, changed) => ({ trainer: trainerOf(steps, changed), feed: feedOf(steps) }),
      }),
    };
  });
}
