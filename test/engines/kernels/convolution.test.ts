import * as tf from '@tensorflow/tfjs-core';
import { expect, it, vi } from 'vitest';
import { type ConvolutionOptions, convolution } from '../../../src/engines/kernels/index.ts';
import { describeEngines } from '../engines.ts';
import { expectOperation, randomPlain } from './compare.ts';
import * as reference from './plain.ts';

interface Case extends ConvolutionOptions {
  input: [number, number, number, number];
  filter: [number, number];
  outputs: number;
  /** Zeros above and to the left, and the output's pixels. */
  plain: { top: number; left: number; height: number; width: number };
}

const cases: Case[] = [
  { input: [2, 5, 6, 2], filter: [3, 3], outputs: 8, plain: { top: 1, left: 1, height: 5, width: 6 } },
  { input: [1, 4, 4, 5], filter: [3, 3], outputs: 7, plain: { top: 1, left: 1, height: 4, width: 4 } },
  { input: [3, 4, 3, 1], filter: [1, 1], outputs: 3, plain: { top: 0, left: 0, height: 4, width: 3 } },
  { input: [1, 6, 5, 4], filter: [5, 3], outputs: 4, plain: { top: 2, left: 1, height: 6, width: 5 } },
  {
    input: [2, 5, 5, 3],
    filter: [3, 3],
    outputs: 4,
    padding: 'valid',
    plain: { top: 0, left: 0, height: 3, width: 3 },
  },
  { input: [2, 4, 5, 3], filter: [2, 2], outputs: 5, plain: { top: 0, left: 0, height: 4, width: 5 } },
  {
    input: [1, 7, 8, 3],
    filter: [3, 3],
    outputs: 4,
    stride: 2,
    plain: { top: 1, left: 0, height: 4, width: 4 },
  },
  {
    input: [1, 6, 8, 2],
    filter: [3, 3],
    outputs: 4,
    stride: 3,
    padding: 2,
    plain: { top: 2, left: 2, height: 3, width: 4 },
  },
  {
    input: [1, 5, 5, 6],
    filter: [2, 4],
    outputs: 9,
    stride: 2,
    padding: 1,
    plain: { top: 1, left: 1, height: 3, width: 2 },
  },
  {
    input: [1, 3, 3, 9],
    filter: [3, 3],
    outputs: 13,
    padding: 2,
    plain: { top: 2, left: 2, height: 5, width: 5 },
  },
];

describeEngines('convolution', () => {
  it.each(cases)('of $input by $filter to $outputs, stride $stride, padding $padding', async (entry) => {
    const { input, filter, outputs, plain, ...options } = entry;
    const geometry = { ...plain, stride: options.stride ?? 1 };
    await expectOperation(
      (x, w) => convolution(x, w, options),
      ([x, w]) => reference.convolution(x!, w!, geometry),
      [randomPlain(input, 'input'), randomPlain([...filter, input[3], outputs], 'filter')],
    );
  });

  it('does not compute the gradient of an input that needs none', () => {
    tf.tidy(() => {
      const input = tf.ones([1, 4, 4, 2]);
      const filter = tf.ones([3, 3, 2, 4]);
      const run = vi.spyOn(tf.engine(), 'runKernel');
      tf.grad((w: tf.Tensor) => convolution(input, w))(filter);
      const kernels = run.mock.calls.map(([name]) => name);
      run.mockRestore();
      expect(kernels).toContain('ConvolutionFilterGradient');
      expect(kernels).not.toContain('ConvolutionInputGradient');
    });
  });

  it('says what does not fit', () => {
    const run = () => tf.tidy(() => convolution(tf.ones([1, 4, 4, 2]), tf.ones([3, 3, 3, 4])));
    expect(run).toThrow('found [1,4,4,2] and [3,3,3,4]');
  });
});
