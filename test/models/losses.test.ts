import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engines/engine.ts';
import { classificationLoss, crossEntropy } from '../../src/models/losses.ts';
import { realWindows, sampleLogits } from '../../src/models/sample-logits.ts';
import { expectClose, pytorch, randomTensor, tensorOf } from './tensors.ts';

beforeAll(async () => {
  await startEngine('cpu');
});

describe('crossEntropy', () => {
  it.each([0, 1])("is PyTorch's, case %i", async (index) => {
    const { logits, labels, smoothing, losses } = pytorch.crossEntropy[index]!;
    const found = crossEntropy(tensorOf(logits) as tf.Tensor2D, Int32Array.from(labels), smoothing);
    await expectClose(found, losses, 1e-6);
  });

  it('stays finite at extreme logits', async () => {
    const logits = tf.tensor2d([1e4, -1e4, 0, 0], [2, 2]);
    expect([...(await crossEntropy(logits, Int32Array.of(1, 0)).data())]).toStrictEqual([
      20000,
      Math.fround(Math.LN2),
    ]);
  });
});

describe('classificationLoss', () => {
  const logits = (name: string) => randomTensor([3, 4], name) as tf.Tensor2D;
  const labels = Int32Array.of(0, 3, 1);
  const mean = async (name: string): Promise<number> =>
    (await tf.mean(crossEntropy(logits(name), labels)).data())[0]!;

  it('adds the early classifiers by their weights', async () => {
    const early = ['a', 'b', 'c'].map(logits);
    const expected =
      (await mean('f')) + 0.3 * (await mean('a')) + 0.2 * (await mean('b')) + 0.1 * (await mean('c'));
    const found = await classificationLoss(logits('f'), early, labels).data();
    expect(found[0]).toBeCloseTo(expected, 5);
    const other = await classificationLoss(logits('f'), early, labels, { auxiliaryWeights: [0, 1] }).data();
    expect(other[0]).toBeCloseTo((await mean('f')) + (await mean('b')), 5);
  });
});

describe('sampleLogits', () => {
  it('means over the windows in which some bin is real', async () => {
    expect(realWindows([8, 9, 1, 24], 8)).toStrictEqual([1, 2, 1, 3]);
    const output = randomTensor([3, 3, 2], 'output') as tf.Tensor3D;
    const [first, second, third] = tf.unstack(output) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const expected = tf.stack([
      tf.squeeze(tf.slice(first, [0, 0], [1, 2]), [0]),
      tf.mean(tf.slice(second, [0, 0], [2, 2]), 0),
      tf.mean(third, 0),
    ]);
    await expectClose(sampleLogits(output, [7, 16, 17], 8), expected);
  });
});
