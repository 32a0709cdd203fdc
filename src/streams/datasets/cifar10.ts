import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError, InputError } from '../../errors.ts';
import type { LabelledImage } from '../../events.ts';
import { expecting } from '../archives/expecting.ts';
import { readUnpacked } from '../archives/gzip.ts';
import { createDataset, type Dataset, type ImageToken } from './dataset.ts';

/** The classes of CIFAR-10 and CIFAR10-DVS, in the order of their labels. */
export const cifar10ClassNames: readonly string[] =
  'airplane automobile bird cat deer dog frog horse ship truck'.split(' ');

const SIDE = 32;
const PLANE = SIDE * SIDE;
/** A label, then three planes: red, green, blue. */
const RECORD_BYTES = 1 + 3 * PLANE;
const BATCH_IMAGES = 10_000;

const batches = [
  ...Array.from({ length: 5 }, (_, i) => ({
    file: `data_batch_${i + 1}.bin`,
    part: 'train' as const,
    first: i,
  })),
  { file: 'test_batch.bin', part: 'test' as const, first: 0 },
].map((batch) => ({ ...batch, first: batch.first * BATCH_IMAGES }));

/**
 * CIFAR-10 (Krizhevsky 2009) in its binary form: a folder of `data_batch_1.bin` to `_5.bin` and `test_batch.bin`, each
 * gzip or not. The images stay in memory, 31 MB a batch. Ids are the official indices: `train/00000`.
 */
export async function openCifar10(path: string): Promise<Dataset<ImageToken>> {
  const names = await readdir(path).catch(expecting('a folder', path));
  if (names.includes('cifar-10-batches-bin')) return openCifar10(join(path, 'cifar-10-batches-bin'));
  const parts = { train: [] as ImageToken[], test: [] as ImageToken[] };
  for (const { file, part, first } of batches) {
    const name = [file, `${file}.gz`].find((candidate) => names.includes(candidate));
    if (name !== undefined) parts[part].push(...(await readBatch(join(path, name), part, first)));
  }
  if (parts.train.length + parts.test.length === 0) {
    throw new InputError(
      'expected data_batch_1.bin … data_batch_5.bin, test_batch.bin (or .bin.gz), found none',
      path,
    );
  }
  const classNames = names.includes('batches.meta.txt')
    ? await readClassNames(join(path, 'batches.meta.txt'))
    : cifar10ClassNames;
  return createDataset({
    name: 'CIFAR-10',
    classNames,
    simulated: false,
    size: { width: SIDE, height: SIDE },
    parts,
  });
}

async function readBatch(path: string, part: string, first: number): Promise<ImageToken[]> {
  const bytes = await readUnpacked(path, BATCH_IMAGES * RECORD_BYTES);
  const images = Math.floor(bytes.length / RECORD_BYTES);
  if (images === 0 || bytes.length !== images * RECORD_BYTES) {
    const fault = `CIFAR-10 batch: expected images of ${RECORD_BYTES} bytes, found ${bytes.length} bytes in all`;
    throw new FormatError(fault, { path, byteOffset: images * RECORD_BYTES });
  }
  return Array.from({ length: images }, (_, i) => {
    const byteOffset = i * RECORD_BYTES;
    const label = bytes[byteOffset]!;
    if (label >= cifar10ClassNames.length) {
      throw new FormatError(`CIFAR-10 batch: expected a label of 0 to 9, found ${label}`, {
        path,
        byteOffset,
      });
    }
    const id = `${part}/${String(first + i).padStart(5, '0')}`;
    const planes = bytes.subarray(byteOffset + 1, byteOffset + RECORD_BYTES);
    return { id, label, load: () => Promise.resolve(interleave(id, label, planes)) };
  });
}

/** Planes [channel, row, column] become pixels [row, column, channel]. */
function interleave(id: string, label: number, planes: Uint8Array): LabelledImage {
  const pixels = new Uint8Array(3 * PLANE);
  for (let i = 0; i < PLANE; i++) {
    pixels[3 * i] = planes[i]!;
    pixels[3 * i + 1] = planes[PLANE + i]!;
    pixels[3 * i + 2] = planes[2 * PLANE + i]!;
  }
  return { id, label, width: SIDE, height: SIDE, channels: 3, pixels };
}

async function readClassNames(path: string): Promise<string[]> {
  const names = (await readFile(path, 'utf8').catch(expecting('class names', path)))
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');
  if (names.length !== cifar10ClassNames.length) {
    throw new FormatError(`class names: expected 10 lines, found ${names.length}`, { path });
  }
  return names;
}
