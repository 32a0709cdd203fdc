import type { TrainerOptions } from '../../src/models/trainer.ts';
import { choiceOption, integerOption, numberOption, type Option, type OptionValues } from '../definition.ts';
import { type LossOptionGroup, lossOf } from './loss-options.ts';
import type { TrainingOptions } from './options.ts';

/** The options that say how weights are changed. */
export type OptimiserOptions = {
  readonly optimiser: Option<'adamw' | 'adam' | 'sgd'>;
  readonly momentum: Option<number>;
  readonly weightDecay: Option<number>;
  readonly clip: Option<number>;
  readonly schedule: Option<'constant' | 'cosine' | 'step'>;
  readonly scheduleEpochs: Option<number | undefined>;
  readonly scheduleFactor: Option<number>;
  readonly shift: Option<number>;
};

/** The numbers in which training pipelines differ. */
export interface OptimiserDefaults {
  readonly weightDecay: number;
  /** Limit of the gradient norm; 0 for none. */
  readonly clip: number;
  readonly schedule: 'constant' | 'cosine' | 'step';
  /** Largest random shift of a training sample in pixels; 0 for none. */
  readonly shift: number;
}

/** The optimiser's options with one pipeline's defaults. */
export function optimiserOptions(defaults: OptimiserDefaults): OptimiserOptions {
  return {
    optimiser: choiceOption(['adamw', 'adam', 'sgd'], { help: 'optimiser', default: 'adamw' }),
    momentum: numberOption({ help: 'momentum of sgd', placeholder: 'X', default: 0.9, min: 0, max: 0.9999 }),
    weightDecay: numberOption({
      help: 'weight decay',
      placeholder: 'X',
      default: defaults.weightDecay,
      min: 0,
    }),
    clip: numberOption({
      help: "limit of the gradients' norm, 0 for none",
      placeholder: 'X',
      default: defaults.clip,
      min: 0,
    }),
    schedule: choiceOption(['constant', 'cosine', 'step'], {
      help: 'how the learning rate falls from epoch to epoch',
      default: defaults.schedule,
    }),
    scheduleEpochs: integerOption({
      help: 'epochs of the cosine, or between two steps; all epochs by default',
      min: 1,
    }),
    scheduleFactor: numberOption({
      help: 'what a step multiplies the learning rate by',
      placeholder: 'X',
      default: 0.1,
      above: 0,
      max: 1,
    }),
    shift: integerOption({
      help: 'shift training samples at random by up to N to each side',
      unit: 'pixels',
      default: defaults.shift,
      min: 0,
    }),
  };
}

/** What the options say to a trainer. */
export function trainerOptions(
  options: OptionValues<OptimiserOptions & LossOptionGroup & Pick<TrainingOptions, 'lr' | 'epochs'>>,
): Omit<TrainerOptions, 'seed'> {
  const { optimiser: kind, lr: learningRate, weightDecay, momentum, clip, shift } = options;
  const epochs = options.scheduleEpochs ?? options.epochs;
  return {
    ...lossOf(options),
    optimiser:
      kind === 'sgd' ? { kind, learningRate, momentum, weightDecay } : { kind, learningRate, weightDecay },
    schedule:
      options.schedule === 'constant'
        ? { kind: 'constant' }
        : options.schedule === 'cosine'
          ? { kind: 'cosine', epochs }
          : { kind: 'step', epochs, factor: options.scheduleFactor },
    ...(clip > 0 && { clipNorm: clip }),
    ...(shift > 0 && { shift: { pixels: shift } }),
  };
}
