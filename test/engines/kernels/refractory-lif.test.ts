import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type RefractoryLifParameters, refractoryLif } from '../../../src/engines/kernels/index.ts';
import { describeEngines } from '../engines.ts';

const base: RefractoryLifParameters = {
  decay: 0.5,
  threshold: 1,
  gain: 1,
  inputDecayed: false,
  rest: 0,
  inclusive: true,
  reset: 'zero',
  resetPotential: 0,
  detachReset: true,
  surrogate: { kind: 'atan', amplitude: 1, slope: Math.PI },
  refractorySteps: 3,
  refractoryForm: 'mask',
};

/** Spikes and potentials of one neuron. */
async function trajectory(
  input: readonly number[],
  parameters: RefractoryLifParameters,
  state?: readonly [number, number],
): Promise<{ spikes: number[]; potentials: number[]; last: number[] }> {
  const result = tf.tidy(() => {
    const sequence = tf.tensor3d([...input], [1, input.length, 1]);
    const first = state === undefined ? undefined : tf.tensor3d([...state], [1, 2, 1]);
    return { ...refractoryLif(sequence, parameters, first, { potentials: true }) };
  });
  const read = async (tensor: tf.Tensor): Promise<number[]> => [...(await tensor.data())];
  const values = {
    spikes: await read(result.spikes),
    potentials: await read(result.potentials),
    last: await read(result.state),
  };
  tf.dispose([result.spikes, result.potentials, result.state]);
  return values;
}

const ones = (count: number): number[] => Array<number>(count).fill(1);

describeEngines('LIF with a refractory period', () => {
  it('mask: spikes N steps apart, the potential goes on integrating', async () => {
    const { spikes, potentials, last } = await trajectory(ones(8), base);
    expect(spikes).toStrictEqual([1, 0, 0, 1, 0, 0, 1, 0]);
    expect(potentials).toStrictEqual([0, 1, 1.5, 0, 1, 1.5, 0, 1]);
    expect(last).toStrictEqual([1, 1]);
  });

  it('hold: spikes N + 1 steps apart, the input is ignored in between', async () => {
    const held: RefractoryLifParameters = { ...base, refractoryForm: 'hold', resetPotential: -0.5 };
    const { spikes, potentials, last } = await trajectory([1, 9, -9, 9, 1, 1, 9, 9], held);
    expect(spikes).toStrictEqual([1, 0, 0, 0, 0, 1, 0, 0]);
    expect(potentials).toStrictEqual([-0.5, -0.5, -0.5, -0.5, 0.75, -0.5, -0.5, -0.5]);
    expect(last).toStrictEqual([-0.5, 1]);
  });

  it('subtracts the threshold where that is the reset', async () => {
    const subtracting: RefractoryLifParameters = { ...base, reset: 'subtract', refractorySteps: 2 };
    const { spikes, potentials } = await trajectory([2, 1, 1, 1], subtracting);
    expect(spikes).toStrictEqual([1, 0, 1, 0]);
    expect(potentials).toStrictEqual([1, 1.5, 0.75, 1.375]);
  });

  it('charges by decay, gain and rest, and fires at the threshold or only above it', async () => {
    const charged: RefractoryLifParameters = { ...base, decay: 0.75, gain: 0.25, rest: 0.5, threshold: 0.75 };
    expect(await trajectory([1, 0, 0], charged)).toStrictEqual({
      spikes: [1, 0, 0],
      potentials: [0, 0.125, 0.21875],
      last: [0.21875, 0],
    });
    expect((await trajectory([1], { ...charged, inclusive: false })).spikes).toStrictEqual([0]);
  });

  it.each(['mask', 'hold'] as const)('%s: carries potential and counter from call to call', async (form) => {
    const parameters: RefractoryLifParameters = { ...base, refractoryForm: form, threshold: 0.9 };
    const input = Array.from({ length: 24 }, (_, step) => ((step * 7) % 5) / 3);
    const whole = await trajectory(input, parameters);
    const spikes: number[] = [];
    let state: [number, number] | undefined;
    for (let step = 0; step < 24; step += 4) {
      const part = await trajectory(input.slice(step, step + 4), parameters, state);
      spikes.push(...part.spikes);
      state = part.last as [number, number];
    }
    expect(whole.spikes.reduce((sum, value) => sum + value)).toBeGreaterThan(2);
    expect(spikes).toStrictEqual(whole.spikes);
    expect(state).toStrictEqual(whole.last);
  });
});

describe('the state', () => {
  it('has to fit', () => {
    tf.tidy(() => {
      expect(() => refractoryLif(tf.zeros([2, 3, 4]), base, tf.zeros([2, 4]))).toThrow(
        'expected a state [2,2,4] for a sequence [2,3,4], found [2,4]',
      );
    });
  });
});
