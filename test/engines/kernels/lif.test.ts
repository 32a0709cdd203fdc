import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { numberAlgebra } from '../../../src/engines/kernels/algebra.ts';
import { type LifParameters, lif } from '../../../src/engines/kernels/index.ts';
import { lifNeuron } from '../../../src/engines/kernels/lif.ts';
import { describeEngines } from '../engines.ts';
import { expectNear, randomPlain, tensorOf } from './compare.ts';
import { type Plain, plain, sizeOf } from './plain.ts';

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

const kinds: Record<string, LifParameters> = {
  'subtract before': base,
  'subtract before, not detached': { ...base, detachReset: false, threshold: 0.7173 },
  'zero before, not detached': { ...base, detachReset: false, reset: 'zero', resetPotential: -0.25 },
  'subtract after': { ...base, resetTiming: 'after', detachReset: false, inclusive: true },
  'zero after, at rest': {
    ...base,
    ...{ reset: 'zero', resetTiming: 'after', detachReset: false, inclusive: true },
    ...{ inputDecayed: true, rest: 0.25, resetPotential: -0.5 },
  },
  'subtract both': { ...base, resetTiming: 'both', detachReset: false },
  'no reset': { ...base, reset: 'none', resetTiming: 'after' },
};

const shapes = [
  [1, 1, 1],
  [2, 5, 3],
  [3, 4, 2, 3, 5],
  [2, 3, 1030],
  [1, 30, 4, 4, 8],
];

/** Spikes, potentials and gradients of one neuron after the other, in double precision. */
function walk(
  input: Plain,
  state: Plain,
  parameters: LifParameters,
  weights: Record<'spikes' | 'potentials', Plain>,
) {
  const { decay, ...constants } = parameters;
  const [batch, steps, ...features] = input.shape as [number, number, ...number[]];
  const size = sizeOf(features);
  const learned = [decay as number];
  const result = {
    ...{ spikes: plain(input.shape, () => 0), potentials: plain(input.shape, () => 0) },
    ...{
      last: plain(state.shape, () => 0),
      input: plain(input.shape, () => 0),
      first: plain(state.shape, () => 0),
    },
    decay: 0,
  };
  for (let neuron = 0; neuron < batch * size; neuron++) {
    const at = (step: number): number => (Math.floor(neuron / size) * steps + step) * size + (neuron % size);
    const states = [state.values[neuron]!];
    for (let step = 0; step < steps; step++) {
      const place = { input: input.values[at(step)]!, state: [states[step]!], parameters: learned };
      const output = lifNeuron.forward(numberAlgebra, place, constants);
      result.spikes.values[at(step)] = output.spikes;
      result.potentials.values[at(step)] = output.state[0]!;
      states.push(output.state[0]!);
    }
    result.last.values[neuron] = states[steps]!;
    let gradient = 0;
    for (let step = steps - 1; step >= 0; step--) {
      const gradients = lifNeuron.backward(
        numberAlgebra,
        {
          ...{ input: input.values[at(step)]!, state: [states[step]!], parameters: learned },
          spikesGradient: weights.spikes.values[at(step)]!,
          stateGradient: [gradient + weights.potentials.values[at(step)]!],
        },
        constants,
      );
      result.input.values[at(step)] = gradients.input;
      gradient = gradients.state[0]!;
      result.decay += gradients.parameters[0]!;
    }
    result.first.values[neuron] = gradient;
  }
  return result;
}

