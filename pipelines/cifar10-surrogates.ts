import {
  definePipeline,
  integerOption,
  numberOption,
  type Option,
  type OptionValues,
  type Pipeline,
  switchOption,
  textOption,
} from './definition.ts';
import { type DirectImageOptions, directImageOptions } from './training/direct-image-options.ts';
import { type LearnOptions, learnOptions } from './training/learn-options.ts';
import { listOption } from './training/list-option.ts';
import { type LossOptionGroup, lossOptions } from './training/loss-options.ts';
import { type OptimiserOptions, optimiserOptions } from './training/optimiser-options.ts';

type Cifar10SurrogatesOptions = DirectImageOptions &
  OptimiserOptions &
  LossOptionGroup &
  LearnOptions & {
    readonly surrogates: Option<string>;
    readonly tau: Option<number>;
    readonly threshold: Option<number>;
    readonly detachReset: Option<boolean>;
    readonly channels: Option<string>;
    readonly hidden: Option<number>;
  };

const options: Cifar10SurrogatesOptions = {
  surrogates: textOption({
    help: 'surrogates to compare, with commas between; each of pipeline surrogates, with its parameter after a colon',
    placeholder: 'LIST',
    default: 'super-spike,sigmoid-prime,esser',
  }),
  ...directImageOptions({ epochs: 10, batchSize: 64, lr: 1e-3, timesteps: 8, flip: 0.5 }),
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
  detachReset: switchOption({ help: 'let no gradient flow through the reset of a potential' }),
  channels: listOption({ help: 'feature maps of the convolutions', default: '32,64', whole: true }),
  hidden: integerOption({ help: 'neurons of the hidden layer', default: 128, min: 1 }),
  ...optimiserOptions({ weightDecay: 0, clip: 0, schedule: 'constant', shift: 0 }),
  ...lossOptions(),
  ...learnOptions(),
};

/** Values of the options of `cifar10-surrogates`. */
export type Cifar10SurrogatesValues = OptionValues<Cifar10SurrogatesOptions>;

const pipeline: Pipeline<Cifar10SurrogatesOptions> = definePipeline({
  name: 'cifar10-surrogates',
  summary: 'train one convolutional spiking network with several surrogate gradients, and compare them',
  description:
    'Trains the same small convolutional spiking network on CIFAR-10 once for every surrogate gradient named, from the ' +
    'same weights and in the same order of images, and compares what they reach epoch by epoch. Every step sees the ' +
    'image as it is. x being the potential less the threshold: super-spike 1/(1 + 10 |x|)^2, sigmoid-prime s(1 - s) ' +
    'of 4 x, esser max(0, 1 - |x|); pipeline surrogates draws all.',
  examples: [
    'cifar10-surrogates --data cifar-10-batches-bin',
    'cifar10-surrogates --data cifar-10-batches-bin --surrogates super-spike:25,super-spike:100,atan --epochs 3',
    'cifar10-surrogates --data cifar-10-batches-bin --preset quick',
  ],
  options,
  presets: {
    notebook: { optimiser: 'adam' },
    quick: { optimiser: 'adam', limit: 2000, epochs: 3, timesteps: 4 },
  },
  run: async (options, context, given) => {
    const [{ trainingRun }, { surrogatesPlan }] = await Promise.all([
      import('./training/training-run.ts'),
      import('./training/surrogates-plan.ts'),
    ]);
    await trainingRun({ pipeline, options, given, context }, surrogatesPlan);
  },
});

export default pipeline;
