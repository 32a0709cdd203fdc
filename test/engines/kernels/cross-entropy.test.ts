import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { softmaxCrossEntropy } from '../../../src/engines/kernels/index.ts';
import { describeEngines } from '../engines.ts';
import { expectOperation, randomPlain } from './compare.ts';
import { type Plain, plain } from './plain.ts';

/** Losses of rows of logits in double precision. */
function losses(logits: Plain, labels: Int32Array, smoothing: number): Plain {
  const classes = logits.shape[1]!;
  return plain([logits.shape[0]!], (row) => {
    const values = logits.values.subarray(row * classes, (row + 1) * classes);
    const top = Math.max(...values);
    const total = top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
    const mean = values.reduce((sum, value) => sum + value, 0) / classes;
    return total - (1 - smoothing) * values[labels[row]!]! - smoothing * mean;
  });
}

describeEngines('cross-entropy', () => {
  it.each([
    { rows: 1, classes: 1, smoothing: 0 },
    { rows: 5, classes: 3, smoothing: 0 },
    { rows: 70, classes: 10, smoothing: 0.1 },
    { rows: 3, classes: 101, smoothing: 1 },
  ])('of $rows x $classes logits, smoothed by $smoothing, with its gradient', async (entry) => {
    const { rows, classes, smoothing } = entry;
    const random = randomPlain([rows, classes], 'logits');
    const logits = plain(random.shape, (i) => Math.fround(4 * random.values[i]!));
    const labels = Int32Array.from({ length: rows }, (_, row) => (row * 7) % classes);
    await expectOperation(
      (x) => softmaxCrossEntropy(x as tf.Tensor2D, labels, smoothing),
      ([x]) => losses(x!, labels, smoothing),
      [logits],
    );
  });

  it('stays finite at extreme logits', async () => {
    const [value, gradient] = tf.tidy(() => {
      const logits = tf.tensor2d([1e4, -1e4, 0, 0], [2, 2]);
      const run = (x: tf.Tensor): tf.Tensor => softmaxCrossEntropy(x as tf.Tensor2D, Int32Array.of(1, 0));
      return [run(logits), tf.grad(run)(logits)] as const;
    });
    expect([...(await value.data())]).toStrictEqual([20000, Math.fround(Math.LN2)]);
    expect([...(await gradient.data())]).toStrictEqual([1, -1, -0.5, 0.5]);
    tf.dispose([value, gradient]);
  });
});
