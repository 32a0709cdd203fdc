import { OptionError } from '../../src/errors.ts';
import type { Feed } from '../../src/models/feed.ts';
import { lyapunovRule } from '../../src/models/learning/lyapunov-rule.ts';
import { evaluateExponents } from '../../src/models/lyapunov/evaluate-exponents.ts';
import { type LyapunovNetConfig, lyapunovNetConfig } from '../../src/models/networks/lyapunov-net.ts';
import { leaky } from '../../src/models/neurons.ts';
import { fastSigmoid } from '../../src/models/surrogates.ts';
import type { TrainerOptions } from '../../src/models/trainer.ts';
import { binCounters } from '../../src/operators/bin-frames.ts';
import type { ImageToken, LabelledRecording } from '../../src/streams/datasets/dataset.ts';
import { openNmnist } from '../../src/streams/datasets/nmnist.ts';
import type { Cifar10LyapunovValues } from '../cifar10-lyapunov.ts';
import { sampleShape } from './binning-options.ts';
import { blocksOf } from './blocks-option.ts';
import { imagePreparation, sharesOfBrightness } from './image-options.ts';
import { imageSample } from './image-sample.ts';
import { learning } from './learn-options.ts';
import { openedImages } from './opened-images.ts';
import { trainerOptions } from './optimiser-options.ts';
import { type NetworkPlan, planOver, type TrainingPlan } from './training-plan.ts';
import { dividedSets } from './training-sets.ts';

const NMNIST = 'https://www.garrickorchard.com/datasets/n-mnist';

/** What makes an epoch the best. */
const chosen = { testEachEpoch: true, bestBy: 'accuracy' } as const;

/** An image, or a recording. */
type Token = ImageToken | LabelledRecording;

/** Images, or with the encoding `none` events ▸ split ▸ samples ▸ a network of the Lyapunov notebook. */
export async function lyapunovPlan(options: Cifar10LyapunovValues): Promise<TrainingPlan<Token>> {
  // Each plan reads only the tokens that are its own.
  return options.encoding === 'none'
    ? ((await eventPlan(options)) as TrainingPlan<Token>)
    : ((await imagePlan(options)) as TrainingPlan<Token>);
}

/** Images ▸ split ▸ encoded as a batch is used, or shown at every step ▸ a network of the Lyapunov notebook. */
async function imagePlan(options: Cifar10LyapunovValues): Promise<TrainingPlan<ImageToken>> {
  const { encoding, timesteps: steps, gain } = options;
  const { data, dataset, frame } = await openedImages(options);
  return planOver(dataset, ({ parts, classNames }) => {
    const rate = { kind: 'poisson', steps, gain, offset: 0 } as const;
    const feed: Feed = {
      sensor: { width: frame.width, height: frame.height },
      frame,
      encoding: encoding === 'rate' ? rate : { kind: 'direct', steps },
      classNames: [...classNames],
    };
    return {
      ...{ data, sets: dividedSets(parts, options), ...chosen },
      read: async (token) => ({ sample: await imageSample(token), counters: binCounters() }),
      transform: {},
      networks: [
        network(options, frame, feed, {
          ...(encoding === 'rate'
            ? { encoding: rate, images: imagePreparation(options) }
            : { repeat: steps, images: imagePreparation(options, sharesOfBrightness(frame.channels)) }),
        }),
      ],
    };
  });
}

/** N-MNIST ▸ split ▸ read ▸ decode ▸ bins of equal time, one a step ▸ a network of the Lyapunov notebook. */
async function eventPlan(options: Cifar10LyapunovValues): Promise<TrainingPlan<LabelledRecording>> {
  const { data, timesteps: bins } = options;
  if (data === undefined) {
    throw new OptionError(`--data: expected the folder of N-MNIST (from ${NMNIST}), found none`);
  }
  return planOver(await openNmnist(data), ({ size, parts, classNames }) => {
    const binning = { ...options, bins, binMs: undefined, steps: undefined };
    const { read, transform, input, feed } = sampleShape(binning, size!, classNames);
    return {
      ...{ data, sets: dividedSets(parts, options), ...chosen },
      read,
      transform,
      networks: [network(options, input, feed, {})],
    };
  });
}

function network(
  options: Cifar10LyapunovValues,
  input: LyapunovNetConfig['input'],
  feed: Feed,
  shown: Pick<TrainerOptions, 'encoding' | 'repeat' | 'images'>,
): NetworkPlan {
  const { model, blocks, timesteps, beta, threshold, slope, dropout, batchNorm, seed } = options;
  const { alpha, target, estimator, epsilon, exponentSamples: samples } = options;
  return {
    name: model,
    network: lyapunovNetConfig(model, {
      input: { height: input.height, width: input.width, channels: input.channels },
      classes: feed.classNames.length,
      steps: timesteps,
      neuron: learning(leaky({ beta, threshold, surrogate: fastSigmoid(slope) }), options.learn),
      batchNorm,
      ...(dropout !== undefined && { dropout }),
      ...(blocks !== undefined && { blocks: blocksOf(blocks) }),
    }),
    trainer: {
      ...trainerOptions(options),
      ...shown,
      evaluation: evaluateExponents({ epsilon, seed, samples }),
      ...(alpha > 0 && { rule: lyapunovRule({ alpha, target, estimator, epsilon, samples }) }),
    },
    feed,
  };
}
