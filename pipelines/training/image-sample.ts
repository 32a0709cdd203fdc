import type { Sample } from '../../src/events.ts';
import type { ImageToken } from '../../src/streams/datasets/dataset.ts';

/** The image as its bytes, one frame; the trainer encodes it as it is used. */
export async function imageSample(token: ImageToken): Promise<Sample> {
  const { id, label, width, height, channels, pixels } = await token.load();
  return { id, label, frames: Float32Array.from(pixels), shape: [1, height, width, channels], length: 1 };
}
