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
import { type BinningOptions, binningOptions } from './training/binning-options.ts';
import { type LearnOptions, learnOptions } from './training/learn-options.ts';
import { listOption } from './training/list-option.ts';
import { type LossOptionGroup, lossOptions } from './training/loss-options.ts';
import { type OptimiserOptions, optimiserOptions } from './training/optimiser-options.ts';
import { type TrainingOptions, trainingOptions } from './training/options.ts';

type Cifar10DvsOptions = TrainingOptions &
  BinningOptions &
  OptimiserOptions &
  LossOptionGroup &
  LearnOptions & {
    readonly images: Option<string | undefined>;
    readonly recordings: Option<number>;
    readonly sensor: Option<number>;
    readonly orientation: Option<'display' | 'jaer'>;
    readonly alignment: Option<'attention' | 'mix' | 'pool' | 'truncate'>;
    readonly timesteps: Option<string>;
    readonly channels: Option<string>;
    readonly earlyWeights: Option<string>;
    readonly neuron: Option<'notebook' | 'paper'>;
    readonly batchNorm: Option<'joint' | 'per-step'>;
    readonly validation: Option<number>;
    readonly test: Option<number>;
  };

const options: Cifar10DvsOptions = {
  ...trainingOptions({
    data: {
      help: 'CIFAR10-DVS, AEDAT 2.0 or 4: folders or zips of its classes; data/cifar10dvs if it is there',
    },
    epochs: 5,
    batchSize: 32,
    lr: 1e-3,
    seed: 42,
    size: 128,
  }),
  ...binningOptions(8),
  images: textOption({
    placeholder: 'DIR',
    help: 'simulate recordings of the CIFAR-10 images in DIR (binary form)',
  }),
  recordings: integerOption({
    help: 'recordings to simulate, where there are no real ones',
    default: 1000,
    min: 20,
  }),
  sensor: integerOption({
    help: 'side of the simulated sensor',
    unit: 'pixels',
    default: 128,
    min: 8,
    max: 1024,
  }),
  orientation: choiceOption(['display', 'jaer'], {
    help: 'how AEDAT 2.0 recordings are turned: as the set is shown, or as jAER shows them',
    default: 'display',
  }),
  alignment: choiceOption(['attention', 'mix', 'pool', 'truncate'], {
    help: "how one stage's frames become the fewer ones of the next",
    default: 'attention',
  }),
  timesteps: listOption({
    help: 'timesteps of the stages, the first those of a window of --bins',
    default: '8,6,4,2',
    whole: true,
  }),
  channels: listOption({ help: 'feature maps of the stages', default: '32,64,128,256', whole: true }),
  earlyWeights: listOption({
    help: "weights of the early classifiers' losses, first stage first",
    default: '0.3,0.2,0.1',
  }),
  neuron: choiceOption(['notebook', 'paper'], {
    help: 'leaky neuron: beta 0.9 and ATan, reset a step later, or tau 2, soft reset and rectangular',
    default: 'notebook',
  }),
  batchNorm: choiceOption(['joint', 'per-step'], {
    help: 'batch statistics: over time and batch together, or of each step',
    default: 'joint',
  }),
  ...optimiserOptions({ weightDecay: 1e-4, clip: 1, schedule: 'constant', shift: 0 }),
  ...lossOptions(),
  ...learnOptions(),
  validation: numberOption({
    help: 'share of the recordings that is held out and chooses the best epoch',
    placeholder: 'X',
    default: 0.1,
    min: 0.01,
    max: 0.5,
  }),
  test: numberOption({
    help: 'share held out besides, to test the best epoch; 0 reports the validation recordings instead',
    placeholder: 'X',
    default: 0,
    min: 0,
    max: 0.5,
  }),
};

/** Values of the options of `cifar10dvs-train`. */
export type Cifar10DvsValues = OptionValues<Cifar10DvsOptions>;

const pipeline: Pipeline<Cifar10DvsOptions> = definePipeline({
  name: 'cifar10dvs-train',
  summary: 'train SSNN, the shrinking spiking network, on CIFAR10-DVS or on simulated recordings',
  description:
    'Trains SSNN on CIFAR10-DVS: four stages that run at 8, 6, 4 and 2 timesteps, an alignment between them, early ' +
    'classifiers in training. The set has no test part: a seeded tenth of each class is held out. Where the set is ' +
    'not found, recordings are simulated from generated images of ten shapes (with the preset quick unless one is ' +
    'named), or with --images from CIFAR-10; results then say simulated.',
  examples: [
    'cifar10dvs-train --data CIFAR10DVS',
    'cifar10dvs-train --preset paper-training --data CIFAR10DVS',
    'cifar10dvs-train --images cifar-10-batches-bin --preset quick',
    'cifar10dvs-train --resume runs/cifar10dvs-train-20260101-120000',
  ],
  options,
  presets: {
    notebook: {},
    'paper-training': {
      size: 48,
      epochs: 100,
      batchSize: 64,
      optimiser: 'sgd',
      lr: 0.1,
      weightDecay: 1e-3,
      clip: 0,
      schedule: 'step',
      scheduleEpochs: 30,
      neuron: 'paper',
    },
    quick: { size: 48, sensor: 48, recordings: 600, epochs: 8, schedule: 'cosine', test: 0.2 },
  },
  run: async (options, context, given) => {
    const [{ trainingRun }, { cifar10DvsPlan, findCifar10Dvs }] = await Promise.all([
      import('./training/training-run.ts'),
      import('./training/cifar10dvs-plan.ts'),
    ]);
    // Full-size training on simulated recordings takes hours and teaches little: it has to be asked for by name.
    const quick =
      given.preset === undefined && given.resume === undefined && !(await findCifar10Dvs(options));
    const chosen = quick ? pipeline.resolve({ ...given, preset: 'quick' }) : options;
    await trainingRun({ pipeline, options: chosen, given, context }, (options) =>
      cifar10DvsPlan(options, context),
    );
  },
});

export default pipeline;
