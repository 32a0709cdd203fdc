import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type AdaptiveLifConstants, adaptiveLifNeuron } from '../../../src/engines/kernels/adaptive-lif.ts';
import { type CurrentLifConstants, currentLifNeuron } from '../../../src/engines/kernels/current-lif.ts';
import { leakyIntegratorNeuron } from '../../../src/engines/kernels/leaky-integrator.ts';
import { type LifConstants, lifNeuron } from '../../../src/engines/kernels/lif.ts';
import type { Neuron } from '../../../src/engines/kernels/neuron.ts';
import { initialState, stateShape } from '../../../src/engines/kernels/neuron-function.ts';
import type {
  ChargeConstants,
  ResetConstants,
  ThresholdConstants,
} from '../../../src/engines/kernels/neuron-parts.ts';
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

function kind<C, V extends string, P extends string>(
  neuron: Neuron<C, V, P>,
  constants: C,
  parameters: readonly number[],
  states: Kind['states'],
): Kind {
  return { neuron: neuron as unknown as Neuron<unknown>, constants, parameters, states };
}

/** Multiples of 2^-8 stay exact for a while, so few potentials come close to a threshold. */
const coarse = (value: number): number => Math.round(256 * value) / 256;
const potential = (random: number): number => coarse(0.4 + random);

const common: ChargeConstants & ThresholdConstants & ResetConstants = {
  inputDecayed: false,
  rest: 0,
  inclusive: false,
  surrogate: { kind: 'atan', amplitude: 1, slope: Math.PI },
  reset: 'subtract',
  resetPotential: 0,
  detachReset: true,
};

const lif = (options: Partial<LifConstants>, parameters: readonly number[] = [0.8, 1]): Kind =>
  kind(lifNeuron, { ...common, resetTiming: 'before', ...options }, parameters, [potential]);

const refractory = (options: Partial<RefractoryLifConstants>, parameters: readonly number[]): Kind =>
  kind(
    refractoryLifNeuron,
    { ...common, reset: 'zero', inclusive: true, refractorySteps: 3, refractoryForm: 'mask', ...options },
    parameters,
    [potential, (random) => Math.max(0, Math.round(3 * random))],
  );

const current = (options: Partial<CurrentLifConstants>): Kind =>
  kind(currentLifNeuron, { ...common, reset: 'zero', ...options }, [0.7, 0.55, 0.9173], [potential, coarse]);

const adaptive = (options: Partial<AdaptiveLifConstants>): Kind =>
  kind(
    adaptiveLifNeuron,
    { ...common, ...options },
    [0.8, 0.6173, 0.9, 0.7],
    [potential, (random) => coarse(1 + random), (random) => (random < 0 ? 0 : 1)],
  );

const integrator = (options: Partial<ChargeConstants>): Kind =>
  kind(leakyIntegratorNeuron, { ...common, ...options }, [0.85], [potential]);

const kinds: Record<string, Kind> = {
  'LIF, subtracts before': lif({}),
  'LIF, subtracts before, not detached': lif({ detachReset: false }, [0.8, 0.7173]),
  'LIF, zero before, not detached': lif({ detachReset: false, reset: 'zero', resetPotential: -0.25 }),
  'LIF, subtracts after': lif({ resetTiming: 'after', detachReset: false, inclusive: true }),
  'LIF, zero after, at rest': lif({
    ...{ reset: 'zero', resetTiming: 'after', detachReset: false, inclusive: true },
    ...{ inputDecayed: true, gain: 1.5, rest: 0.25, resetPotential: -0.5 },
  }),
  'LIF, subtracts both': lif({ resetTiming: 'both', detachReset: false }),
  'LIF, zero both': lif({ resetTiming: 'both', reset: 'zero' }, [0.8, 0.9673]),
  'LIF, no reset': lif({ reset: 'none', resetTiming: 'after' }),
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
  'current-based, zero': current({ resetPotential: -0.25, inputDecayed: true }),
  'current-based, subtracts, not detached': current({ reset: 'subtract', detachReset: false, rest: 0.25 }),
  adaptive: adaptive({}),
  'adaptive, not detached, at rest': adaptive({ detachReset: false, rest: -0.25, gain: 1.25 }),
  integrator: integrator({}),
  'integrator, decayed input': integrator({ inputDecayed: true, gain: 2, rest: 0.5 }),
};

