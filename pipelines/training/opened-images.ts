import { OptionError } from '../../src/errors.ts';
import type { Dataset, ImageToken } from '../../src/streams/datasets/dataset.ts';
import { openImages } from '../../src/streams/datasets/open-images.ts';

const CIFAR10 = 'https://www.cs.toronto.edu/~kriz/cifar.html';

/** Images to train on, the path of them, and the shape that all are to have. */
export interface OpenedImages {
  readonly data: string;
  readonly dataset: Dataset<ImageToken>;
  readonly frame: { readonly height: number; readonly width: number; readonly channels: number };
}

/** CIFAR-10 in its binary form, or other images, from `--data`; the first tells the shape. */
export async function openedImages({ data }: { readonly data: string | undefined }): Promise<OpenedImages> {
  if (data === undefined) {
    throw new OptionError(
      `--data: expected the folder of CIFAR-10's binary form (from ${CIFAR10}), found none`,
    );
  }
  const dataset = await openImages(data);
  const first = dataset.parts.all?.[0];
  if (first === undefined) throw new OptionError(`--data: expected images in ${data}, found none`);
  const { height, width, channels } = await first.load();
  return { data, dataset, frame: { height, width, channels } };
}
