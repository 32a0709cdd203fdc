import * as tf from '@tensorflow/tfjs-core';

/** 1 where a step is real and 0 where it is padding, [batch, steps]; undefined where every step is real. */
export function stepMask(
  lengths: ArrayLike<number> | undefined,
  batch: number,
  steps: number,
): tf.Tensor2D | undefined {
  if (lengths === undefined || realSteps(lengths, batch, steps) === batch * steps) return undefined;
  const mask = new Float32Array(batch * steps);
  for (let sample = 0; sample < batch; sample++) {
    mask.fill(1, sample * steps, sample * steps + Math.min(lengths[sample]!, steps));
  }
  return tf.tensor2d(mask, [batch, steps]);
}

/** Real steps of samples whose frames are shown for `repeat` steps each. */
export function shownLengths(
  lengths: ArrayLike<number> | undefined,
  repeat: number,
): ArrayLike<number> | undefined {
  return lengths === undefined || repeat === 1 ? lengths : Array.from(lengths, (frames) => frames * repeat);
}

/** How many steps of a batch are real. */
export function realSteps(lengths: ArrayLike<number> | undefined, batch: number, steps: number): number {
  if (lengths === undefined) return batch * steps;
  let total = 0;
  for (let sample = 0; sample < batch; sample++) total += Math.min(lengths[sample]!, steps);
  return total;
}

/** Mean over the real steps of each sample: [batch, steps, …] to [batch, …]; of a sample without any, zeros. */
export function meanOverSteps(sequence: tf.Tensor, lengths: ArrayLike<number> | undefined): tf.Tensor {
  const [batch, steps, ...features] = sequence.shape as [number, number, ...number[]];
  if (realSteps(lengths, batch, steps) === batch * steps) return tf.mean(sequence, 1);
  const weights = new Float32Array(batch * steps);
  for (let sample = 0; sample < batch; sample++) {
    const real = Math.min(lengths![sample]!, steps);
    weights.fill(1 / Math.max(real, 1), sample * steps, sample * steps + real);
  }
  const shape = [batch, steps, ...features.map(() => 1)];
  return tf.sum(tf.mul(sequence, tf.tensor(weights, shape)), 1);
}
