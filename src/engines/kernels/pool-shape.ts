import type * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../../errors.ts';

/** Shape after pooling squares of `size` pixels that do not overlap. */
export function poolShape(shape: readonly number[], size: number): number[] {
  const [maps, height, width, channels] = shape as [number, number, number, number];
  return [maps, Math.floor(height / size), Math.floor(width / size), channels];
}

/** Throws unless `input` is maps that hold at least one square. */
export function requirePool(name: string, input: tf.Tensor, size: number): void {
  const [, height = 0, width = 0] = input.shape;
  if (input.rank !== 4 || height < size || width < size) {
    throw new ShapeError(
      `${name}: expected [maps, height, width, channels] of at least ${size}x${size} pixels, found [${input.shape}]`,
    );
  }
}
