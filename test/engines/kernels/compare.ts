import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { RandomStream } from '../../../src/random.ts';
import { differences, type Plain, plain } from './plain.ts';

/** Numbers of a stream of their own, exact in float32, uniform in [-1, 1). */
export function randomPlain(shape: readonly number[], name: string): Plain {
  const random = new RandomStream(3, name);
  return plain(shape, (index) => 2 * random.uniform(index) - 1);
}

export function tensorOf({ values, shape }: Plain): tf.Tensor {
  return tf.tensor(Float32Array.from(values), [...shape]);
}

/** Compares to a share of the largest expected value. */
export async function expectNear(
  tensor: tf.Tensor,
  expected: Plain,
  tolerance: number,
  what: string,
): Promise<void> {
  expect(tensor.shape, what).toStrictEqual([...expected.shape]);
  const found = await tensor.data();
  const scale = expected.values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-2);
  let worst = 0;
  expected.values.forEach((value, index) => {
    const error = Math.abs(found[index]! - value);
    // A NaN is not below any limit, and Math.max would keep it.
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
  });
  expect(worst / scale, what).toBeLessThan(tolerance);
}

export interface Tolerances {
  readonly value?: number;
  readonly gradient?: number;
}

/**
 * Compares an operation's value, and the gradient of each of its inputs, with the same in double precision and its
 * central differences.
 */
export async function expectOperation(
  run: (...inputs: tf.Tensor[]) => tf.Tensor,
  compute: (inputs: readonly Plain[]) => Plain,
  inputs: readonly Plain[],
  { value: valueTolerance = 2e-6, gradient: gradientTolerance = 2e-5 }: Tolerances = {},
): Promise<void> {
  const before = tf.memory().numTensors;
  const expected = compute(inputs);
  const weights = randomPlain(expected.shape, 'weights');
  const tensors = inputs.map(tensorOf);
  const weightTensor = tensorOf(weights);
  const value = tf.tidy(() => tf.clone(run(...tensors)));
  await expectNear(value, expected, valueTolerance, 'value');
  const gradients = tf.grads(run)(tensors, weightTensor);
  for (const [index, slope] of differences(compute, inputs, weights).entries()) {
    await expectNear(gradients[index]!, slope, gradientTolerance, `gradient of input ${index}`);
  }
  tf.dispose([...tensors, weightTensor, value, ...gradients]);
  expect(tf.memory().numTensors, 'tensors that are left').toBe(before);
}
