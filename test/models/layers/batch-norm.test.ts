import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../../src/engines/engine.ts';
import { type BatchStatistics, createBatchNorm } from '../../../src/models/layers/batch-norm.ts';
import { expectClose, expectGradients, pass, randomTensor } from '../tensors.ts';

beforeAll(async () => {
  await startEngine('cpu');
});

const input = () => tf.add(randomTensor([3, 4, 2, 2, 5], 'input', 2), 1);
const lengths = [4, 1, 3];

describe.each<BatchStatistics>(['joint', 'per-step'])('%s statistics', (statistics) => {
  const layer = () => createBatchNorm('n', { channels: 5, statistics });
  const train = (x: tf.Tensor, options = {}) => layer().forward(x, pass({ training: true, ...options }));

  it('leave padding out: what stands there changes neither real steps nor running averages', async () => {
    const x = input();
    const mask = tf.reshape(tf.tensor2d([1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0], [3, 4]), [3, 4, 1, 1, 1]);
    const other = tf.add(tf.mul(x, mask), tf.mul(tf.sub(1, mask), 100));
    const first = train(x, { lengths });
    const second = train(other, { lengths });
    await expectClose(tf.mul(first.output, mask), tf.mul(second.output, mask));
    for (const [index, { value }] of first.updates!.entries()) {
      await expectClose(value, second.updates![index]!.value);
    }
  });

  it('of samples cut to whole steps are those of the fused form', async () => {
    // All lengths equal but shorter than the sequence: the same as a shorter sequence without padding.
    const x = input();
    const masked = train(x, { lengths: [3, 3, 3] });
    const short = train(tf.slice(x, [0, 0, 0, 0, 0], [3, 3, 2, 2, 5]));
    await expectClose(tf.slice(masked.output, [0, 0, 0, 0, 0], [3, 3, 2, 2, 5]), short.output, 1e-5);
    for (const [index, { value }] of masked.updates!.entries()) {
      await expectClose(value, short.updates![index]!.value, 1e-5);
    }
  });

  it.each([undefined, lengths])('have the gradient of their function (lengths %j)', async (real) => {
    const norm = layer();
    const compute = (x: tf.Tensor) => norm.forward(x, pass({ training: true, lengths: real })).output;
    const trainable = norm.parameters.slice(0, 2).map(({ variable }) => variable);
    await expectGradients(compute, input(), trainable);
  });
});

it('per step, updates the running averages step by step', async () => {
  const x = input();
  const { updates } = createBatchNorm('n', { channels: 5, statistics: 'per-step' }).forward(
    x,
    pass({ training: true }),
  );
  const single = createBatchNorm('n', { channels: 5 });
  for (const frame of tf.split(x, 4, 1)) {
    const step = single.forward(frame, pass({ training: true }));
    for (const { parameter, value } of step.updates!) parameter.variable.assign(value);
  }
  await expectClose(updates![0]!.value, single.parameters[2]!.variable, 1e-5);
  await expectClose(updates![1]!.value, single.parameters[3]!.variable, 1e-5);
  expect(updates).toHaveLength(2);
});
