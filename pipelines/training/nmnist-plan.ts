import { OptionError } from '../../src/errors.ts';
import { nmnistNetConfig } from '../../src/models/networks/nmnist-net.ts';
import { leaky } from '../../src/models/neurons.ts';
import type { LabelledRecording } from '../../src/streams/datasets/dataset.ts';
import { openNmnist } from '../../src/streams/datasets/nmnist.ts';
import { stratifiedSplit } from '../../src/streams/datasets/split.ts';
import type { NmnistValues } from '../nmnist-train.ts';
import { sampleShape } from './binning-options.ts';
import { learning } from './learn-options.ts';
import { trainerOptions } from './optimiser-options.ts';
import { planOver, type TrainingPlan } from './training-plan.ts';
import { limited } from './training-sets.ts';

const SOURCE = 'https://www.garrickorchard.com/datasets/n-mnist';

/** N-MNIST's parts ▸ read ▸ decode ▸ bins of equal time ▸ the N-MNIST network. */
export async function nmnistPlan(options: NmnistValues): Promise<TrainingPlan<LabelledRecording>> {
  const { data, limit, seed } = options;
  if (data === undefined) {
    throw new OptionError(`--data: expected the folder of N-MNIST (from ${SOURCE}), found none`);
  }
  return planOver(await openNmnist(data), ({ size, parts, classNames }) => {
    const { read, augments, transform, input, feed } = sampleShape(options, size!, classNames);
    const training = limited(parts.train ?? [], limit, seed);
    const { train, validation } = stratifiedSplit(training, { validation: options.validation }, seed);
    return {
      data,
      sets: { train, validation, test: limited(parts.test ?? [], limit, seed) },
      testEachEpoch: true,
      bestBy: 'loss',
      read,
      augments,
      transform,
      networks: [
        {
          name: 'nmnist-net',
          network: nmnistNetConfig({
            ...{ input, classes: classNames.length, channels: [16, 32] },
            neuron: learning(leaky({ beta: 0.9 }), options.learn),
          }),
          trainer: trainerOptions(options),
          feed,
        },
      ],
    };
  });
}
