import { definePipeline, numberOption, type Option, type OptionValues, type Pipeline } from './definition.ts';
import { type DfaOptions, dfaOptions } from './training/dfa-options.ts';
import { type LossOptionGroup, lossOptions } from './training/loss-options.ts';
import { type OptimiserOptions, optimiserOptions } from './training/optimiser-options.ts';
import { type TrainingOptions, trainingOptions } from './training/options.ts';

type MnistDfaOptions = Omit<TrainingOptions, 'size'> &
  DfaOptions &
  OptimiserOptions &
  LossOptionGroup & { readonly validation: Option<number> };

// Digits keep their size.
const { size: _, ...common } = trainingOptions({
  data: { help: 'MNIST: a folder with the four idx files, gzip or not' },
  epochs: 10,
  batchSize: 128,
  lr: 2e-3,
  seed: 42,
  size: 28,
});

const options: MnistDfaOptions = {
  ...common,
  ...dfaOptions(),
  ...optimiserOptions({ weightDecay: 0, clip: 0, schedule: 'step', shift: 0 }),
  ...lossOptions(),
  validation: numberOption({
    help: 'share of the training images that choose the best epoch; with 0, the test images do',
    placeholder: 'X',
    default: 0.1,
    min: 0,
    max: 0.5,
  }),
};

/** Values of the options of `mnist-dfa`. */
export type MnistDfaValues = OptionValues<MnistDfaOptions>;

const published = { optimiser: 'adam', schedule: 'cosine' } as const;

const pipeline: Pipeline<MnistDfaOptions> = definePipeline({
  name: 'mnist-dfa',
  summary: 'train a spiking network on MNIST by direct feedback alignment',
  description:
    'Trains 784-1000-250-100-10 spiking neurons on MNIST digits encoded as random spikes. Each layer learns by ' +
    'itself from the error of the output, which fixed random weights bring to it: no backpropagation, and no more ' +
    'memory for more timesteps. The preset notebook is the reference notebook as it is, which hardly learns for ten epochs.',
  examples: [
    'mnist-dfa --data MNIST',
    'mnist-dfa --data MNIST --rule bptt',
    'mnist-dfa --data MNIST --preset notebook --epochs 4',
  ],
  options,
  presets: {
    published,
    notebook: {
      // The rate falls by a twentieth every ten epochs.
      ...{ schedule: 'step', scheduleEpochs: 10, scheduleFactor: 0.95 },
      ...{ neuron: 'refractory', derivative: 'drive', optimiser: 'sgd', momentum: 0, lr: 0.1, epochs: 50 },
    },
    quick: { ...published, limit: 10_000, epochs: 4 },
  },
  run: async (options, context, given) => {
    const [{ trainingRun }, { mnistDfaPlan }] = await Promise.all([
      import('./training/training-run.ts'),
      import('./training/mnist-dfa-plan.ts'),
    ]);
    await trainingRun({ pipeline, options, given, context }, mnistDfaPlan);
  },
});

export default pipeline;
