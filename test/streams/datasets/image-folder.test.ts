import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { FormatError, InputError } from '../../../src/errors.ts';
import { openImageFolder } from '../../../src/streams/datasets/image-folder.ts';
import { openImages } from '../../../src/streams/datasets/open-images.ts';
import { makeZip } from '../archives/make-archive.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const makeFolder = temporaryFolders();

const flat = (
  width: number,
  height: number,
  background: string | { r: number; g: number; b: number; alpha: number },
): ReturnType<typeof sharp> => sharp({ create: { width, height, channels: 4, background } });

let red: Buffer;
let grey: Buffer;
let clear: Buffer;
let photo: Buffer;

beforeAll(async () => {
  red = await flat(4, 3, { r: 255, g: 10, b: 20, alpha: 1 }).png().toBuffer();
  grey = await flat(2, 2, '#808080').greyscale().removeAlpha().png().toBuffer();
  clear = await flat(2, 2, { r: 200, g: 200, b: 200, alpha: 0 }).png().toBuffer();
  photo = await flat(16, 8, { r: 30, g: 60, b: 200, alpha: 1 }).jpeg({ quality: 100 }).toBuffer();
});

describe('openImageFolder', () => {
  it('opens PNG and JPEG by class, decoded to red, green, blue', async () => {
    const set = await openImageFolder(
      makeFolder({
        'cat/b.png': red,
        'cat/a.JPG': photo,
        'ant/1.png': grey,
        'ant/2.png': clear,
        'ant/note.txt': '',
      }),
    );
    expect(set.classNames).toEqual(['ant', 'cat']);
    expect(set.parts.all!.map(({ id, label }) => [id, label])).toEqual([
      ['ant/1.png', 0],
      ['ant/2.png', 0],
      ['cat/a.JPG', 1],
      ['cat/b.png', 1],
    ]);
    const [greyImage, clearImage, photoImage, redImage] = await Promise.all(
      set.parts.all!.map((token) => token.load()),
    );
    expect(redImage).toMatchObject({ id: 'cat/b.png', label: 1, width: 4, height: 3, channels: 3 });
    expect([...redImage!.pixels.subarray(0, 6)]).toEqual([255, 10, 20, 255, 10, 20]);
    expect(redImage!.pixels).toHaveLength(36);
    expect([...greyImage!.pixels]).toEqual(new Array(12).fill(128));
    expect([...clearImage!.pixels]).toEqual(new Array(12).fill(0));
    expect(photoImage).toMatchObject({ width: 16, height: 8, channels: 3 });
    expect(Math.abs(photoImage!.pixels[2]! - 200)).toBeLessThan(6);
  });

  it('keeps train and test folders apart, reads archives, scales where asked', async () => {
    const set = await openImageFolder(
      makeFolder({
        'train/cat/1.png': red,
        'train/ant/1.png': red,
        'test/cat/1.png': red,
        'more.zip': makeZip([{ name: 'test/ant/1.png', content: red, deflate: true }]),
      }),
      { size: { width: 5, height: 5 } },
    );
    expect(set.parts.train!.map(({ id }) => id)).toEqual(['train/ant/1.png', 'train/cat/1.png']);
    expect(set.parts.test!.map(({ id, label }) => [id, label])).toEqual([
      ['more/test/ant/1.png', 0],
      ['test/cat/1.png', 1],
    ]);
    expect(await set.parts.test![0]!.load()).toMatchObject({ width: 5, height: 5, channels: 3 });
    await set.close();
  });

  it('reports folders without images, and damaged or enormous images when they are loaded', async () => {
    await expect(openImageFolder(makeFolder({ '1.png': red }))).rejects.toThrow(InputError);
    const header = Buffer.from(red);
    header.writeUInt32BE(100_000, 16);
    header.writeUInt32BE(100_000, 20);
    const folder = makeFolder({
      'a/cut.png': red.subarray(0, 60),
      'a/huge.png': header,
      'a/text.jpg': 'no image',
      'a/empty.png': '',
    });
    const set = await openImageFolder(folder);
    for (const token of set.parts.all!) {
      const error = await token.load().catch((cause: unknown) => cause);
      expect(error, token.id).toBeInstanceOf(FormatError);
      expect((error as Error).message.split('\n'), token.id).toHaveLength(1);
      expect((error as Error).message).toContain(`${join(folder, token.id)}: image cannot be decoded (`);
    }
  });
});

describe('openImages', () => {
  it('tells the form of a set by the names of its files', async () => {
    const batch = new Uint8Array(3073);
    expect((await openImages(makeFolder({ 'test_batch.bin': batch }))).name).toBe('CIFAR-10');
    const images = Buffer.from('00000803000000010000000100000001ff', 'hex');
    const labels = Buffer.from('000008010000000105', 'hex');
    const mnist = makeFolder({ 't10k-images-idx3-ubyte': images, 't10k-labels-idx1-ubyte': labels });
    expect((await openImages(mnist)).name).toBe('MNIST');
    expect((await openImages(makeFolder({ 'cat/1.png': red }))).classNames).toEqual(['cat']);
    await expect(openImages('/nowhere/at/all')).rejects.toThrow(InputError);
  });
});
