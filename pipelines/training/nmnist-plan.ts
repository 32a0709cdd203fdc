import { OptionError } from '../../src/errors.ts';
import { nmnistNetConfig } from '../../src/models/networks/nmnist-net.ts';
import { binRecording } from '../../src/operators/bin-sample.ts';
import type { LabelledRecording } from '../../src/streams/datasets/dataset.ts';
import { openNmnist } from '../../src/streams/datasets/nmnist.ts';
import { stratifiedSplit } from '../../src/streams/datasets/split.ts';
import type { NmnistValues } from '../nmnist-train.ts';
import { sampleShape } from './binning-options.ts';
import { trainerOptions } from './optimiser-options.ts';
import type { TrainingPlan } from './training-run.ts';
import { limited } from './training-sets.ts';

const SOURCE = 'https://www.garrickorchard.com/datasets/n-mnist';

/** N-MNIST's parts ▸ read ▸ decode ▸ bins of equal time ▸ the N-MNIST network. */
export async function nmnistPlan(options: NmnistValues): Promise<TrainingPlan<LabelledRecording>> {
  if (options.data === undefined) {
    throw new OptionError(`--data: expected the folder of N-MNIST (from ${SOURCE}), found none`);
  }
  const dataset = await openNmnist(options.data);
  const { classNames, simulated, parts } = dataset;
  const { binning, grid, steps, input, feed } = sampleShape(options, dataset.size!, classNames);
  const training = limited(parts.train ?? [], options.limit, options.seed);
  const { train, validation } = stratifiedSplit(training, { validation: options.validation }, options.seed);
  return {
    data: options.data,
    simulated,
    classNames,
    sets: { train, validation, test: limited(parts.test ?? [], options.limit, options.seed) },
    testEachEpoch: true,
    read: (recording) => binRecording(recording, binning, grid, steps),
    networks: [
      {
        name: 'nmnist-net',
        network: nmnistNetConfig({ input, classes: classNames.length }),
        trainer: trainerOptions(options),
        feed,
      },
    ],
    close: () => dataset.close(),
  };
}
