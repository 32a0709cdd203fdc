import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError, InputError } from '../../errors.ts';
import { expecting } from '../archives/expecting.ts';
import { readUnpacked } from '../archives/gzip.ts';
import { createDataset, type Dataset, type ImageToken } from './dataset.ts';

const files = {
  train: { images: /^train-images[-.]idx3-ubyte(\.gz)?$/, labels: /^train-labels[-.]idx1-ubyte(\.gz)?$/ },
  test: { images: /^t10k-images[-.]idx3-ubyte(\.gz)?$/, labels: /^t10k-labels[-.]idx1-ubyte(\.gz)?$/ },
} as const;

const CLASSES = 10;
/** Above any set of this form (EMNIST's largest has 550 MB), below what a cheating gzip file unpacks to. */
const MOST_BYTES = 2 ** 30;

/**
 * MNIST (LeCun et al. 1998) as idx files, gzip or not, in a folder: `train-images-idx3-ubyte` and so on. The images
 * stay in memory, 55 MB in all. Ids are the official indices: `train/00000`.
 */
export async function openMnist(path: string): Promise<Dataset<ImageToken>> {
  const names = await readdir(path).catch(expecting('a folder', path));
  const parts = { train: [] as ImageToken[], test: [] as ImageToken[] };
  for (const part of ['train', 'test'] as const) {
    const images = names.sort().find((name) => files[part].images.test(name));
    const labels = names.find((name) => files[part].labels.test(name));
    if (images !== undefined && labels !== undefined) {
      parts[part] = await readPart(part, join(path, images), join(path, labels));
    }
  }
  const [first] = [...parts.train, ...parts.test];
  if (first === undefined) {
    throw new InputError(
      'expected train-images-idx3-ubyte with train-labels-idx1-ubyte (or .gz), found none',
      path,
    );
  }
  const { width, height } = await first.load();
  return createDataset({
    name: 'MNIST',
    classNames: Array.from({ length: CLASSES }, (_, digit) => String(digit)),
    simulated: false,
    size: { width, height },
    parts,
  });
}

async function readPart(part: string, imagesPath: string, labelsPath: string): Promise<ImageToken[]> {
  const images = readIdx(await readUnpacked(imagesPath, MOST_BYTES), 3, imagesPath);
  const labels = readIdx(await readUnpacked(labelsPath, MOST_BYTES), 1, labelsPath);
  const [count, height, width] = images.sizes as [number, number, number];
  if (labels.sizes[0] !== count) {
    const fault = `expected ${count} labels as there are images, found ${labels.sizes[0]}`;
    throw new FormatError(fault, { path: labelsPath, byteOffset: 4 });
  }
  return Array.from(labels.values, (label, i) => {
    if (label >= CLASSES) {
      const byteOffset = labels.start + i;
      throw new FormatError(`expected a label of 0 to 9, found ${label}`, { path: labelsPath, byteOffset });
    }
    const id = `${part}/${String(i).padStart(5, '0')}`;
    const pixels = images.values.subarray(i * width * height, (i + 1) * width * height);
    return { id, label, load: () => Promise.resolve({ id, label, width, height, channels: 1, pixels }) };
  });
}

interface Idx {
  readonly sizes: number[];
  readonly values: Uint8Array;
  /** Where the values start in the file, in bytes. */
  readonly start: number;
}

/** An idx file of bytes: magic 0, 0, 8 (unsigned byte), dimensions; then the sizes, big-endian; then the values. */
function readIdx(bytes: Uint8Array, dimensions: number, path: string): Idx {
  const headerBytes = 4 + 4 * dimensions;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const magic = bytes.length >= 4 ? view.getUint32(0) : undefined;
  const expected = 0x0800 + dimensions;
  if (magic !== expected) {
    const hex = (value: number | undefined): string =>
      value === undefined ? 'the end' : `0x${value.toString(16)}`;
    throw new FormatError(`idx magic ${hex(expected)} expected, found ${hex(magic)}`, {
      path,
      byteOffset: 0,
    });
  }
  if (bytes.length < headerBytes) {
    throw new FormatError('idx header ends early', { path, byteOffset: bytes.length });
  }
  const sizes = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  const length = sizes.reduce((product, size) => product * size, 1);
  if (length !== bytes.length - headerBytes) {
    const fault = `idx header says ${sizes.join(' x ')} values, found ${bytes.length - headerBytes}`;
    throw new FormatError(fault, { path, byteOffset: Math.min(bytes.length, headerBytes + length) });
  }
  return { sizes, values: bytes.subarray(headerBytes), start: headerBytes };
}
