import { RandomStream } from '../random.ts';
import type { BatchColumns } from './batch-tensors.ts';

/** How far frames are shifted. */
export interface ShiftOptions {
  /** Largest shift in pixels, in each direction and axis. */
  readonly pixels: number;
}

/**
 * A copy of a batch's frames, each sample shifted by its own whole number of pixels, with zeros moving in. The shift
 * is a function of (seed, epoch, sample id).
 */
export function shiftFrames(
  { frames, shape, ids }: Pick<BatchColumns, 'frames' | 'shape' | 'ids'>,
  { pixels }: ShiftOptions,
  seed: number,
  epoch: number,
): Float32Array {
  const [batch, steps, height, width, channels] = shape;
  const shifted = new Float32Array(frames.length);
  const row = width * channels;
  for (let sample = 0; sample < batch; sample++) {
    const random = new RandomStream(seed, `shift/${epoch}/${ids[sample]}`);
    const dx = random.integer(0, 2 * pixels + 1) - pixels;
    const dy = random.integer(1, 2 * pixels + 1) - pixels;
    const rowStart = Math.max(0, dx) * channels;
    const rowEnd = Math.min(width, width + dx) * channels;
    if (rowEnd <= rowStart) continue;
    for (let step = 0; step < steps; step++) {
      const frame = (sample * steps + step) * height * row;
      for (let y = Math.max(0, dy); y < Math.min(height, height + dy); y++) {
        const from = frame + (y - dy) * row - dx * channels;
        shifted.set(frames.subarray(from + rowStart, from + rowEnd), frame + y * row + rowStart);
      }
    }
  }
  return shifted;
}
