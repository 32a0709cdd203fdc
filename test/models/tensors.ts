import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { lif } from '../../src/engines/kernels/lif.ts';
import { activityOf } from '../../src/models/layers/activity.ts';
import type { Layer, Parameter, Pass } from '../../src/models/layers/layer.ts';
import type { FixedLif } from '../../src/models/neurons.ts';
import { RandomStream } from '../../src/random.ts';

/** A tensor as the stored PyTorch cases hold it. */
export interface StoredTensor {
  shape: number[];
  values: number[];
}

type Stored<Name extends string> = Record<Name, StoredTensor>;

/** The cases that bench/peers/models_reference.py writes. */
export interface PytorchCases {
  optimisers: Record<string, Stored<'start'> & Record<'gradients' | 'trajectory', StoredTensor[]>>;
  batchNorm: Stored<'scale' | 'shift' | 'evaluated'> & {
    steps: Stored<
      | 'input'
      | 'weights'
      | 'output'
      | 'inputGradient'
      | 'scaleGradient'
      | 'shiftGradient'
      | 'runningMean'
      | 'runningVariance'
    >[];
  };
  encoderLayer: Stored<'input' | 'weights' | 'output' | 'inputGradient'> &
    Record<'parameters' | 'gradients', Stored<string>>;
  convolution: Stored<
    'input' | 'weights' | 'weight' | 'bias' | 'output' | 'inputGradient' | 'weightGradient' | 'biasGradient'
  >;
  crossEntropy: (Stored<'logits' | 'losses'> & { labels: number[]; smoothing: number })[];
  clip: Record<'gradients' | 'clipped', StoredTensor[]> & { limit: number; norm: number };
}

/** What PyTorch gave. */
export const pytorch: PytorchCases = JSON.parse(
  readFileSync(new URL('../../fixtures/models/pytorch.json', import.meta.url), 'utf8'),
);

export function tensorOf({ shape, values }: StoredTensor): tf.Tensor {
  return tf.tensor(values, shape, 'float32');
}

/** Normal numbers of a stream of their own. */
export function randomTensor(shape: number[], name: string, scale = 1): tf.Tensor {
  const random = new RandomStream(5, name);
  const size = shape.reduce((product, side) => product * side, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => scale * random.normal(i)),
    shape,
  );
}

/** Checks values one by one, to a share of the largest expected value. */
export async function expectClose(
  actual: tf.Tensor,
  expected: StoredTensor | tf.Tensor<tf.Rank>,
  tolerance = 2e-6,
): Promise<void> {
  const found = (await actual.data()) as Float32Array;
  const wanted =
    expected instanceof tf.Tensor ? [...((await expected.data()) as Float32Array)] : expected.values;
  expect(actual.shape).toStrictEqual(expected.shape);
  const scale = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
  const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0);
  expect(worst / scale).toBeLessThan(tolerance);
}

/** A pass with nothing special about it. */
export function pass(options: Partial<Pass> = {}): Pass {
  return { training: false, seed: 0, step: 0, repeat: 1, state: {}, ...options };
}

export function assign(parameters: readonly Parameter[], name: string, value: StoredTensor): void {
  const parameter = parameters.find((candidate) => candidate.name === name)!;
  expect(parameter.variable.shape).toStrictEqual(value.shape);
  parameter.variable.assign(tensorOf(value));
}

/**
 * Compares the gradients of a function with central differences along a random direction, for its input and each of
 * the variables. What is differentiated is the output's product with random weights, summed in float64 where it is
 * not the tape that sums.
 */
export async function expectGradients(
  compute: (input: tf.Tensor) => tf.Tensor,
  input: tf.Tensor,
  variables: readonly tf.Variable[],
  { epsilon = 1e-2, tolerance = 1e-2 }: { epsilon?: number; tolerance?: number } = {},
): Promise<void> {
  const point = tf.variable(input);
  const weights = randomTensor(tf.tidy(() => compute(point)).shape, 'weights');
  const weightValues = await weights.data();
  const weighted = async (): Promise<number> => {
    const output = tf.tidy(() => compute(point));
    return ((await output.data()) as Float32Array).reduce(
      (sum, value, i) => sum + value * weightValues[i]!,
      0,
    );
  };
  const all = [point, ...variables];
  const { grads } = tf.variableGrads(() => tf.sum(tf.mul(compute(point), weights)), all);
  for (const [index, variable] of all.entries()) {
    const start = tf.clone(variable);
    // Steps relative to the size of what they change: normalised weights matter by their direction only.
    const typical = Math.max((await tf.sqrt(tf.mean(tf.square(start))).data())[0]!, 0.1);
    const direction = randomTensor(variable.shape, `direction/${index}`, typical);
    const at = async (factor: number): Promise<number> => {
      variable.assign(tf.add(start, tf.mul(direction, factor)));
      return weighted();
    };
    const numeric = ((await at(epsilon)) - (await at(-epsilon))) / (2 * epsilon);
    variable.assign(start);
    const analytic = (await tf.sum(tf.mul(grads[variable.name]!, direction)).data())[0]!;
    const size = (await tf.norm(grads[variable.name]!).data())[0]!;
    expect(size, `gradient of variable ${index}`).toBeGreaterThan(1e-6);
    const error = Math.abs(numeric - analytic) / (typical * Math.max(size, 1e-3));
    expect(error, `variable ${index}`).toBeLessThan(tolerance);
  }
}

/** A smooth stand-in for a spiking layer: the same membranes, which never fire, and a sigmoid of them as output. */
export function createSmoothLayer(name: string, neuron: FixedLif): Layer {
  return {
    name,
    parameters: [],
    forward: (input, { state, lengths }) => {
      const silent = { ...neuron, threshold: 1e9 };
      const result = lif(input, silent, state[name], { potentials: true });
      const output = tf.sigmoid(tf.mul(tf.sub(result.potentials, neuron.threshold), 4));
      return { output, state: result.state, activity: activityOf(output, lengths) };
    },
  };
}
