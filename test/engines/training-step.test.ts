import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engines/engine.ts';
import {
  adamSteps,
  averagePool,
  batchNorm,
  convolution,
  type LifParameters,
  lif,
  maxPool,
} from '../../src/engines/kernels/index.ts';
import { describeEngines } from './engines.ts';
import { randomPlain, tensorOf } from './kernels/compare.ts';

const neuron: LifParameters = {
  ...{ decay: 0.9, inputDecayed: false, threshold: 1, inclusive: false, detachReset: true },
  ...{ reset: 'subtract', resetPotential: 0, rest: 0, resetTiming: 'before' },
  surrogate: { kind: 'atan', amplitude: 1, slope: Math.PI },
};

/** A small network, its input, and one training step of it. */
function createStep(batch: number, size: number) {
  const [steps, channels, classes] = [3, 12, 5];
  const features = Math.floor(size / 4) ** 2 * channels;
  const shapes = {
    filter: [3, 3, 2, channels],
    gamma: [channels],
    beta: [channels],
    weight: [features, classes],
  };
  const create = (name: string, shape: number[]): tf.Variable =>
    tf.tidy(() => tf.variable(tf.mul(tensorOf(randomPlain(shape, name)), 0.5)));
  const variables = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, create(name, shape)]),
  );
  const moments = Object.values(variables).flatMap(({ shape }) => [
    tf.variable(tf.zeros(shape)),
    tf.variable(tf.zeros(shape)),
  ]);
  const input = tensorOf(randomPlain([batch * steps, size, size, 2], 'input'));
  const loss = (): tf.Scalar => {
    const maps = convolution(input, variables['filter']!);
    const normal = batchNorm(maps, variables['gamma']!, variables['beta']!).output;
    const spikes = lif(tf.reshape(normal, [batch, steps, size, size, channels]), neuron).spikes;
    const pooled = maxPool(averagePool(tf.reshape(spikes, maps.shape)));
    const logits = tf.matMul(
      tf.reshape(pooled, [batch * steps, features]),
      variables['weight'] as tf.Tensor2D,
    );
    const byStep = tf.reshape(tf.logSoftmax(logits), [batch, steps, classes]);
    return tf.neg(tf.mean(tf.slice(tf.transpose(byStep, [2, 0, 1]), [1, 0, 0], [1, batch, steps])));
  };
  return {
    /** Loss and all parameters after the step. */
    train: async (): Promise<Float32Array[]> => {
      const { value, grads } = tf.variableGrads(loss, Object.values(variables));
      const results = [(await value.data()) as Float32Array];
      for (const [index, parameter] of Object.values(variables).entries()) {
        const [mean, square] = [moments[2 * index]!, moments[2 * index + 1]!];
        const tensors = { parameter, gradient: grads[parameter.name]!, mean, square };
        const numbers = { scale: 1, learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
        const own = { ...numbers, coupledDecay: 0, decoupledDecay: 0.01, step: 1 };
        const [next] = adamSteps([{ tensors, numbers: own }]);
        parameter.assign(next!.parameter);
        mean.assign(next!.mean);
        square.assign(next!.square);
        tf.dispose(Object.values(next!));
        results.push((await parameter.data()) as Float32Array);
      }
      tf.dispose([value, ...Object.values(grads)]);
      return results;
    },
    dispose: () => tf.dispose([input, ...Object.values(variables), ...moments]),
  };
}

async function threeSteps(batch: number, size: number): Promise<number[][]> {
  const { train, dispose } = createStep(batch, size);
  const results: Float32Array[] = [];
  for (let i = 0; i < 3; i++) results.push(...(await train()));
  dispose();
  return results.map((values) => [...values]);
}

describeEngines('a training step', () => {
  it('gives the same bits again', async () => {
    expect(await threeSteps(3, 8)).toStrictEqual(await threeSteps(3, 8));
  });

  it('leaves no tensor and no memory behind', async () => {
    const { train, dispose } = createStep(2, 9);
    await train();
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    const held = tf.engine().backend.numDataIds();
    for (let i = 0; i < 3; i++) await train();
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers, numBytes });
    expect(tf.engine().backend.numDataIds()).toBe(held);
    dispose();
  });
});

describe('wasm', () => {
  it('gives the same bits with any number of threads', async () => {
    const runs: number[][][] = [];
    for (const threads of [1, 2, 3]) {
      const engine = await startEngine('wasm', { threads });
      // Helpers take part once they have started.
      await new Promise((resolve) => setTimeout(resolve, 300));
      runs.push(await threeSteps(8, 33));
      engine.stop();
    }
    expect(runs[1]).toStrictEqual(runs[0]);
    expect(runs[2]).toStrictEqual(runs[0]);
  });

  it('shares the memory of clones and frees it with the last', async () => {
    const engine = await startEngine('wasm', { threads: 1 });
    const { backend } = tf.engine();
    const held = backend.numDataIds();
    const first = tf.tensor1d([1, 2, 3]);
    const second = tf.clone(first);
    expect(backend.numDataIds()).toBe(held + 1);
    first.dispose();
    expect([...(await second.data())]).toStrictEqual([1, 2, 3]);
    second.dispose();
    expect(backend.numDataIds()).toBe(held);
    engine.stop();
  });
});
