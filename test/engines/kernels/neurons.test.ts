import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { Neuron } from '../../../src/engines/kernels/neuron.ts';
import { stateShape } from '../../../src/engines/kernels/neuron.ts';
import {
  type RefractoryLifConstants,
  refractoryLifNeuron,
} from '../../../src/engines/kernels/refractory-lif.ts';
import { describeEngines } from '../engines.ts';
import { expectNear, randomPlain, tensorOf } from './compare.ts';
import { type Plain, plain } from './plain.ts';
import { walk } from './walk.ts';

/** A neuron with constants, learned numbers, and what each variable of its state may be before the first step. */
interface Kind {
  readonly neuron: Neuron<unknown>;
  readonly constants: unknown;
  readonly parameters: readonly number[];
  readonly states: readonly ((random: number) => number)[];
}

function kind<C>(
  neuron: Neuron<C>,
  constants: C,
  parameters: readonly number[],
  states: Kind['states'],
): Kind {
  return { neuron: neuron as Neuron<unknown>, constants, parameters, states };
}

const atan = { kind: 'atan', amplitude: 1, slope: Math.PI } as const;

/** Multiples of 2^-8 stay exact for a while, so few potentials come close to a threshold. */
const coarse = (value: number): number => Math.round(256 * value) / 256;
const potential = (random: number): number => coarse(0.4 + random);

const refractory = (options: Partial<RefractoryLifConstants>, parameters: readonly number[]): Kind =>
  kind(
    refractoryLifNeuron,
    {
      ...{ gain: 1, inputDecayed: false, rest: 0, inclusive: true, surrogate: atan },
      ...{ reset: 'zero', resetPotential: 0, detachReset: true },
      ...{ refractorySteps: 3, refractoryForm: 'mask', ...options },
    },
    parameters,
    [potential, (random) => Math.max(0, Math.round(3 * random))],
  );

const kinds: Record<string, Kind> = {
  'refractory, mask': refractory({}, [0.8, 0.9673]),
  'refractory, mask, subtracts, not detached': refractory(
    { gain: 0.5, reset: 'subtract', detachReset: false, rest: 0.25, inclusive: false },
    [0.75, 0.6173],
  ),
  'refractory, hold': refractory({ refractoryForm: 'hold', resetPotential: -0.25 }, [0.8, 0.9673]),
  'refractory, hold, not detached, decayed input': refractory(
    { refractoryForm: 'hold', detachReset: false, inputDecayed: true, gain: 3, rest: 0.125 },
    [0.625, 0.9173],
  ),
  'refractory of no step': refractory({ refractorySteps: 0, refractoryForm: 'hold' }, [0.9, 0.8173]),
};

const shapes = [
  [1, 1, 1],
  [2, 5, 3],
  [3, 4, 2, 3, 5],
  [2, 3, 1030],
  [1, 30, 4, 4, 8],
];

describeEngines('neurons', () => {
  describe.each(Object.keys(kinds))('%s', (name) => {
    const { neuron, constants, parameters, states } = kinds[name]!;
    it.each(shapes.map((shape) => ({ shape })))('over $shape', async ({ shape }) => {
      const random = (size: readonly number[], what: string): Plain => randomPlain(size, `${what} ${name}`);
      const inputs = {
        input: mapped(random(shape, 'input'), (value) => coarse(0.4 + value)),
        state: mapped(random(stateShape(shape, neuron.variables), 'state'), (value, index) =>
          states[variableAt(index, shape, neuron.variables)]!(value),
        ),
        parameters: plain([parameters.length], (index) => Math.fround(parameters[index]!)),
      };
      const weights = { spikes: randomPlain(shape, 'spikes'), potentials: randomPlain(shape, 'potentials') };
      const expected = walk(neuron, constants, inputs, weights);
      const before = tf.memory().numTensors;
      const results = tf.tidy(() => {
        const [input, state, learned] = [inputs.input, inputs.state, inputs.parameters].map(tensorOf);
        const run = (...[x, v, p]: tf.Tensor[]): tf.Tensor[] =>
          neuron.kernel.run({ input: x!, state: v!, parameters: p! }, { constants, potentials: true });
        const loss = (...tensors: tf.Tensor[]): tf.Tensor => {
          const [spikes, , potentials] = run(...tensors);
          const weighted = [tf.mul(spikes!, tensorOf(weights.spikes))];
          weighted.push(tf.mul(potentials!, tensorOf(weights.potentials)));
          return tf.add(tf.sum(weighted[0]!), tf.sum(weighted[1]!));
        };
        const gradients = tf.grads(loss)([input!, state!, learned!]);
        return [...run(input!, state!, learned!), ...gradients];
      });
      const [spikes, last, potentials, inputGradient, stateGradient, parametersGradient] = results;
      await expectNear(spikes!, expected.spikes, 1e-6, 'spikes');
      await expectNear(potentials!, expected.potentials, 1e-6, 'potentials');
      await expectNear(last!, expected.last, 1e-6, 'state');
      await expectNear(inputGradient!, expected.inputGradient, 5e-6, 'input gradient');
      await expectNear(stateGradient!, expected.stateGradient, 5e-6, 'state gradient');
      await expectNear(parametersGradient!, expected.parametersGradient, 1e-4, 'parameter gradient');
      tf.dispose(results);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
});

function mapped(values: Plain, value: (random: number, index: number) => number): Plain {
  return plain(values.shape, (index) => value(values.values[index]!, index));
}

/** Which variable of a state [batch, variables, …features] lies at an index. */
function variableAt(index: number, [, , ...features]: readonly number[], variables: number): number {
  const size = features.reduce((product, side) => product * side, 1);
  return Math.floor(index / size) % variables;
}
