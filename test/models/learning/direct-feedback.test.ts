import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type RunningEngine, startEngine } from '../../../src/engines/engine.ts';
import { OptionError } from '../../../src/errors.ts';
import { backpropagation } from '../../../src/models/learning/backpropagation.ts';
import {
  angleName,
  type DirectFeedbackOptions,
  directFeedback,
} from '../../../src/models/learning/direct-feedback.ts';
import type { Learned, LearningRule } from '../../../src/models/learning/learning-rule.ts';
import { createNetwork } from '../../../src/models/network.ts';
import {
  createDfaNet,
  type DfaNet,
  leakyDfaNetConfig,
  refractoryDfaNetConfig,
} from '../../../src/models/networks/dfa-net.ts';
import { nmnistNetConfig } from '../../../src/models/networks/nmnist-net.ts';
import { createOptimiser } from '../../../src/models/optimisers.ts';
import { poissonSource, type SequenceSource, tensorSource } from '../../../src/models/sequence-source.ts';
import { RandomStream } from '../../../src/random.ts';
import { randomTensor } from '../tensors.ts';
import {
  drive,
  fastSigmoidAt,
  type Matrix,
  plainLayers,
  projected,
  sampleGradients,
  softmax,
  zeros,
} from './plain-dfa.ts';

let engine: RunningEngine;
beforeAll(async () => {
  engine = await startEngine('cpu');
});
afterAll(() => engine.stop());

const made: { dispose(): void }[] = [];
afterEach(() => {
  for (const item of made.splice(0)) item.dispose();
});

const tiny = {
  input: { height: 2, width: 3, channels: 1 },
  classes: 3,
};
const numbers = { decay: 0.8, readoutDecay: 0.7, slope: 5 };

function leakyNet(units: readonly number[] = [5, 4]): DfaNet {
  const config = leakyDfaNetConfig({ units, gains: [4], feedback: 0.5, ...numbers });
  const network = createDfaNet({ ...config, ...tiny }, 3);
  const { weight } = network.localLayers.at(-1)!;
  tf.tidy(() => weight.variable.assign(randomTensor(weight.variable.shape, 'output')));
  made.push(network);
  return network;
}

/** Random spikes [batch, steps, 2, 3, 1]. */
function spikes(batch: number, steps: number): tf.Tensor5D {
  const random = new RandomStream(9, `${batch}/${steps}`);
  const values = Float32Array.from({ length: batch * steps * 6 }, (_, i) =>
    random.uniform(i) < 0.5 ? 1 : 0,
  );
  const sequence = tf.tensor5d(values, [batch, steps, 2, 3, 1]);
  made.push(sequence);
  return sequence;
}

const labels = Int32Array.of(2, 0, 1, 1);

function apply(rule: LearningRule, network: DfaNet, source: SequenceSource): Learned {
  const learned = rule({
    network,
    trainable: network.parameters.filter(({ trainable }) => trainable),
    source,
    labels: labels.subarray(0, source.shape[0]),
    forward: { lengths: source.lengths, training: true },
    loss: {},
    batch: 0,
  });
  const { loss, logits, result, gradients, quantities = {}, others } = learned;
  made.push(loss, logits, ...gradients.values(), ...others);
  made.push(...Object.values(result.rates), ...Object.values(quantities));
  return learned;
}

const whole = (sequence: tf.Tensor5D): SequenceSource =>
  tensorSource(sequence, new Int32Array(sequence.shape[0]).fill(sequence.shape[1]));

async function expectSame(
  found: ReadonlyMap<string, tf.Tensor>,
  expected: ReadonlyMap<string, tf.Tensor>,
  tolerance = 1e-5,
): Promise<void> {
  expect([...found.keys()].sort()).toStrictEqual([...expected.keys()].sort());
  for (const [name, tensor] of expected) {
    const wanted = (await tensor.data()) as Float32Array;
    expectNear([...(await found.get(name)!.data())], [...wanted], tolerance, name);
  }
}

function expectNear(found: readonly number[], wanted: readonly number[], tolerance: number, what: string) {
  const scale = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
  expect(found).toHaveLength(wanted.length);
  found.forEach((value, index) => {
    expect(Math.abs(value - wanted[index]!) / scale, `${what} ${index}`).toBeLessThan(tolerance);
  });
}

