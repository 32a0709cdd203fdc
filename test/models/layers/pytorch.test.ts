import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../../src/engines/engine.ts';
import { createBatchNorm } from '../../../src/models/layers/batch-norm.ts';
import { createConvolution } from '../../../src/models/layers/convolution.ts';
import { createEncoderLayer } from '../../../src/models/layers/encoder-layer.ts';
import type { Layer } from '../../../src/models/layers/layer.ts';
import { assign, expectClose, pass, pytorch, type StoredTensor, tensorOf } from '../tensors.ts';

beforeAll(async () => {
  await startEngine('cpu');
});

/** A layer's output, the gradients of sum(output * weights), and the updates. */
function differentiate(layer: Layer, input: StoredTensor, weights: StoredTensor, training: boolean) {
  const x = tf.variable(tensorOf(input));
  const trainable = layer.parameters.filter((parameter) => parameter.trainable);
  let result: ReturnType<Layer['forward']> | undefined;
  const { grads } = tf.variableGrads(() => {
    result = layer.forward(x, pass({ training }));
    tf.keep(result.output);
    for (const { value } of result.updates ?? []) tf.keep(value);
    return tf.sum(tf.mul(result.output, tensorOf(weights)));
  }, [x, ...trainable.map(({ variable }) => variable)]);
  return {
    ...result!,
    input: grads[x.name]!,
    gradient: (name: string) => grads[trainable.find((p) => p.name === name)!.variable.name]!,
  };
}

/** Images [n, h, w, c] as sequences of one step. */
const asSequence = ({ shape, values }: StoredTensor): StoredTensor => ({
  shape: [shape[0]!, 1, ...shape.slice(1)],
  values,
});

describe('layers agree with PyTorch', () => {
  it('convolution, with gradients', async () => {
    const expected = pytorch.convolution;
    const layer = createConvolution('c', { inputs: 2, outputs: 3 }, 0);
    assign(layer.parameters, 'c.weight', expected.weight);
    assign(layer.parameters, 'c.bias', expected.bias);
    const { output, input, gradient } = differentiate(
      layer,
      asSequence(expected.input),
      asSequence(expected.weights),
      false,
    );
    await expectClose(output, asSequence(expected.output));
    await expectClose(input, asSequence(expected.inputGradient));
    await expectClose(gradient('c.weight'), expected.weightGradient);
    await expectClose(gradient('c.bias'), expected.biasGradient);
  });

  it('batch normalisation over three training steps and in evaluation', async () => {
    const { scale, shift, steps, evaluated } = pytorch.batchNorm;
    const layer = createBatchNorm('n', { channels: 3 });
    assign(layer.parameters, 'n.scale', scale);
    assign(layer.parameters, 'n.shift', shift);
    for (const step of steps) {
      // The same samples as one sequence of four steps: statistics are over time and batch together.
      const asSteps = ({ shape, values }: StoredTensor): StoredTensor => ({ shape: [1, ...shape], values });
      const result = differentiate(layer, asSteps(step.input), asSteps(step.weights), true);
      await expectClose(result.output, asSteps(step.output), 5e-6);
      await expectClose(result.input, asSteps(step.inputGradient), 1e-5);
      await expectClose(result.gradient('n.scale'), step.scaleGradient, 1e-5);
      await expectClose(result.gradient('n.shift'), step.shiftGradient, 1e-5);
      for (const { parameter, value } of result.updates!) parameter.variable.assign(value);
      const [mean, variance] = layer.parameters.slice(2);
      await expectClose(mean!.variable, step.runningMean, 1e-5);
      await expectClose(variance!.variable, step.runningVariance, 1e-5);
    }
    const { output } = layer.forward(tensorOf(asSequence(steps.at(-1)!.input)), pass());
    await expectClose(output, asSequence(evaluated), 5e-6);
  });

  it('transformer encoder layer, with gradients', async () => {
    const { parameters, gradients, input, weights, output, inputGradient } = pytorch.encoderLayer;
    const layer = createEncoderLayer('e', { width: 8, heads: 2, feedForward: 16 }, 0);
    expect(layer.parameters.map(({ name }) => name.slice(2)).sort()).toStrictEqual(
      Object.keys(parameters).sort(),
    );
    for (const [name, value] of Object.entries(parameters)) {
      assign(layer.parameters, `e.${name}`, value);
    }
    const result = differentiate(layer, input, weights, false);
    await expectClose(result.output, output, 1e-5);
    await expectClose(result.input, inputGradient, 2e-5);
    for (const [name, value] of Object.entries(gradients)) {
      await expectClose(result.gradient(`e.${name}`), value as StoredTensor, 2e-5);
    }
  });
});