describeEngines('LIF neurons', () => {
  describe.each(Object.keys(kinds))('%s', (kind) => {
    it.each(shapes.map((shape) => ({ shape })))('over $shape', async ({ shape }) => {
      const [batch, , ...features] = shape as [number, number, ...number[]];
      const parameters = kinds[kind]!;
      // Multiples of 2^-8 stay exact for a while, and few potentials come close to a threshold.
      const coarse = (name: string, size: readonly number[]): Plain => {
        const random = randomPlain(size, name);
        return plain(size, (i) => Math.round(256 * (0.4 + random.values[i]!)) / 256);
      };
      const input = coarse(`input ${kind}`, shape);
      const state = coarse(`state ${kind}`, [batch, ...features]);
      const weights = { spikes: randomPlain(shape, 'spikes'), potentials: randomPlain(shape, 'potentials') };
      const expected = walk(input, state, parameters, weights);
      const before = tf.memory().numTensors;
      const results = tf.tidy(() => {
        const [x, v, spikesWeights, potentialsWeights] = [
          input,
          state,
          weights.spikes,
          weights.potentials,
        ].map(tensorOf);
        const decay = tf.scalar(parameters.decay as number);
        const loss = (x: tf.Tensor, v: tf.Tensor, d: tf.Tensor): tf.Tensor => {
          const { spikes, potentials } = lif(x, { ...parameters, decay: d }, v, { potentials: true });
          return tf.add(
            tf.sum(tf.mul(spikes, spikesWeights!)),
            tf.sum(tf.mul(potentials, potentialsWeights!)),
          );
        };
        const [inputGradient, stateGradient, decayGradient] = tf.grads(loss)([x!, v!, decay]);
        return {
          ...lif(x!, parameters, v!, { potentials: true }),
          ...{ inputGradient: inputGradient!, stateGradient: stateGradient!, decayGradient: decayGradient! },
        };
      });
      await expectNear(results.spikes, expected.spikes, 1e-6, 'spikes');
      await expectNear(results.potentials, expected.potentials, 1e-6, 'potentials');
      await expectNear(results.state, expected.last, 1e-6, 'state');
      await expectNear(results.inputGradient, expected.input, 5e-6, 'input gradient');
      await expectNear(results.stateGradient, expected.first, 5e-6, 'state gradient');
      await expectNear(
        results.decayGradient,
        plain([], () => expected.decay),
        1e-4,
        'decay gradient',
      );
      tf.dispose(results);
      expect(tf.memory().numTensors).toBe(before);
    });
  });

  it('begins at rest', async () => {
    const state = tf.tidy(() => lif(tf.zeros([2, 3, 4]), { ...base, rest: 0.5 }).state);
    expect([...(await state.data())]).toStrictEqual(Array(8).fill(0.5));
    state.dispose();
  });

  it('says what does not fit', () => {
    tf.tidy(() => {
      expect(() => lif(tf.zeros([4]), base)).toThrow(
        'expected a sequence [batch, time, …features], found [4]',
      );
      expect(() => lif(tf.zeros([2, 3, 4]), base, tf.zeros([2, 5]))).toThrow(
        'expected a state [2,4] for a sequence [2,3,4], found [2,5]',
      );
    });
  });
});

describe('the formula', () => {
  it('has the gradient of its smooth parts', () => {
    const { decay, ...constants } = kinds['zero after, at rest']!;
    const silent = { ...constants, threshold: 1e6 };
    const step = (input: number, v: number, d: number): number =>
      lifNeuron.forward(numberAlgebra, { input, state: [v], parameters: [d] }, silent).state[0]!;
    const gradients = lifNeuron.backward(
      numberAlgebra,
      { input: 0.3, state: [0.6], parameters: [decay as number], spikesGradient: 0, stateGradient: [1] },
      silent,
    );
    const slope = (change: (h: number) => number): number => (change(1e-5) - change(-1e-5)) / 2e-5;
    const d = decay as number;
    expect(gradients.input).toBeCloseTo(
      slope((h) => step(0.3 + h, 0.6, d)),
      8,
    );
    expect(gradients.state[0]!).toBeCloseTo(
      slope((h) => step(0.3, 0.6 + h, d)),
      8,
    );
    expect(gradients.parameters[0]!).toBeCloseTo(
      slope((h) => step(0.3, 0.6, d + h)),
      8,
    );
  });
});