describe('directFeedback', () => {
  it('is the sum over steps of trace, surrogate and projected error, as in double precision', async () => {
    const network = leakyNet();
    const sequence = spikes(4, 9);
    const { gradients, logits } = apply(directFeedback(), network, whole(sequence));
    const layers = await plainLayers(network);
    const samples = ((await sequence.array()) as number[][][][][]).map((sample) =>
      sample.map((frame) => frame.flat(2)),
    );
    const plain = samples.map((sample, index) => sampleGradients(layers, sample, labels[index]!, numbers));
    expectNear(
      [...(await logits.data())],
      plain.flatMap((one) => one.logits),
      1e-5,
      'logits',
    );
    const mean = (values: number[][]): number[] =>
      values[0]!.map((_, i) => values.reduce((sum, own) => sum + own[i]!, 0) / values.length);
    for (const [layer, { weight, bias }] of network.localLayers.entries()) {
      const weights = mean(plain.map((one) => one.weights[layer]!.flat()));
      const biases = mean(plain.map((one) => one.biases[layer]!));
      expectNear([...(await gradients.get(weight.name)!.data())], weights, 1e-5, weight.name);
      expectNear([...(await gradients.get(bias.name)!.data())], biases, 1e-5, bias.name);
    }
    const size = Math.max(...plain[0]!.weights[0]!.flat().map(Math.abs));
    expect(size).toBeGreaterThan(1e-4);
  });

  it('with one hidden layer, one step and the feedback W transposed is backpropagation', async () => {
    const network = leakyNet([5]);
    const [hidden, output] = network.localLayers;
    tf.tidy(() => hidden!.feedback!.variable.assign(tf.transpose(output!.weight.variable)));
    const source = whole(spikes(4, 1));
    const truth = apply(backpropagation, network, source);
    const { gradients, logits, loss } = apply(directFeedback(), network, source);
    await expectSame(gradients, truth.gradients);
    expectNear([...(await logits.data())], [...(await truth.logits.data())], 1e-6, 'logits');
    expectNear([...(await loss.data())], [...(await truth.loss.data())], 1e-6, 'loss');
  });

  it('gives the output layer its true gradient, whatever the number of steps', async () => {
    const network = leakyNet();
    const source = whole(spikes(4, 8));
    const truth = apply(backpropagation, network, source);
    const { gradients } = apply(directFeedback(), network, source);
    const own = new Map([...gradients].filter(([name]) => name.startsWith('output')));
    await expectSame(own, new Map([...truth.gradients].filter(([name]) => name.startsWith('output'))));
  });

  it.each([
    ['sample', 2],
    ['sample', 3],
    ['sample', 1],
    ['step', 2],
    ['step', 7],
  ] as const)(
    'with the error of the %s and blocks of %i steps gives what one block gives',
    async (errorOf, blockSteps) => {
      const network = leakyNet();
      const source = whole(spikes(4, 8));
      const expected = apply(directFeedback({ errorOf }), network, source);
      const { gradients, logits, result } = apply(directFeedback({ errorOf, blockSteps }), network, source);
      await expectSame(gradients, expected.gradients);
      expectNear([...(await logits.data())], [...(await expected.logits.data())], 1e-6, 'logits');
      for (const [layer, rate] of Object.entries(expected.result.rates)) {
        expect((await result.rates[layer]!.data())[0]).toBeCloseTo((await rate.data())[0]!, 6);
      }
    },
  );

  it('sends the sign of the error, or the targets alone, where told to', async () => {
    const network = leakyNet();
    const source = whole(spikes(4, 6));
    const hiddenOf = async (options: DirectFeedbackOptions): Promise<number[]> => {
      const { gradients } = apply(directFeedback(options), network, source);
      return [...(await gradients.get('hidden1.weight')!.data())];
    };
    const logits = (await apply(directFeedback(), network, source).logits.array()) as number[][];
    const layers = await plainLayers(network);
    // By the plain rule with the error replaced: its logits give an error of +-1, or minus the target.
    const error = logits.map((row, sample) =>
      softmax(row).map((p, output) => p - (output === labels[sample]! ? 1 : 0)),
    );
    const found = {
      error: await hiddenOf({}),
      sign: await hiddenOf({ signal: 'sign' }),
      target: await hiddenOf({ signal: 'target' }),
    };
    const samples = ((await spikes(4, 6).array()) as number[][][][][]).map((sample) =>
      sample.map((frame) => frame.flat(2)),
    );
    const by = (signalOf: (error: number[], sample: number) => number[]): number[] => {
      const sum = zeros(6, 5);
      samples.forEach((sample, index) => {
        const { weights } = sampleGradients(layers, sample, labels[index]!, numbers);
        const [own, other] = [error[index]!, signalOf(error[index]!, index)];
        weights[0]!.forEach((row, i) => {
          row.forEach((value, unit) => {
            const feedback = layers[0]!.feedback!;
            sum[i]![unit]! +=
              ((value / projected(feedback, own, unit)) * projected(feedback, other, unit)) / 4;
          });
        });
      });
      return sum.flat();
    };
    expectNear(
      found.sign,
      by((own) => own.map(Math.sign)),
      1e-4,
      'sign',
    );
    expectNear(
      found.target,
      by((own, sample) => own.map((_, output) => (output === labels[sample] ? -1 : 0))),
      1e-4,
      'target',
    );
    expect(found.sign).not.toStrictEqual(found.error);
  });

  it('leaves padded steps out', async () => {
    const network = leakyNet();
    const sequence = spikes(3, 8);
    const lengths = Int32Array.of(5, 5, 5);
    const cut = tf.slice(sequence, [0, 0, 0, 0, 0], [-1, 5, -1, -1, -1]) as tf.Tensor5D;
    made.push(cut);
    const expected = apply(directFeedback(), network, whole(cut));
    const padded = apply(directFeedback({ blockSteps: 3 }), network, tensorSource(sequence, lengths));
    await expectSame(padded.gradients, expected.gradients);
  });

  it('keeps no more for a longer sequence, and nothing when it is done', async () => {
    const config = leakyDfaNetConfig({ units: [40, 20] });
    const network = createDfaNet(config, 1);
    made.push(network);
    const frames = Float32Array.from({ length: 4 * 784 }, (_, i) => (i % 7 === 0 ? 200 : 0));
    const columns = {
      frames,
      shape: [4, 1, 28, 28, 1] as const,
      lengths: new Int32Array(4).fill(1),
      labels,
      ids: ['a', 'b', 'c', 'd'],
    };
    const peak = async (rule: LearningRule, steps: number): Promise<number> => {
      const source = poissonSource(
        columns,
        { kind: 'poisson', steps, gain: 0.5, offset: 0 },
        { seed: 1, epoch: 0 },
      );
      const before = tf.memory().numTensors;
      const start = tf.memory().numBytes;
      const { peakBytes } = await tf.profile(() => {
        apply(rule, network, source);
        return [];
      });
      for (const item of made.splice(1)) item.dispose();
      expect(tf.memory().numTensors).toBe(before);
      return peakBytes - start;
    };
    for (const errorOf of ['sample', 'step'] as const) {
      const rule = directFeedback({ errorOf, blockSteps: 8 });
      const [short, long] = [await peak(rule, 16), await peak(rule, 96)];
      expect(short).toBeGreaterThan(0);
      expect(long).toBeLessThanOrEqual(short);
    }
    expect(await peak(backpropagation, 96)).toBeGreaterThan(4 * (await peak(backpropagation, 16)));
  });

  it('learns by feedback that never changes, and turns the weights towards the true gradient', async () => {
    const network = leakyNet([24, 16]);
    const rule = directFeedback({ angleEvery: 1 });
    const trainable = network.parameters.filter((parameter) => parameter.trainable);
    const optimiser = createOptimiser({ kind: 'adam', learningRate: 0.02 }, trainable);
    made.push(optimiser);
    const feedback = async (): Promise<number[][]> =>
      Promise.all(
        network.localLayers.slice(0, -1).map(async (layer) => [...(await layer.feedback!.variable.data())]),
      );
    const before = await feedback();
    const source = whole(spikes(4, 12));
    const losses: number[] = [];
    const angles: number[] = [];
    for (let step = 0; step < 60; step++) {
      const { loss, gradients, quantities } = apply(rule, network, source);
      losses.push((await loss.data())[0]!);
      const degrees = async (name: string): Promise<number> =>
        (await quantities![angleName(name)]!.data())[0]!;
      angles.push(await degrees('hidden2.weight'));
      expect(await degrees('output.weight')).toBeLessThan(0.5);
      optimiser.update(gradients, 0.02);
    }
    expect(await feedback()).toStrictEqual(before);
    expect(losses.at(-1)!).toBeLessThan(0.3 * losses[0]!);
    const late = angles.slice(30);
    expect(late.reduce((sum, angle) => sum + angle, 0) / late.length).toBeLessThan(85);
  });

  it('refuses a network that has no layers of its own', () => {
    const network = createNetwork(nmnistNetConfig(), 1);
    made.push(network);
    expect(() => apply(directFeedback(), network as DfaNet, whole(spikes(1, 1)))).toThrow(OptionError);
  });
});

