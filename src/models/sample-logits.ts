import type * as tf from '@tensorflow/tfjs-core';
import { meanOverSteps } from './layers/step-mask.ts';

/** Windows of which at least one bin is real. */
export function realWindows(lengths: ArrayLike<number>, windowBins: number): number[] {
  return Array.from(lengths, (length) => Math.ceil(length / windowBins));
}

/** The logits of each sample: the mean over its real windows; [batch, windows, classes] to [batch, classes]. */
export function sampleLogits(
  output: tf.Tensor3D,
  lengths: ArrayLike<number>,
  windowBins: number,
): tf.Tensor2D {
  return meanOverSteps(output, realWindows(lengths, windowBins)) as tf.Tensor2D;
}
