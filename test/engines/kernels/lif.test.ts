import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { type LifParameters, lif } from '../../../src/engines/kernels/index.ts';
import { describeEngines } from '../engines.ts';
import { expectNear } from './compare.ts';
import { plain } from './plain.ts';

const base: LifParameters = {
  decay: 0.8,
  inputDecayed: false,
  threshold: 1,
  inclusive: false,
  reset: 'subtract',
  resetPotential: 0,
  rest: 0,
  resetTiming: 'before',
  detachReset: true,
  surrogate: { kind: 'atan', amplitude: 1, slope: Math.PI },
};

describeEngines('neurons as functions', () => {
  it('begin at rest', async () => {
    const state = tf.tidy(() => lif(tf.zeros([2, 3, 4]), { ...base, rest: 0.5 }).state);
    expect([...(await state.data())]).toStrictEqual(Array(8).fill(0.5));
    state.dispose();
  });

  it('take learned numbers as numbers, tensors of one element, or one for each channel', async () => {
    const input = tf.tensor([1, 1, 0.5, 0.5, 2, 2], [1, 3, 2]);
    const run = (decay: number | tf.Tensor, threshold: number | tf.Tensor): tf.Tensor =>
      tf.tidy(() => lif(input, { ...base, decay, threshold }, undefined, { potentials: true }).potentials);
    const values = async (tensor: tf.Tensor): Promise<number[]> => [...(await tensor.data())];
    const same = [0.5, tf.scalar(0.5), tf.tensor1d([0.5]), tf.tensor1d([0.5, 0.5])];
    for (const decay of same) {
      for (const threshold of [0.75, tf.scalar(0.75), tf.tensor1d([0.75, 0.75])]) {
        expect(await values(run(decay, threshold))).toStrictEqual([1, 1, 0.25, 0.25, 2.125, 2.125]);
      }
    }
    expect(await values(run(tf.tensor1d([0.5, 0.25]), tf.tensor1d([1, 0.75])))).toStrictEqual([
      1, 1, 1, 0, 2.5, 2,
    ]);
    const gradients = tf.tidy(() =>
      tf.grads((decay: tf.Tensor, threshold: tf.Tensor) => tf.sum(run(decay, threshold)))([
        tf.tensor1d([0.5, 0.25]),
        tf.scalar(0.75),
      ]),
    );
    await expectNear(
      gradients[0]!,
      plain([2], (i) => [1.75, 1.25][i]!),
      1e-6,
      'decay',
    );
    expect(gradients[1]!.shape).toStrictEqual([]);
  });

  it('say what does not fit', () => {
    tf.tidy(() => {
      expect(() => lif(tf.zeros([4]), base)).toThrow(
        'expected a sequence [batch, time, …features], found [4]',
      );
      expect(() => lif(tf.zeros([2, 3, 4]), base, tf.zeros([2, 5]))).toThrow(
        'expected a state [2,4] for a sequence [2,3,4], found [2,5]',
      );
      expect(() => lif(tf.zeros([2, 3, 4]), { ...base, threshold: tf.ones([3]) })).toThrow(
        'lif: expected a threshold of 1 or [4] values, one a channel, found [3]',
      );
    });
  });
});