describe('the reference notebook', () => {
  const [tau, timestep, refractory] = [20, 0.25, 1];

  /** One layer over time, as the notebook writes it: spikes and drives by step. */
  function layer(input: Matrix, weights: Parameters<typeof drive>[0], threshold: number) {
    const v = weights.bias.map(() => 0);
    const counter = weights.bias.map(() => 0);
    return input.map((frame) => {
      const a = drive(weights, frame);
      const out = a.map((x, unit) => {
        v[unit] = (1 - timestep / tau) * v[unit]! + (timestep / tau) * x;
        const spike = v[unit]! >= threshold && counter[unit] === 0 ? 1 : 0;
        if (spike === 1) {
          v[unit] = 0;
          counter[unit] = Math.round(refractory / timestep);
        }
        counter[unit] = Math.max(0, counter[unit]! - 1);
        return spike;
      });
      return { a, out };
    });
  }

  it.each(['drive', 'rate'] as const)('is what its network and its update by the %s give', async (kind) => {
    const config = refractoryDfaNetConfig({ units: [5, 4, 4], feedback: 0.3 });
    const network = createDfaNet({ ...config, ...tiny }, 4);
    made.push(network);
    const sequence = spikes(2, 25);
    const derivative =
      kind === 'rate'
        ? ({ kind, tau, refractory } as const)
        : ({ kind, surrogate: { kind: 'fastSigmoid', amplitude: 1, slope: 10 } } as const);
    const { gradients, logits, result } = apply(directFeedback({ derivative }), network, whole(sequence));
    const layers = await plainLayers(network);
    const thresholds = [0.05, 0.02, 0.01, 0.15];
    const slope = (a: number, h: number): number => {
      if (kind === 'drive') return fastSigmoidAt(a - h, 10);
      if (a <= h) return 0;
      const interval = refractory + tau * Math.log(a / (a - h));
      return (h * refractory * tau) / (a * (a - h)) / interval ** 2;
    };
    const sums = layers.map(({ weight, bias }) => zeros(weight.length, bias.length));
    const logitsFound = (await logits.array()) as number[][];
    const rates = layers.map(() => 0);
    for (const [sample, frames] of ((await sequence.array()) as number[][][][][]).entries()) {
      let input = frames.map((frame) => frame.flat(2));
      const runs = layers.map((weights, index) => {
        const steps = layer(input, weights, thresholds[index]!);
        const run = { input, steps };
        input = steps.map(({ out }) => out);
        rates[index]! += input.flat().reduce((sum, spike) => sum + spike, 0) / input.flat().length / 2;
        return run;
      });
      const counts = input[0]!.map((_, output) => input.reduce((sum, frame) => sum + frame[output]!, 0));
      const total = counts.reduce((sum, count) => sum + count, 1e-9);
      const expected = counts.map((count) => count / total / 0.5);
      expectNear(logitsFound[sample]!, expected, 1e-5, 'logits');
      const error = softmax(expected).map((p, output) => p - (output === labels[sample]! ? 1 : 0));
      runs.forEach(({ input: seen, steps }, index) => {
        const { feedback } = layers[index]!;
        steps.forEach(({ a }, step) => {
          a.forEach((own, unit) => {
            const e = feedback === undefined ? error[unit]! : projected(feedback, error, unit);
            seen[step]!.forEach((spike, i) => {
              sums[index]![i]![unit]! += (spike * e * slope(own, thresholds[index]!)) / (2 * 25);
            });
          });
        });
      });
    }
    for (const [index, { name, weight }] of network.localLayers.entries()) {
      const found = [...(await gradients.get(weight.name)!.data())];
      expectNear(found, sums[index]!.flat(), 2e-4, weight.name);
      expect((await result.rates[name]!.data())[0]).toBeCloseTo(rates[index]!, 5);
    }
  });
});
