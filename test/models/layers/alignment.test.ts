import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../../src/engines/engine.ts';
import {
  type Alignment,
  alignments,
  createAlignment,
  poolingWeights,
} from '../../../src/models/layers/alignment.ts';
import { expectClose, expectGradients, pass, randomTensor } from '../tensors.ts';

beforeAll(async () => {
  await startEngine('cpu');
});

const layer = (kind: Alignment) => createAlignment('a', { kind, from: 4, to: 3, channels: 8 }, 1);
const input = () => randomTensor([2, 8, 3, 2, 8], 'input');

it('pools adaptively over time', () => {
  expect([...poolingWeights(8, 6).values].map((weight) => weight > 0)).toStrictEqual(
    [
      [0, 1],
      [1, 2],
      [2, 3],
      [4, 5],
      [5, 6],
      [6, 7],
    ].flatMap((frames) => Array.from({ length: 8 }, (_, t) => frames.includes(t))),
  );
  expect([...poolingWeights(4, 2).values]).toStrictEqual([0.5, 0.5, 0, 0, 0, 0, 0.5, 0.5]);
});

describe.each(alignments)('%s', (kind) => {
  it('aligns every window on its own', async () => {
    const { output } = layer(kind).forward(input(), pass());
    expect(output.shape).toStrictEqual([2, 6, 3, 2, 8]);
    const windows = tf.split(input(), 2, 1).map((window) => layer(kind).forward(window, pass()).output);
    await expectClose(output, tf.concat(windows, 1));
  });

  it('leaves a constant sequence constant', async () => {
    const constant = tf.mul(tf.ones([1, 4, 1, 1, 1]), randomTensor([1, 1, 3, 2, 8], 'frame'));
    const { output } = layer(kind).forward(constant, pass());
    await expectClose(output, tf.slice(constant, [0, 0, 0, 0, 0], [1, 3, 3, 2, 8]), 1e-5);
  });

  it('has the gradient of its function', async () => {
    const align = layer(kind);
    // The encoder, whose ReLU has kinks, is compared with PyTorch's.
    const own = align.parameters.filter(({ name }) => !name.includes('encoder'));
    const variables = own.map(({ variable }) => variable);
    await expectGradients((x) => align.forward(x, pass()).output, input(), variables, { epsilon: 2e-3 });
  });
});

it('starts mix as average pooling', async () => {
  await expectClose(
    layer('mix').forward(input(), pass()).output,
    layer('pool').forward(input(), pass()).output,
  );
});

it('truncates to the first frames', async () => {
  const { output } = layer('truncate').forward(tf.slice(input(), [0, 0, 0, 0, 0], [2, 4, 3, 2, 8]), pass());
  await expectClose(output, tf.slice(input(), [0, 0, 0, 0, 0], [2, 3, 3, 2, 8]));
});
