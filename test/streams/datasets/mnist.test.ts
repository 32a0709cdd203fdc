import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FormatError, InputError } from '../../../src/errors.ts';
import { openMnist } from '../../../src/streams/datasets/mnist.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const makeFolder = temporaryFolders();

/** An idx file: a 32-bit magic, 32-bit sizes, then bytes. */
function idx(magic: number, sizes: number[], values: number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  for (const [i, word] of [magic, ...sizes].entries()) header.writeUInt32BE(word, 4 * i);
  return Buffer.concat([header, Buffer.from(values)]);
}

const images = idx(0x803, [2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
const labels = idx(0x801, [2], [4, 9]);

describe('openMnist', () => {
  it('opens idx files, gzip or not, under either spelling', async () => {
    const set = await openMnist(
      makeFolder({
        'train-images-idx3-ubyte.gz': gzipSync(images),
        'train-labels-idx1-ubyte': labels,
        't10k-images.idx3-ubyte': images,
        't10k-labels.idx1-ubyte': labels,
      }),
    );
    expect(set).toMatchObject({ name: 'MNIST', simulated: false, size: { width: 3, height: 2 } });
    expect(set.parts.train!.map(({ id, label }) => [id, label])).toEqual([
      ['train/00000', 4],
      ['train/00001', 9],
    ]);
    const image = await set.parts.test![1]!.load();
    expect(image).toMatchObject({ id: 'test/00001', label: 9, width: 3, height: 2, channels: 1 });
    expect([...image.pixels]).toEqual([7, 8, 9, 10, 11, 12]);
  });

  it('reports what is wrong and where', async () => {
    await expect(openMnist(makeFolder({ 'train-images-idx3-ubyte': images }))).rejects.toThrow(InputError);
    const fault = async (files: { images?: Uint8Array; labels?: Uint8Array }): Promise<string> => {
      const folder = makeFolder({
        't10k-images-idx3-ubyte': files.images ?? images,
        't10k-labels-idx1-ubyte': files.labels ?? labels,
      });
      const error = await openMnist(folder).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(FormatError);
      return (error as Error).message.replace(join(folder, 't10k-'), '');
    };
    expect(await fault({ images: labels })).toBe(
      'images-idx3-ubyte: idx magic 0x803 expected, found 0x801 at byte 0',
    );
    expect(await fault({ images: new Uint8Array(2) })).toMatch(/found the end at byte 0$/);
    expect(await fault({ images: images.subarray(0, 10) })).toBe(
      'images-idx3-ubyte: idx header ends early at byte 10',
    );
    expect(await fault({ images: images.subarray(0, 20) })).toBe(
      'images-idx3-ubyte: idx header says 2 x 2 x 3 values, found 4 at byte 20',
    );
    expect(await fault({ images: idx(0x803, [2 ** 31, 2 ** 31, 2 ** 31], []) })).toMatch(
      /found 0 at byte 16$/,
    );
    expect(await fault({ labels: idx(0x801, [3], [1, 2, 3]) })).toBe(
      'labels-idx1-ubyte: expected 2 labels as there are images, found 3 at byte 4',
    );
    expect(await fault({ labels: idx(0x801, [2], [1, 10]) })).toBe(
      'labels-idx1-ubyte: expected a label of 0 to 9, found 10 at byte 9',
    );
    expect(await fault({ labels: gzipSync(labels).subarray(0, 20) })).toBe(
      'labels-idx1-ubyte: gzip data ends early at byte 20',
    );
  });
});

describeWithShared('handed-down MNIST', ['data/mnist/train-images-idx3-ubyte.gz'], () => {
  it('has the labels and pixels that an independent reader sums', async () => {
    const set = await openMnist(sharedPath('data/mnist'));
    const facts = async (part: 'train' | 'test'): Promise<[number[], number]> => {
      const counts = new Array<number>(10).fill(0);
      let sum = 0;
      for (const token of set.parts[part]!) {
        counts[token.label]!++;
        const { pixels } = await token.load();
        for (let i = 0; i < pixels.length; i++) sum += pixels[i]!;
      }
      return [counts, sum];
    };
    expect(await facts('train')).toEqual([
      [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
      1_567_298_545,
    ]);
    expect(await facts('test')).toEqual([
      [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
      264_923_200,
    ]);
    expect(set.parts.train!.slice(0, 10).map(({ label }) => label)).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
  });
});
