import {
  choiceOption,
  definePipeline,
  integerOption,
  numberOption,
  type Option,
  type OptionValues,
  type Pipeline,
} from './definition.ts';
import { blocksOption } from './training/blocks-option.ts';
import { type ImageOptions, imageOptions } from './training/image-options.ts';
import { type LearnOptions, learnOptions } from './training/learn-options.ts';
import { type LossOptionGroup, lossOptions } from './training/loss-options.ts';
import { type OptimiserOptions, optimiserOptions } from './training/optimiser-options.ts';
import { type TrainingOptions, trainingOptions } from './training/options.ts';

type Cifar10LyapunovOptions = TrainingOptions &
  OptimiserOptions &
  LossOptionGroup &
  LearnOptions &
  ImageOptions & {
    readonly encoding: Option<'rate' | 'direct' | 'none'>;
    readonly gain: Option<number>;
    readonly timesteps: Option<number>;
    readonly model: Option<'simple' | 'vgg'>;
    readonly blocks: Option<string | undefined>;
    readonly alpha: Option<number>;
    readonly target: Option<number>;
    readonly estimator: Option<'perturbation' | 'tangent'>;
    readonly epsilon: Option<number>;
    readonly exponentSamples: Option<number | undefined>;
    readonly beta: Option<number>;
    readonly threshold: Option<number>;
    readonly slope: Option<number>;
    readonly dropout: Option<number | undefined>;
    readonly batchNorm: Option<'joint' | 'per-step'>;
    readonly validation: Option<number>;
  };

const options: Cifar10LyapunovOptions = {
  ...trainingOptions({
    data: { help: 'CIFAR-10 in binary form, or other images; with --encoding none, N-MNIST' },
    epochs: 20,
    batchSize: 64,
    lr: 1e-3,
    seed: 42,
    size: 32,
  }),
  encoding: choiceOption(['rate', 'direct', 'none'], {
    help: 'images as random spikes, or as they are at every step; none for events, which need no encoding',
    default: 'rate',
  }),
  gain: numberOption({
    help: 'chance of a spike at a pixel of full brightness, with --encoding rate',
    placeholder: 'X',
    default: 1,
    above: 0,
  }),
  timesteps: integerOption({ help: 'steps of a sample', default: 25, min: 1 }),
  model: choiceOption(['simple', 'vgg'], {
    help: 'three convolutions, or six and a hidden layer',
    default: 'simple',
  }),
  blocks: blocksOption({
    help: "feature maps of the convolutions, with A for an average pool; the model's own by default",
  }),
  alpha: numberOption({
    help: 'weight of (lambda - target)^2 in the loss; 0 only measures lambda',
    placeholder: 'X',
    default: 0.1,
    min: 0,
  }),
  target: numberOption({ help: 'exponent that training draws to', placeholder: 'X', default: 0 }),
  estimator: choiceOption(['perturbation', 'tangent'], {
    help: 'how training estimates the exponent; evaluation does both ways',
    default: 'perturbation',
  }),
  epsilon: numberOption({
    help: 'norm of the perturbation, of the order of the threshold',
    placeholder: 'X',
    default: 1,
    above: 0,
  }),
  exponentSamples: integerOption({
    help: 'samples of a batch from which the exponent is estimated; all by default',
    min: 1,
  }),
  beta: numberOption({
    help: 'share of a potential that a step leaves',
    placeholder: 'X',
    default: 0.9,
    min: 0,
    max: 1,
  }),
  threshold: numberOption({
    help: 'potential above which a neuron fires',
    placeholder: 'X',
    default: 1,
    above: 0,
  }),
  slope: numberOption({
    help: 'slope of the fast-sigmoid surrogate',
    placeholder: 'X',
    default: 25,
    above: 0,
  }),
  dropout: numberOption({
    help: "share of the summed spikes that training drops; the model's own by default",
    placeholder: 'X',
    min: 0,
    max: 0.99,
  }),
  batchNorm: choiceOption(['joint', 'per-step'], {
    help: 'batch statistics: over time and batch together, or of each step',
    default: 'joint',
  }),
  ...imageOptions(),
  ...optimiserOptions({ weightDecay: 0, clip: 1, schedule: 'constant', shift: 0 }),
  ...lossOptions(),
  ...learnOptions(),
  validation: numberOption({
    help: 'share of the training samples that choose the best epoch; with 0, the test samples do',
    placeholder: 'X',
    default: 0.1,
    min: 0,
    max: 0.5,
  }),
};

/** Values of the options of `cifar10-lyapunov`. */
export type Cifar10LyapunovValues = OptionValues<Cifar10LyapunovOptions>;

const pipeline: Pipeline<Cifar10LyapunovOptions> = definePipeline({
  name: 'cifar10-lyapunov',
  summary: 'train a convolutional spiking network whose Lyapunov exponent is drawn to a target',
  description:
    'Trains a convolutional spiking network on CIFAR-10, or on N-MNIST with --encoding none, with alpha (lambda - ' +
    'target)^2 added to the loss: lambda, the largest Lyapunov exponent of the membranes, says how fast two runs part ' +
    'that differ a little. Every evaluation estimates it by a perturbed copy of the run and by the tangent map of the ' +
    'surrogates; --preset tangent has what brings the latter to its target. Images keep their size; --size is that of ' +
    'frames of events.',
  examples: [
    'cifar10-lyapunov --data cifar-10-batches-bin',
    'cifar10-lyapunov --data cifar-10-batches-bin --preset tangent --model vgg --target 0.1',
    'cifar10-lyapunov --data N-MNIST --encoding none --alpha 0',
  ],
  options,
  presets: {
    notebook: { optimiser: 'adam' },
    // The tangent map is what surrogates see: with wide ones its exponent follows them to the target. Large steps at the
    // learning rate drive potentials away from thresholds, where surrogates see nothing.
    tangent: {
      ...{ optimiser: 'adam', lr: 0.002, schedule: 'cosine', batchSize: 32, epochs: 8, limit: 2000 },
      ...{ estimator: 'tangent', alpha: 3000, slope: 2, timesteps: 10, exponentSamples: 8 },
    },
    quick: { optimiser: 'adam', timesteps: 10, epochs: 3, limit: 1000, lr: 2e-3, exponentSamples: 16 },
  },
  run: async (options, context, given) => {
    const [{ trainingRun }, { lyapunovPlan }] = await Promise.all([
      import('./training/training-run.ts'),
      import('./training/lyapunov-plan.ts'),
    ]);
    const request = { pipeline, options, given, context };
    // What a resumed run is encoded by stands in its configuration.
    await trainingRun(request, lyapunovPlan);
  },
});

export default pipeline;
