import { existsSync, readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  type FixedLif,
  ifNode,
  type LifParameters,
  leaky,
  lif,
  lifNode,
  parametricDecay,
} from '../../src/models/neurons.ts';
import { describeEngines } from '../engines/engines.ts';
import { describeWithShared, sharedPath } from '../shared-data.ts';
import { surrogateNamed } from './surrogate-names.ts';

type Matrix = number[][];

/** A stored case: each library names its settings its own way. */
// biome-ignore lint/suspicious/noExplicitAny: parsed JSON.
type Entry = Record<string, any>;

interface Stored {
  X: Matrix;
  WS: Matrix;
  WM?: Matrix;
  WV?: Matrix;
}

interface Expected {
  spikes: Matrix;
  potentials: Matrix;
  inputGradient: Matrix;
  /** By name: gradient of the learned number. */
  learned?: number;
}

/** A neuron whose decay comes from one learned number. */
interface Learner {
  readonly neuron: FixedLif;
  readonly value: number;
  readonly decay: (learned: tf.Tensor) => tf.Tensor;
}

/** A stored file, without cases where it is absent: the tests are then skipped, but made. */
function readCases(file: string): Stored & { cases: Entry[] } {
  const path = sharedPath(file);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { X: [], WS: [], cases: [] };
}

const titled = (cases: readonly Entry[], title: (entry: Entry) => string): [string, Entry][] =>
  cases.map((entry) => [title(entry), entry]);

const fixed = (neuron: FixedLif): Learner => ({ neuron, value: neuron.decay, decay: (learned) => learned });

/** Steps x neurons as a sequence of one sample. */
const sequence = (matrix: Matrix): tf.Tensor => tf.tensor([matrix]);

type Run = (input: tf.Tensor, parameters: LifParameters) => { spikes: tf.Tensor; potentials: tf.Tensor };

/** All steps in one call. */
const together: Run = (input, parameters) => lif(input, parameters, undefined, { potentials: true });

/** Chained calls of one and two steps that hand the state on. */
const chained: Run = (input, parameters) => {
  const steps = input.shape[1]!;
  const outputs: ReturnType<Run>[] = [];
  let state: tf.Tensor | undefined;
  for (let step = 0; step < steps; ) {
    const count = Math.min(1 + (step % 2), steps - step);
    const result = lif(tf.slice(input, [0, step], [-1, count]), parameters, state, { potentials: true });
    state = result.state;
    outputs.push(result);
    step += count;
  }
  return {
    spikes: tf.concat(
      outputs.map(({ spikes }) => spikes),
      1,
    ),
    potentials: tf.concat(
      outputs.map(({ potentials }) => potentials),
      1,
    ),
  };
};

async function compare(stored: Stored, learner: Learner, run: Run, expected: Expected): Promise<void> {
  const { neuron, value, decay } = learner;
  const results = tf.tidy(() => {
    const input = sequence(stored.X);
    const learned = tf.scalar(value);
    const compute = (x: tf.Tensor, number: tf.Tensor): ReturnType<Run> =>
      run(x, { ...neuron, decay: decay(number) });
    const loss = (x: tf.Tensor, number: tf.Tensor): tf.Tensor => {
      const { spikes, potentials } = compute(x, number);
      const weighted = tf.mul(potentials, sequence(stored.WM ?? stored.WV!));
      return tf.add(tf.sum(tf.mul(spikes, sequence(stored.WS))), tf.sum(weighted));
    };
    const [inputGradient, learnedGradient] = tf.grads(loss)([input, learned]);
    return { ...compute(input, learned), inputGradient: inputGradient!, learnedGradient: learnedGradient! };
  });
  expect([...(await results.spikes.data())], 'spikes').toStrictEqual(expected.spikes.flat());
  await expectNear(results.potentials, expected.potentials.flat(), 1e-6, 'potentials');
  await expectNear(results.inputGradient, expected.inputGradient.flat(), 5e-6, 'input gradient');
  if (expected.learned !== undefined) {
    await expectNear(results.learnedGradient, [expected.learned], 5e-6, 'learned gradient');
  }
  tf.dispose(results);
}

/** Compares to a share of the largest expected value. */
async function expectNear(
  tensor: tf.Tensor,
  expected: readonly number[],
  tolerance: number,
  what: string,
): Promise<void> {
  const values = await tensor.data();
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0.1);
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(values[i]! - value)), 0);
  expect(worst / scale, what).toBeLessThan(tolerance);
}

describeEngines('snnTorch Leaky', () => {
  const file = 'expected/neurons/snntorch_leaky.json';
  describeWithShared('every stored case', [file], () => {
    const stored = readCases(file);
    describe.each(Object.entries({ together, chained }))('%s', (_, run) => {
      it.each(
        titled(
          stored.cases,
          (entry) =>
            `${entry['surrogate']} ${entry['reset']} delay ${entry['reset_delay']} beta ${entry['beta']}`,
        ),
      )('%s', async (_title, entry) => {
        const neuron = leaky({
          beta: entry.beta,
          resetMechanism: entry.reset,
          resetDelay: entry.reset_delay,
          surrogate: surrogateNamed(entry.surrogate)!,
        });
        await compare(stored, fixed(neuron), run, {
          spikes: entry.spk,
          potentials: entry.mem,
          inputGradient: entry.grad_x,
          learned: entry.grad_beta,
        });
      });
    });
  });
});

describeEngines('SpikingJelly nodes', () => {
  const file = 'expected/neurons/spikingjelly_neurons.json';
  describeWithShared('every stored case', [file], () => {
    const stored = readCases(file);
    describe.each(Object.entries({ together, chained }))('%s', (_, run) => {
      it.each(
        titled(
          stored.cases,
          (entry) =>
            `${entry['node']} ${entry['surrogate']} reset ${entry['v_reset']} decay input ${entry['decay_input']} ` +
            `detach ${entry['detach_reset']}`,
        ),
      )('%s', async (_title, entry) => {
        const options = {
          resetPotential: entry.v_reset,
          detachReset: entry.detach_reset,
          surrogate: surrogateNamed(entry.surrogate)!,
        };
        const expected = { spikes: entry.spk, potentials: entry.v, inputGradient: entry.grad_x };
        if (entry.node === 'IF') {
          await compare(stored, fixed(ifNode(options)), run, expected);
          return;
        }
        const neuron = lifNode({
          ...options,
          tau: entry.tau ?? entry.init_tau,
          decayInput: entry.decay_input,
        });
        const learner =
          entry.node === 'LIF' ? fixed(neuron) : { neuron, value: entry.w, decay: parametricDecay };
        await compare(stored, learner, run, { ...expected, learned: entry.grad_w });
      });
    });
  });
});
