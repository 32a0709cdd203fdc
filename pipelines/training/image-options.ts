import type { ImagePreparation } from '../../src/models/image-preparation.ts';
import { integerOption, numberOption, type Option, type OptionValues } from '../definition.ts';

/** The options that say how training images are changed, anew in every epoch. */
export type ImageOptions = {
  readonly crop: Option<number>;
  readonly flip: Option<number>;
  readonly cutout: Option<number>;
};

/** The options of training images with one pipeline's defaults; none changes them by default. */
export function imageOptions(defaults: { crop?: number; flip?: number; cutout?: number } = {}): ImageOptions {
  return {
    crop: integerOption({
      help: 'cut training images at random from themselves with N pixels of black around',
      unit: 'pixels',
      default: defaults.crop ?? 0,
      min: 0,
    }),
    flip: numberOption({
      help: 'share of training images that are mirrored',
      placeholder: 'X',
      default: defaults.flip ?? 0,
      min: 0,
      max: 1,
    }),
    cutout: integerOption({
      help: 'side of a square that is cut out of training images',
      unit: 'pixels',
      default: defaults.cutout ?? 0,
      min: 0,
    }),
  };
}

/** What the options, and how images are normalised, say to a trainer. */
export function imagePreparation(
  { crop, flip, cutout }: OptionValues<ImageOptions>,
  normalisation?: ImagePreparation['normalisation'],
): ImagePreparation {
  return { crop, flip, cutout, ...(normalisation && { normalisation }) };
}

/** Normalisation of bytes to shares of full brightness. */
export function sharesOfBrightness(channels: number): NonNullable<ImagePreparation['normalisation']> {
  return { mean: new Array<number>(channels).fill(0), deviation: new Array<number>(channels).fill(1) };
}
