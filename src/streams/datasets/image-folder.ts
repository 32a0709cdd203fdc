import { basename } from 'node:path';
import { FormatError, InputError } from '../../errors.ts';
import type { LabelledImage, SensorSize } from '../../events.ts';
import { type Member, openTree } from '../archives/tree.ts';
import { createDataset, type Dataset, type ImageToken } from './dataset.ts';

/** Pixels above which an image is refused before it is decoded. */
const MOST_PIXELS = 64e6;

/** The part where there is one, and the class: `train/cat/one.png`, `cat/one.png`. */
const IMAGE = /(?:(?:^|\/)(train|test))?(?:^|\/)([^/]+)\/[^/]+\.(?:png|jpe?g)$/i;

export interface ImageFolderOptions {
  /** Scales each image to cover this size, cut at the centre; default: sizes as they are. */
  readonly size?: SensorSize;
}

/**
 * PNG and JPEG images in folders by class (`cat/one.png`), or in `train` and `test` folders of such folders; also in
 * zip and tar archives. Images are decoded when loaded, to red, green, blue.
 */
export async function openImageFolder(
  path: string,
  { size }: ImageFolderOptions = {},
): Promise<Dataset<ImageToken>> {
  const tree = await openTree(path);
  const images = tree.members.flatMap((member) => {
    const [, part, className] = IMAGE.exec(member.name) ?? [];
    return className === undefined ? [] : [{ member, part: part?.toLowerCase(), className }];
  });
  if (images.length === 0) {
    await tree.close();
    throw new InputError(
      `expected PNG or JPEG images in folders by class (cat/one.png), found ${tree.members.length} other files`,
      path,
    );
  }
  const classNames = [...new Set(images.map((image) => image.className))].sort();
  const parts = { all: [] as ImageToken[], train: [] as ImageToken[], test: [] as ImageToken[] };
  for (const { member, part, className } of images) {
    const label = classNames.indexOf(className);
    const token = { id: member.name, label, load: () => decode(member, label, size) };
    parts.all.push(token);
    if (part === 'train' || part === 'test') parts[part].push(token);
  }
  return createDataset({
    name: basename(path),
    classNames,
    simulated: false,
    ...(size === undefined ? {} : { size }),
    parts,
    close: () => tree.close(),
  });
}

async function decode(member: Member, label: number, size: SensorSize | undefined): Promise<LabelledImage> {
  // Loaded here, so that programs which never decode an image do not load the native library.
  const { default: sharp } = await import('sharp');
  const bytes = await member.read();
  try {
    let image = sharp(bytes, { limitInputPixels: MOST_PIXELS, failOn: 'error' })
      .autoOrient()
      .flatten({ background: '#000' })
      .toColourspace('srgb');
    if (size !== undefined) image = image.resize(size.width, size.height, { fit: 'cover' });
    const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    return { id: member.name, label, width, height, channels, pixels: data };
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0];
    throw new FormatError(`image cannot be decoded (${reason})`, { path: member.where }, { cause });
  }
}
