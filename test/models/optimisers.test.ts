import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engines/engine.ts';
import { ShapeError } from '../../src/errors.ts';
import type { Parameter } from '../../src/models/layers/layer.ts';
import { createParameter } from '../../src/models/layers/parameter.ts';
import { clipScale, createOptimiser, globalNorm, type OptimiserConfig } from '../../src/models/optimisers.ts';
import { expectClose, type PytorchCases, pytorch, type StoredTensor, tensorOf } from './tensors.ts';

beforeAll(async () => {
  await startEngine('cpu');
});

const cases: [name: string, config: OptimiserConfig][] = [
  ['sgd', { kind: 'sgd', learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4 }],
  ['sgdPlain', { kind: 'sgd', learningRate: 0.1 }],
  ['adam', { kind: 'adam', learningRate: 1e-3, weightDecay: 1e-2 }],
  ['adamw', { kind: 'adamw', learningRate: 1e-3, weightDecay: 1e-2 }],
];
type StoredCase = PytorchCases['optimisers'][string];
const stored = (name: string): StoredCase => pytorch.optimisers[name]!;
const parameterOf = ({ start }: StoredCase): Parameter =>
  createParameter('w', start.shape, Float32Array.from(start.values));
const gradientsOf = (gradient: StoredTensor, scale = 1) =>
  new Map([['w', tf.mul(tensorOf(gradient), scale)]]);

describe.each(cases)('%s', (name, config) => {
  it("follows PyTorch's trajectory", async () => {
    const { gradients, trajectory } = stored(name);
    const parameter = parameterOf(stored(name));
    const optimiser = createOptimiser(config, [parameter]);
    for (const [step, gradient] of gradients.entries()) {
      optimiser.update(gradientsOf(gradient), config.learningRate);
      await expectClose(parameter.variable, trajectory[step]!, 1e-6);
    }
  });

  it('goes on from a saved state with the same bits', async () => {
    const { gradients } = stored(name);
    const parameter = parameterOf(stored(name));
    const optimiser = createOptimiser(config, [parameter]);
    for (const gradient of gradients.slice(0, 2)) optimiser.update(gradientsOf(gradient), 0.01);
    const saved = await optimiser.save();
    const weights = Float32Array.from(await parameter.variable.data());
    const copy = createParameter('w', parameter.variable.shape, weights);
    const restored = createOptimiser(config, [copy]);
    restored.restore(saved);
    for (const gradient of gradients.slice(2)) {
      optimiser.update(gradientsOf(gradient), 0.01);
      restored.update(gradientsOf(gradient), 0.01);
    }
    expect(await copy.variable.data()).toStrictEqual(await parameter.variable.data());
    expect(await restored.save()).toStrictEqual(await optimiser.save());
  });

  it('scales gradients, spares what does not decay or has no gradient, and leaks nothing', async () => {
    const { gradients, trajectory } = stored(name);
    const parameter = parameterOf(stored(name));
    const idle = createParameter('idle', [2], Float32Array.of(1, 2));
    const fixed: Parameter = { ...createParameter('fixed', [1], Float32Array.of(3)), trainable: false };
    const optimiser = createOptimiser(config, [parameter, idle, fixed]);
    const gradient = gradientsOf(gradients[0]!, 4);
    const before = tf.memory().numTensors;
    optimiser.update(gradient, config.learningRate, 0.25);
    expect(tf.memory().numTensors).toBe(before);
    await expectClose(parameter.variable, trajectory[0]!, 1e-6);
    expect([...(await idle.variable.data())]).toStrictEqual([1, 2]);
    const undecayed = parameterOf(stored(name));
    const plain = createOptimiser({ ...config, weightDecay: 0 }, [undecayed]);
    const spared = parameterOf(stored(name));
    const sparing = createOptimiser(config, [{ ...spared, decay: false }]);
    plain.update(gradient, 0.1);
    sparing.update(gradient, 0.1);
    expect(await spared.variable.data()).toStrictEqual(await undecayed.variable.data());
    optimiser.dispose();
  });
});

it('refuses a state of other shapes, and prints both', async () => {
  const optimiser = createOptimiser(cases[2]![1], [createParameter('w', [2, 3], new Float32Array(6))]);
  const slots = new Map([['mean/w', { shape: [3, 2], values: new Float32Array(6) }]]);
  expect(() => optimiser.restore({ step: 1, slots })).toThrow(ShapeError);
  expect(() => optimiser.restore({ step: 1, slots })).toThrow(/expected shape \[2,3\], found \[3,2\]/);
});

it("clips by the global norm as PyTorch's clip_grad_norm_", async () => {
  const { gradients, limit, norm, clipped } = pytorch.clip;
  const tensors = gradients.map(tensorOf);
  const found = (await globalNorm(tensors).data())[0]!;
  expect(found).toBeCloseTo(norm, 5);
  for (const [index, tensor] of tensors.entries()) {
    await expectClose(tf.mul(tensor, clipScale(found, limit)), clipped[index]!);
  }
  expect(clipScale(0.1, 0.5)).toBe(1);
});
