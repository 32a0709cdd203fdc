import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FormatError, InputError } from '../../../src/errors.ts';
import { cifar10ClassNames, openCifar10 } from '../../../src/streams/datasets/cifar10.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const makeFolder = temporaryFolders();

/** Images of the given labels: red is the label, green the row, blue the column. */
function batch(...labels: number[]): Uint8Array {
  return Uint8Array.from(
    labels.flatMap((label) => [
      label,
      ...Array.from({ length: 1024 }, () => label),
      ...Array.from({ length: 1024 }, (_, i) => i >> 5),
      ...Array.from({ length: 1024 }, (_, i) => i & 31),
    ]),
  );
}

describe('openCifar10', () => {
  it('opens batches, gzip or not, in the official folder or above it', async () => {
    const set = await openCifar10(
      makeFolder({
        'cifar-10-batches-bin/data_batch_1.bin': batch(3, 9),
        'cifar-10-batches-bin/data_batch_3.bin.gz': gzipSync(batch(5)),
        'cifar-10-batches-bin/test_batch.bin': batch(0),
      }),
    );
    expect(set).toMatchObject({ classNames: cifar10ClassNames, size: { width: 32, height: 32 } });
    expect(set.parts.train!.map(({ id, label }) => [id, label])).toEqual([
      ['train/00000', 3],
      ['train/00001', 9],
      ['train/20000', 5],
    ]);
    const image = await set.parts.train![1]!.load();
    expect(image).toMatchObject({ id: 'train/00001', label: 9, width: 32, height: 32, channels: 3 });
    expect([...image.pixels.subarray(3 * (32 * 7 + 11), 3 * (32 * 7 + 11) + 3)]).toEqual([9, 7, 11]);
    expect(set.parts.all).toHaveLength(4);
  });

  it('takes class names from beside the batches', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `class ${i}`);
    const set = await openCifar10(
      makeFolder({ 'test_batch.bin': batch(1), 'batches.meta.txt': `${names.join('\n')}\n\n` }),
    );
    expect(set.classNames).toEqual(names);
    expect(set.parts.train).toBeUndefined();
  });

  it('reports what is wrong and where', async () => {
    await expect(openCifar10(makeFolder({ 'data_batch_6.bin': '' }))).rejects.toThrow(InputError);
    await expect(openCifar10('/nowhere/at/all')).rejects.toThrow(InputError);
    const fault = async (name: string, bytes: Uint8Array): Promise<unknown> => {
      const folder = makeFolder({ [name]: bytes });
      const error = await openCifar10(folder).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(FormatError);
      return (error as Error).message.replace(`${join(folder, name)}: `, '');
    };
    expect(await fault('test_batch.bin', batch(0, 10))).toBe(
      'CIFAR-10 batch: expected a label of 0 to 9, found 10 at byte 3073',
    );
    expect(await fault('test_batch.bin', batch(0, 1).subarray(0, 5000))).toBe(
      'CIFAR-10 batch: expected images of 3073 bytes, found 5000 bytes in all at byte 3073',
    );
    expect(await fault('test_batch.bin', new Uint8Array())).toMatch(/found 0 bytes in all at byte 0$/);
    expect(await fault('test_batch.bin.gz', gzipSync(batch(0)).subarray(0, 60))).toBe(
      'gzip data ends early at byte 60',
    );
    expect(await fault('test_batch.bin', new Uint8Array(30_730_001))).toMatch(
      /expected at most 30730000 bytes/,
    );
  });
});

describeWithShared(
  'handed-down CIFAR-10',
  ['data/cifar10/test_batch.bin.gz', 'data/cifar10/data_batch_5.bin.gz'],
  () => {
    it('has the labels and pixels that an independent reader sums', async () => {
      const set = await openCifar10(sharedPath('data/cifar10'));
      expect([set.parts.train!.length, set.parts.test!.length]).toEqual([50_000, 10_000]);
      expect(set.classNames).toEqual(cifar10ClassNames);
      expect(set.parts.test!.slice(0, 10).map(({ label }) => label)).toEqual([3, 8, 8, 0, 6, 6, 1, 6, 3, 1]);
      const counts = new Array<number>(10).fill(0);
      for (const { label } of set.parts.train!.slice(40_000)) counts[label]!++;
      expect(counts).toEqual([1014, 1014, 952, 1016, 997, 1025, 980, 977, 1003, 1022]);
      const sums = [0, 0, 0];
      for (const token of set.parts.test!) {
        const { pixels } = await token.load();
        for (let i = 0; i < pixels.length; i += 3) for (let c = 0; c < 3; c++) sums[c]! += pixels[i + c]!;
      }
      expect(sums).toEqual([1_290_492_328, 1_266_775_083, 1_176_108_223]);
      const { pixels } = await set.parts.test![7]!.load();
      expect([...pixels.subarray(3 * (3 * 32 + 5), 3 * (3 * 32 + 5) + 3)]).toEqual([87, 93, 82]);
    });
  },
);
