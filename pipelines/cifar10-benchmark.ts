import {
  choiceOption,
  definePipeline,
  integerOption,
  numberOption,
  type Option,
  type OptionValues,
  type Pipeline,
  textOption,
} from './definition.ts';
import { blocksOption } from './training/blocks-option.ts';
import { type DirectImageOptions, directImageOptions } from './training/direct-image-options.ts';
import { type LearnOptions, learnOptions } from './training/learn-options.ts';
import { type LossOptionGroup, lossOptions } from './training/loss-options.ts';
import { type OptimiserOptions, optimiserOptions } from './training/optimiser-options.ts';

type Cifar10BenchmarkOptions = DirectImageOptions &
  OptimiserOptions &
  LossOptionGroup &
  LearnOptions & {
    readonly networks: Option<'both' | 'snn' | 'ann'>;
    readonly tau: Option<number>;
    readonly threshold: Option<number>;
    readonly surrogate: Option<string>;
    readonly blocks: Option<string>;
    readonly hidden: Option<number>;
    readonly batchNorm: Option<'joint' | 'per-step'>;
  };

const options: Cifar10BenchmarkOptions = {
  ...directImageOptions({ epochs: 100, batchSize: 128, lr: 0.1, timesteps: 4, crop: 4, flip: 0.5 }),
  networks: choiceOption(['both', 'snn', 'ann'], {
    help: 'the spiking network, its twin of rectified linear units, or one after the other',
    default: 'both',
  }),
  tau: numberOption({
    help: "time constant of a neuron's potential",
    placeholder: 'X',
    unit: 'steps',
    default: 2,
    min: 1,
  }),
  threshold: numberOption({
    help: 'potential from which a neuron fires',
    placeholder: 'X',
    default: 1,
    above: 0,
  }),
  surrogate: textOption({
    help: 'one of pipeline surrogates, with its parameter after a colon',
    placeholder: 'NAME',
    default: 'atan:2',
  }),
  blocks: blocksOption({
    help: 'feature maps of the convolutions, with A for an average pool that halves them',
    default: '64-64-A-128-128-A-256-256-A',
  }),
  hidden: integerOption({ help: 'neurons of the hidden layer', default: 512, min: 1 }),
  batchNorm: choiceOption(['joint', 'per-step'], {
    help: 'batch statistics: over time and batch together, or of each step',
    default: 'joint',
  }),
  ...optimiserOptions({ weightDecay: 5e-4, clip: 1, schedule: 'cosine', shift: 0 }),
  ...lossOptions(),
  ...learnOptions(),
  clip: numberOption({
    help: "limit of the norm of the spiking network's gradients, 0 for none; those of the other are not limited",
    placeholder: 'X',
    default: 1,
    min: 0,
  }),
};

/** Values of the options of `cifar10-benchmark`. */
export type Cifar10BenchmarkValues = OptionValues<Cifar10BenchmarkOptions>;

const pipeline: Pipeline<Cifar10BenchmarkOptions> = definePipeline({
  name: 'cifar10-benchmark',
  summary: 'train a spiking VGG and its non-spiking twin, and compare accuracy, spikes and energy',
  description:
    'Trains a VGG of spiking neurons on CIFAR-10, then the same of rectified linear units, and compares them: ' +
    'accuracy, spike rate, operations, energy of the arithmetic, time. The spiking network sees the image as it is at ' +
    'every step, so its first convolution is computed once.',
  examples: [
    'cifar10-benchmark --data cifar-10-batches-bin',
    'cifar10-benchmark --data cifar-10-batches-bin --limit 10000 --epochs 3',
    'cifar10-benchmark --data cifar-10-batches-bin --networks snn --surrogate triangle --timesteps 6',
  ],
  options,
  presets: {
    notebook: { optimiser: 'sgd' },
    quick: { optimiser: 'sgd', limit: 1000, epochs: 3, batchSize: 32 },
  },
  run: async (options, context, given) => {
    const [{ trainingRun }, { benchmarkPlan }] = await Promise.all([
      import('./training/training-run.ts'),
      import('./training/benchmark-plan.ts'),
    ]);
    await trainingRun({ pipeline, options, given, context }, benchmarkPlan);
  },
});

export default pipeline;
