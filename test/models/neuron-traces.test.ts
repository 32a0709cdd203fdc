import { existsSync, readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import type { NeuronFunction, NeuronParameters } from '../../src/engines/kernels/index.ts';
import {
  adaptiveLif,
  alif,
  currentLif,
  leakyIntegrator,
  lif,
  nirLif,
  norseLif,
} from '../../src/models/neurons.ts';
import { describeEngines } from '../engines/engines.ts';
import { describeWithShared, sharedPath } from '../shared-data.ts';

interface Trace {
  /** Steps x neurons. */
  readonly spikes: number[];
  readonly potentials: number[];
  /** Variables x neurons. */
  readonly last: number[];
}

/** Neurons over steps x neurons of input. */
async function trace<C, P extends string>(
  run: NeuronFunction<C, P>,
  parameters: NeuronParameters<C, P>,
  input: readonly (readonly number[])[],
): Promise<Trace> {
  const sequence = tf.tensor([input.map((row) => [...row])]);
  const { spikes, state, potentials } = run(sequence, parameters, undefined, { potentials: true });
  const read = async (tensor: tf.Tensor): Promise<number[]> => [...(await tensor.data())];
  const values = { spikes: await read(spikes), potentials: await read(potentials), last: await read(state) };
  tf.dispose([sequence, spikes, state, potentials]);
  return values;
}

/** Compares to a share of the largest expected value. */
function expectNear(found: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(found.length).toBe(expected.length);
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0.1);
  const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  expect(worst / scale).toBeLessThan(tolerance);
}

const read = (file: string): string =>
  existsSync(sharedPath(file)) ? readFileSync(sharedPath(file), 'utf8') : '';

describeEngines('Norse', () => {
  const file = 'expected/neurons/norse_lif.json';
  describeWithShared('its stored steps', [file], () => {
    it('has the same spikes, potentials and last current', async () => {
      const stored = JSON.parse(read(file)) as Record<string, number> &
        Record<'X' | 'z' | 'v' | 'i', number[][]>;
      const neuron = norseLif({
        dt: stored['dt']!,
        tauMembraneInverse: stored['tau_mem_inv']!,
        tauSynapseInverse: stored['tau_syn_inv']!,
        threshold: stored['v_th']!,
        reset: stored['v_reset']!,
      });
      const found = await trace(currentLif, neuron, stored.X);
      expect(found.spikes).toStrictEqual(stored.z.flat());
      expectNear(found.potentials, stored.v.flat(), 1e-6);
      expectNear(found.last, [...stored.v.at(-1)!, ...stored.i.at(-1)!], 1e-6);
    });
  });

  it('has the potentials of its unit test', async () => {
    const { potentials } = await trace(currentLif, norseLif(), Array(9).fill([1]));
    expectNear(potentials, [0.1, 0.27, 0.487, 0.7335, 0.9963, 0, 0.3951, 0.7717, 0], 1e-4);
  });
});

describeEngines("the NIR paper's LIF", () => {
  const options = { tau: 0.0025, dt: 1e-4, vThreshold: 0.1 };
  const files = ['exact', 'norse', 'snntorch', 'rockpool', 'spyx', 'spinnaker2', 'nengo'].map(
    (name) => `expected/nir/lif_${name}.csv`,
  );
  describeWithShared('single-neuron traces', files, () => {
    const columns = (file: string): [number[], number[], number[]] => {
      const rows = read(file)
        .trim()
        .split('\n')
        .map((line) => line.split(',').map(Number));
      return [0, 1, 2].map((column) => rows.map((row) => row[column]!)) as [number[], number[], number[]];
    };
    const spikesAt = (spikes: readonly number[]): number[] =>
      spikes.flatMap((spike, step) => (spike > 0 ? [step] : []));

    it('is the exact solution up to the first spike, which resets it at its very time there', async () => {
      const [input, potentials, spikes] = columns(files[0]!);
      const neuron = nirLif(options);
      const found = await trace(
        lif,
        neuron,
        input.map((value) => [value]),
      );
      expect(found.spikes).toStrictEqual(spikes);
      const first = spikes.indexOf(1);
      expectNear(found.potentials.slice(0, first), potentials.slice(0, first), 1e-6);
    });

    it("is Norse's trace by Euler's method", async () => {
      const [input, potentials, spikes] = columns(files[1]!);
      const neuron = nirLif({ ...options, method: 'euler' });
      const found = await trace(
        lif,
        neuron,
        input.map((value) => [value]),
      );
      expect(found.spikes).toStrictEqual(spikes);
      expectNear(found.potentials, potentials, 1e-6);
    });

    it.each(files)('fires when %s does, but for ten steps', async (file) => {
      const [input, , spikes] = columns(file);
      const found = await trace(
        lif,
        nirLif(options),
        input.map((value) => [value]),
      );
      const [ours, theirs] = [spikesAt(found.spikes), spikesAt(spikes)];
      expect(ours.length).toBe(theirs.length);
      for (const [index, step] of ours.entries())
        expect(Math.abs(step - theirs[index]!)).toBeLessThanOrEqual(10);
    });
  });
});

describeEngines('pinned trajectories', () => {
  it('ALIF raises its threshold by every spike, and is reset a step later', async () => {
    const neuron = {
      ...alif({ threshold: 1, strength: 0.5, dampening: 0.3 }),
      ...{ decay: 0.5, adaptationDecay: 0.5 },
    };
    const found = await trace(adaptiveLif, neuron, [[1], [1], [1.25], [1], [2], [1]]);
    // Thresholds: 1, 1.5, 1.25, 1.625, 1.3125, 1.65625.
    expect(found.spikes).toStrictEqual([1, 0, 1, 0, 1, 0]);
    expect(found.potentials).toStrictEqual([1, 0.5, 1.5, 0.75, 2.375, 1.1875]);
    expect(found.last).toStrictEqual([1.1875, 0.65625, 0]);
  });

  it('a leaky integrator gives its potential and never fires', async () => {
    const neuron = { decay: 0.5, gain: 2, inputDecayed: false, rest: 0.5 };
    const found = await trace(leakyIntegrator, neuron, [[1], [0], [100]]);
    expect(found.potentials).toStrictEqual([2.5, 1.5, 201]);
    expect(found.spikes).toStrictEqual(found.potentials);
    expect(found.last).toStrictEqual([201]);
  });
});
