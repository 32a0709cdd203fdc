import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import type { Pass } from '../../../src/models/layers/layer.ts';
import { createLifLayer } from '../../../src/models/layers/lif-layer.ts';
import { createNeuronLayer } from '../../../src/models/layers/neuron-layer.ts';
import { adaptiveLif, alif, leaky, leakyIntegrator, lif, lifNode } from '../../../src/models/neurons.ts';
import { describeEngines } from '../../engines/engines.ts';

const pass = { training: true, seed: 0, step: 0, state: {} } as Pass;
const values = async (tensor: tf.Tensor): Promise<number[]> => [...(await tensor.data())];

describeEngines('layers of neurons', () => {
  const input = (): tf.Tensor => tf.tensor([1, 2, 3, 1, 2, 0.5, 2, 1, 0.25, 1, 1, 1], [1, 4, 3]);

  it('without learned numbers are the neurons alone', async () => {
    const layer = createLifLayer('lif', leaky({ beta: 0.5 }));
    expect(layer.parameters).toStrictEqual([]);
    const { output, state } = layer.forward(input(), pass);
    const expected = lif(input(), leaky({ beta: 0.5 }));
    expect(await values(output)).toStrictEqual(await values(expected.spikes));
    expect(await values(state!)).toStrictEqual(await values(expected.state));
  });

  it('train decay and threshold, which begin where they are told', async () => {
    const fixed = lifNode({ tau: 2, decayInput: false });
    const layer = createLifLayer('lif', { ...fixed, learn: ['decay', 'threshold'] });
    expect(layer.parameters.map(({ name, decay }) => [name, decay])).toStrictEqual([
      ['lif.decay', false],
      ['lif.threshold', false],
    ]);
    // Parametric LIF: 1 / tau = sigmoid(w), so w = -ln(tau - 1).
    expect((await values(layer.parameters[0]!.variable))[0]).toBeCloseTo(0, 6);
    const { output } = layer.forward(input(), pass);
    expect(await values(output)).toStrictEqual(await values(lif(input(), fixed).spikes));
    const variables = layer.parameters.map(({ variable }) => variable);
    const { grads } = tf.variableGrads(
      () => tf.sum(layer.forward(input(), pass).output) as tf.Scalar,
      variables,
    );
    for (const variable of variables) {
      const [gradient] = await values(grads[variable.name]!);
      expect(Math.abs(gradient!)).toBeGreaterThan(1e-3);
    }
  });

  it('train a number for each channel', async () => {
    const layer = createNeuronLayer('alif', adaptiveLif, alif({ tau: 4 }), {
      learn: ['adaptationStrength', 'adaptationDecay'],
      channels: 3,
    });
    expect(layer.parameters.map(({ variable }) => variable.shape)).toStrictEqual([[3], [3]]);
    const variables = layer.parameters.map(({ variable }) => variable);
    const { grads } = tf.variableGrads(
      () => tf.sum(layer.forward(input(), pass).output) as tf.Scalar,
      variables,
    );
    expect(grads[variables[0]!.name]!.shape).toStrictEqual([3]);
    expect((await values(grads[variables[0]!.name]!)).some((gradient) => gradient !== 0)).toBe(true);
  });

  it('of neurons that never fire have no activity', () => {
    const layer = createNeuronLayer('readout', leakyIntegrator, { decay: 0.9, inputDecayed: false, rest: 0 });
    const { activity, output } = layer.forward(input(), pass);
    expect(activity).toBeUndefined();
    expect(output.shape).toStrictEqual([1, 4, 3]);
  });
});
