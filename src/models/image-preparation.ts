/**
 * What happens to images between their bytes and a network: augmentation in training (random crop with padding,
 * mirror image, cutout), then normalisation. Everything drawn is a function of (seed, epoch, sample id). All frames of
 * a sample are treated alike.
 */

import { OptionError } from '../errors.ts';
import { RandomStream } from '../random.ts';
import type { BatchColumns } from './batch-tensors.ts';

/** How images are prepared. */
export interface ImagePreparation {
  /** Pixels of black around an image, of which a part of its own size is then cut at random. Default 0. */
  readonly crop?: number;
  /** Chance of the mirror image, left for right. Default 0. */
  readonly flip?: number;
  /** Side in pixels of a square, centred anywhere, that is set to 0 after normalisation. Default 0. */
  readonly cutout?: number;
  /** By channel, (byte / 255 - mean) / deviation; absent: bytes stay as they are. */
  readonly normalisation?: { readonly mean: readonly number[]; readonly deviation: readonly number[] };
}

/** Mean and deviation of the channels of CIFAR-10, as most of its results use them. */
export const cifar10Normalisation: NonNullable<ImagePreparation['normalisation']> = {
  mean: [0.4914, 0.4822, 0.4465],
  deviation: [0.2023, 0.1994, 0.201],
};

/**
 * A batch's frames, prepared; the frames themselves where there is nothing to do.
 * @param draw what training draws by; absent in evaluation, which only normalises
 */
export function prepareImages(
  { frames, shape, ids }: Pick<BatchColumns, 'frames' | 'shape' | 'ids'>,
  { crop = 0, flip = 0, cutout = 0, normalisation }: ImagePreparation,
  draw?: { readonly seed: number; readonly epoch: number },
): Float32Array {
  const [batch, steps, height, width, channels] = shape;
  const augmented = draw !== undefined && (crop > 0 || flip > 0 || cutout > 0);
  if (!augmented && normalisation === undefined) return frames;
  const scale = scaleOf(normalisation, channels);
  const prepared = new Float32Array(frames.length);
  const size = height * width * channels;
  const frame = { height, width, channels };
  for (let sample = 0; sample < batch; sample++) {
    const drawn = augmented
      ? drawPlace(new RandomStream(draw.seed, `augment/${draw.epoch}/${ids[sample]}`), frame, { crop, flip })
      : unmoved;
    for (let step = 0; step < steps; step++) {
      const from = (sample * steps + step) * size;
      const target = prepared.subarray(from, from + size);
      place(frames.subarray(from, from + size), target, frame, drawn, scale);
      if (augmented && cutout > 0) cut(target, frame, drawn, cutout);
    }
  }
  return prepared;
}

interface FrameSize {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Where an image goes: shifted to the right and down, its mirror image or not; and where it is cut out. */
interface Place {
  readonly dx: number;
  readonly dy: number;
  readonly mirrored: boolean;
  /** Centre of the cutout. */
  readonly x: number;
  readonly y: number;
}

const unmoved: Place = { dx: 0, dy: 0, mirrored: false, x: 0, y: 0 };

function drawPlace(
  random: RandomStream,
  { height, width }: FrameSize,
  { crop, flip }: { readonly crop: number; readonly flip: number },
): Place {
  return {
    dx: random.integer(0, 2 * crop + 1) - crop,
    dy: random.integer(1, 2 * crop + 1) - crop,
    mirrored: random.uniform(2) < flip,
    x: random.integer(3, width),
    y: random.integer(4, height),
  };
}

/** Factor and offset of every channel. */
interface Scale {
  readonly factor: Float64Array;
  readonly offset: Float64Array;
}

function scaleOf(normalisation: ImagePreparation['normalisation'], channels: number): Scale {
  const factor = new Float64Array(channels).fill(1);
  const offset = new Float64Array(channels);
  if (normalisation === undefined) return { factor, offset };
  const { mean, deviation } = normalisation;
  if (mean.length !== channels || deviation.length !== channels) {
    throw new OptionError(
      `normalisation: expected ${channels} means and deviations, one for each channel, found ${mean.length} and ${deviation.length}`,
    );
  }
  for (let channel = 0; channel < channels; channel++) {
    factor[channel] = 1 / (255 * deviation[channel]!);
    offset[channel] = -mean[channel]! / deviation[channel]!;
  }
  return { factor, offset };
}

/** Draws an image at its place, black where it does not reach, scaled. */
function place(
  image: Float32Array,
  target: Float32Array,
  { height, width, channels }: FrameSize,
  { dx, dy, mirrored }: Place,
  { factor, offset }: Scale,
): void {
  for (let y = 0; y < height; y++) {
    const row = y - dy;
    for (let x = 0; x < width; x++) {
      const column = mirrored ? width - 1 - x - dx : x - dx;
      const inside = row >= 0 && row < height && column >= 0 && column < width;
      const source = (row * width + column) * channels;
      const place = (y * width + x) * channels;
      for (let channel = 0; channel < channels; channel++) {
        const value = inside ? image[source + channel]! : 0;
        target[place + channel] = value * factor[channel]! + offset[channel]!;
      }
    }
  }
}

/** Sets a square to 0, as far as it lies in the frame: from half its side before the centre on. */
function cut(
  frame: Float32Array,
  { height, width, channels }: FrameSize,
  { x, y }: Place,
  side: number,
): void {
  const [left, top] = [x - (side >> 1), y - (side >> 1)];
  const [from, to] = [Math.max(0, left), Math.min(width, left + side)];
  for (let row = Math.max(0, top); row < Math.min(height, top + side); row++) {
    frame.fill(0, (row * width + from) * channels, (row * width + to) * channels);
  }
}