const shapes = [
  { shape: [1, 1, 1], byChannel: false },
  { shape: [2, 5, 3], byChannel: false },
  { shape: [3, 4, 2, 3, 5], byChannel: true },
  { shape: [1, 2, 265, 2], byChannel: true },
  { shape: [1, 2, 530], byChannel: false },
];

describeEngines('neurons', () => {
  describe.each(Object.keys(kinds))('%s', (name) => {
    const { neuron, constants, parameters, states } = kinds[name]!;
    const variables = neuron.variables.length;

    it.each(shapes)('over $shape, by channel: $byChannel', async ({ shape, byChannel }) => {
      const channels = shape.at(-1)!;
      const stateSize = stateShape(shape, variables);
      const inputs = {
        input: mapped(randomPlain(shape, `input ${name}`), (value) => coarse(0.4 + value)),
        state: mapped(randomPlain(stateSize, `state ${name}`), (value, index) =>
          states[variableAt(index, shape, variables)]!(value),
        ),
        parameters: byChannel
          ? plain([parameters.length, channels], (index) =>
              Math.fround(parameters[Math.floor(index / channels)]! * (1 - (index % channels) / 61)),
            )
          : plain([parameters.length], (index) => Math.fround(parameters[index]!)),
      };
      const weights = {
        spikes: randomPlain(shape, 'spikes'),
        potentials: randomPlain(shape, 'potentials'),
        last: randomPlain(stateSize, 'last'),
      };
      const expected = walk(neuron, constants, inputs, weights);
      const before = tf.memory().numTensors;
      const results = tf.tidy(() => {
        const [input, state, learned] = [inputs.input, inputs.state, inputs.parameters].map(tensorOf);
        const run = (...[x, v, p]: tf.Tensor[]): tf.Tensor[] =>
          neuron.kernel.run(
            { input: x!, state: v!, parameters: p! },
            { constants, potentials: true, learns: true },
          );
        const loss = (...tensors: tf.Tensor[]): tf.Tensor => {
          const [spikes, last, potentials] = run(...tensors);
          const pairs = [
            [spikes, weights.spikes],
            [potentials, weights.potentials],
            [last, weights.last],
          ] as const;
          const terms = pairs.map(([tensor, weight]) => tf.sum(tf.mul(tensor!, tensorOf(weight))));
          return tf.addN(terms);
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
      await expectNear(parametersGradient!, expected.parametersGradient, 5e-5, 'parameter gradient');
      tf.dispose(results);
      expect(tf.memory().numTensors).toBe(before);
    });

    it('gives the same in a chain of calls, and without potentials', async () => {
      const [chained, whole] = tf.tidy(() => {
        const input = tensorOf(mapped(randomPlain([2, 7, 6], name), (value) => coarse(0.4 + value)));
        const learned = tf.tensor1d([...parameters]);
        const call = (part: tf.Tensor, state: tf.Tensor): tf.Tensor[] =>
          neuron.kernel.run(
            { input: part, state, parameters: learned },
            { constants, potentials: false, learns: false },
          );
        const initial = initialState(neuron, [2, 7, 6], constants);
        const first = call(tf.slice(input, [0, 0, 0], [2, 3, 6]), initial);
        const second = call(tf.slice(input, [0, 3, 0], [2, 4, 6]), first[1]!);
        const flat = (...tensors: tf.Tensor[]): tf.Tensor =>
          tf.concat(tensors.map((tensor) => tf.reshape(tensor, [-1])));
        const together = call(input, initial);
        return [
          flat(tf.concat([first[0]!, second[0]!], 1), second[1]!),
          flat(together[0]!, together[1]!),
        ] as const;
      });
      expect(await chained.data()).toStrictEqual(await whole.data());
      tf.dispose([chained, whole]);
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
