import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { averagePool, maxPool } from '../../../src/engines/kernels/index.ts';
import { describeEngines } from '../engines.ts';
import { expectNear, expectOperation, randomPlain } from './compare.ts';
import * as reference from './plain.ts';

const shapes = [
  { shape: [2, 4, 6, 8], size: 2 },
  { shape: [1, 5, 7, 3], size: 2 },
  { shape: [3, 6, 7, 6], size: 3 },
  { shape: [1, 1, 1, 1], size: 1 },
];

describeEngines('pooling', () => {
  it.each(shapes)('averages squares of $size in $shape', async ({ shape, size }) => {
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    await expectOperation(
      (x) => averagePool(x!, size),
      ([x]) => reference.pool(x!, size, mean),
      [randomPlain(shape, 'input')],
    );
  });

  it.each(shapes)('takes the maxima of squares of $size in $shape', async ({ shape, size }) => {
    await expectOperation(
      (x) => maxPool(x!, size),
      ([x]) => reference.pool(x!, size, (values) => Math.max(...values)),
      [randomPlain(shape, 'input')],
    );
  });

  it.each([
    { title: 'spikes', values: [0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1], places: [1, 8] },
    { title: 'maxima below zero', values: [-3, -1, -2, -1, 0, 0, 0, 0, -5, -4, -4, -6], places: [1, 9] },
  ])('gives the gradient to the first of equal $title', async ({ values, places }) => {
    // Two squares of a 2x6 map: columns 0-1 and 4-5; the middle one is all zero.
    const map = [...[0, 1, 4, 5, 8, 9], ...[2, 3, 6, 7, 10, 11]].map((index) => values[index]!);
    const input = tf.tensor4d(map, [1, 2, 6, 1]);
    const gradient = tf.grad((x: tf.Tensor) => maxPool(x))(input, tf.tensor4d([2, 3, 4], [1, 1, 3, 1]));
    const order = [0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11];
    const expected = new Float64Array(12);
    [places[0]!, 4, places[1]!].forEach((place, square) => {
      expected[order[place]!] = 2 + square;
    });
    await expectNear(gradient, { shape: [1, 2, 6, 1], values: expected }, 1e-7, 'gradient');
    tf.dispose([input, gradient]);
  });

  it('says what does not fit', () => {
    tf.tidy(() => {
      expect(() => averagePool(tf.ones([2, 1, 4, 3]))).toThrow('at least 2x2 pixels, found [2,1,4,3]');
      expect(() => maxPool(tf.ones([4, 4]))).toThrow('found [4,4]');
    });
  });
});
