import { csnnConfig } from '../../src/models/networks/csnn.ts';
import { lifNode } from '../../src/models/neurons.ts';
import type { ImageToken } from '../../src/streams/datasets/dataset.ts';
import type { Cifar10SurrogatesValues } from '../cifar10-surrogates.ts';
import { directImagePlan } from './direct-image-plan.ts';
import { learning } from './learn-options.ts';
import { numbersOf } from './list-option.ts';
import { namedSurrogates } from './named-surrogates.ts';
import type { TrainingPlan } from './training-plan.ts';

/** Images, shown at every step ▸ the same network once for every surrogate, from the same weights. */
export async function surrogatesPlan(options: Cifar10SurrogatesValues): Promise<TrainingPlan<ImageToken>> {
  const { timesteps, tau, threshold, hidden, detachReset, learn } = options;
  const surrogates = namedSurrogates(options.surrogates, '--surrogates');
  const channels = numbersOf(options.channels);
  return directImagePlan(options, ({ input, classes, shown }) =>
    surrogates.map(({ name, surrogate }) => ({
      name,
      network: csnnConfig({
        ...{ input, classes, channels, hidden },
        neuron: learning(lifNode({ tau, threshold, detachReset, surrogate }), learn),
      }),
      ...shown(timesteps),
    })),
  );
}
