import { choiceOption, integerOption, numberOption, type Option } from '../definition.ts';
import { type ImageOptions, imageOptions } from './image-options.ts';
import { type TrainingOptions, trainingOptions } from './options.ts';

/** The options of training on images that are shown to a network as they are, the same at every step. */
export type DirectImageOptions = Omit<TrainingOptions, 'size'> &
  ImageOptions & {
    readonly timesteps: Option<number>;
    readonly normalise: Option<'cifar10' | 'none'>;
    readonly validation: Option<number>;
  };

/** The numbers in which these pipelines differ. */
export interface DirectImageDefaults {
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
  readonly timesteps: number;
  readonly crop?: number;
  readonly flip: number;
}

/** The options with one pipeline's defaults; the test images choose the best epoch, as in the reference notebooks. */
export function directImageOptions(defaults: DirectImageDefaults): DirectImageOptions {
  const { epochs, batchSize, lr, timesteps, crop = 0, flip } = defaults;
  // Images keep their size.
  const { size: _, ...common } = trainingOptions({
    data: {
      help: 'CIFAR-10 in binary form, or other images of one size; others than colour with --normalise none',
    },
    ...{ epochs, batchSize, lr, seed: 42, size: 32 },
  });
  return {
    ...common,
    timesteps: integerOption({
      help: 'steps for which a spiking network is shown an image',
      default: timesteps,
      min: 1,
    }),
    ...imageOptions({ crop, flip }),
    normalise: choiceOption(['cifar10', 'none'], {
      help: "by the mean and deviation of CIFAR-10's colours, or bytes as shares of 255",
      default: 'cifar10',
    }),
    validation: numberOption({
      help: 'share of the training images that choose the best epoch; with 0, the test images do',
      placeholder: 'X',
      default: 0,
      min: 0,
      max: 0.5,
    }),
  };
}
