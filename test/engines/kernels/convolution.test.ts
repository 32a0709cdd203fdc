import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it, vi } from 'vitest';
import { startEngine } from '../../../src/engines/engine.ts';
import { type ConvolutionOptions, convolution } from '../../../src/engines/kernels/index.ts';
import { KernelForms, registerKernels } from '../../../src/engines/kernels/kernel.ts';
import { addConvolutionForms } from '../../../src/engines/tensorflow/forms.ts';
import { describeEngines } from '../engines.ts';
import { expectOperation, randomPlain, tensorOf } from './compare.ts';
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

/** sum(a * b) in double precision. */
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, index) => sum + value * b[index]!, 0);

describe('forms that call kernels of the engine', () => {
  it.each(cases)('of $input by $filter, stride $stride, padding $padding', async (entry) => {
    // tfjs's cpu backend has the kernels of the tensorflow one.
    const engine = await startEngine('cpu');
    const forms = new KernelForms();
    addConvolutionForms(forms);
    registerKernels('cpu', forms);
    const { input, filter, outputs, plain, ...options } = entry;
    await expectOperation(
      (x, w) => convolution(x!, w!, options),
      ([x, w]) => reference.convolution(x!, w!, { ...plain, stride: options.stride ?? 1 }),
      [randomPlain(input, 'input'), randomPlain([...filter, input[3], outputs], 'filter')],
    );
    engine.stop();
  });
});

describeEngines('convolution', () => {
  it.each([
    { input: [2, 40, 37, 8], outputs: 12 },
    { input: [9, 6, 6, 16], outputs: 24 },
  ])('has the gradients of large maps $input', async ({ input, outputs }) => {
    // It is linear in each factor, so its gradient there is its value in any direction.
    const [maps, height, width, inputs] = input as [number, number, number, number];
    const geometry = { top: 1, left: 1, height, width, stride: 1 };
    const filterShape = [3, 3, inputs, outputs];
    const [x, w] = [randomPlain(input, 'input'), randomPlain(filterShape, 'filter')];
    const dy = randomPlain([maps, height, width, outputs], 'gradient');
    const [xOther, wOther] = [randomPlain(input, 'other input'), randomPlain(filterShape, 'other filter')];
    const tensors = [x, w, dy].map(tensorOf);
    const [dx, dw] = tf.grads((a: tf.Tensor, b: tf.Tensor) => convolution(a, b))(
      tensors.slice(0, 2),
      tensors[2]!,
    );
    const alongInput = dot(reference.convolution(xOther, w, geometry).values, dy.values);
    const alongFilter = dot(reference.convolution(x, wOther, geometry).values, dy.values);
    const scale = Math.sqrt(dy.values.length) * 10;
    expect(
      Math.abs(dot((await dx!.data()) as Float32Array, xOther.values) - alongInput) / scale,
    ).toBeLessThan(1e-5);
    expect(
      Math.abs(dot((await dw!.data()) as Float32Array, wOther.values) - alongFilter) / scale,
    ).toBeLessThan(1e-5);
    tf.dispose([...tensors, dx!, dw!]);
  });

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
