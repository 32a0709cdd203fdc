import { readdir } from 'node:fs/promises';
import { openCifar10 } from './cifar10.ts';
import type { Dataset, ImageToken } from './dataset.ts';
import { openImageFolder } from './image-folder.ts';
import { openMnist } from './mnist.ts';

/** The images at a path, whichever form they have: CIFAR-10 batches, MNIST idx files, or folders by class. */
export async function openImages(path: string): Promise<Dataset<ImageToken>> {
  // A path that is no folder may be an archive of image folders, or a mistake: both are the folder's matter.
  const names = await readdir(path).catch((): string[] => []);
  if (names.some((name) => /^(data|test)_batch.*\.bin(\.gz)?$|^cifar-10-batches-bin$/.test(name))) {
    return openCifar10(path);
  }
  if (names.some((name) => /-idx[13]-ubyte(\.gz)?$|\.idx[13]-ubyte(\.gz)?$/.test(name)))
    return openMnist(path);
  return openImageFolder(path);
}
