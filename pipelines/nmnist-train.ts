import { definePipeline, numberOption, type Option, type OptionValues, type Pipeline } from './definition.ts';
import { type BinningOptions, binningOptions } from './training/binning-options.ts';
import { type LearnOptions, learnOptions } from './training/learn-options.ts';
import { type LossOptionGroup, lossOptions } from './training/loss-options.ts';
import { type OptimiserOptions, optimiserOptions } from './training/optimiser-options.ts';
import { type TrainingOptions, trainingOptions } from './training/options.ts';

type NmnistOptions = TrainingOptions &
  BinningOptions &
  OptimiserOptions &
  LossOptionGroup &
  LearnOptions & { readonly validation: Option<number> };

const options: NmnistOptions = {
  ...trainingOptions({
    data: { help: 'N-MNIST: folders Train and Test, or archives with label files' },
    epochs: 20,
    batchSize: 16,
    lr: 6e-3,
    seed: 42,
    size: 34,
  }),
  ...binningOptions(10),
  ...optimiserOptions({ weightDecay: 1e-4, clip: 1, schedule: 'cosine', shift: 2 }),
  // Of few recordings the network is soon too sure.
  ...lossOptions({ labelSmoothing: 0.1 }),
  ...learnOptions(),
  validation: numberOption({
    help: 'share of the training recordings that choose the best epoch; with 0, the test recordings do',
    placeholder: 'X',
    default: 0.1,
    min: 0,
    max: 0.5,
  }),
};

/** Values of the options of `nmnist-train`. */
export type NmnistValues = OptionValues<NmnistOptions>;

const pipeline: Pipeline<NmnistOptions> = definePipeline({
  name: 'nmnist-train',
  summary: 'train a small convolutional spiking network on N-MNIST',
  description:
    'Trains a small convolutional spiking network on N-MNIST, digits that an event camera saw while it moved. A ' +
    'tenth of the training recordings chooses the best epoch; the test recordings are only measured.',
  examples: ['nmnist-train --data N-MNIST', 'nmnist-train --data N-MNIST --epochs 5 --limit 200 --json'],
  options,
  presets: { notebook: {}, quick: { epochs: 8 } },
  run: async (options, context, given) => {
    const [{ trainingRun }, { nmnistPlan }] = await Promise.all([
      import('./training/training-run.ts'),
      import('./training/nmnist-plan.ts'),
    ]);
    await trainingRun({ pipeline, options, given, context }, nmnistPlan);
  },
});

export default pipeline;
