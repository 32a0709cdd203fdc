import * as tf from '@tensorflow/tfjs-core';
import type { RecordBatch } from 'apache-arrow';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engines/engine.ts';
import { numberAlgebra } from '../../src/engines/kernels/algebra.ts';
import { type Surrogate, surrogateDerivative, surrogateKinds } from '../../src/engines/kernels/index.ts';
import type { Sample } from '../../src/events.ts';
import { createAlignment } from '../../src/models/layers/alignment.ts';
import { createBatchNorm } from '../../src/models/layers/batch-norm.ts';
import { createFlatten } from '../../src/models/layers/flatten.ts';
import { forwardThrough, type Layer } from '../../src/models/layers/layer.ts';
import { createLifLayer } from '../../src/models/layers/lif-layer.ts';
import { createLinear } from '../../src/models/layers/linear.ts';
import { createPool } from '../../src/models/layers/pooling.ts';
import { lyapunovRule } from '../../src/models/learning/lyapunov-rule.ts';
import { evaluateExponents } from '../../src/models/lyapunov/evaluate-exponents.ts';
import {
  exponentName,
  type LyapunovOptions,
  lyapunovExponents,
} from '../../src/models/lyapunov/exponents.ts';
import { lifTangent } from '../../src/models/lyapunov/lif-tangent.ts';
import { traceMembranes } from '../../src/models/lyapunov/membrane-trace.ts';
import { surrogateProduct } from '../../src/models/lyapunov/surrogate-product.ts';
import {
  createNetwork,
  type ForwardOptions,
  type Network,
  parameterCount,
} from '../../src/models/network.ts';
import { networkOf } from '../../src/models/network-body.ts';
import { lyapunovNetConfig } from '../../src/models/networks/lyapunov-net.ts';
import { nmnistNetConfig } from '../../src/models/networks/nmnist-net.ts';
import { type FixedLif, leaky, lifNode, nirLif } from '../../src/models/neurons.ts';
import { fastSigmoid, sigmoid } from '../../src/models/surrogates.ts';
import { createTrainer } from '../../src/models/trainer.ts';
import { batchSamples } from '../../src/operators/batch.ts';
import { RandomStream } from '../../src/random.ts';
import { randomTensor } from './tensors.ts';

beforeAll(async () => {
  await startEngine('wasm', { threads: 1 });
});

const config = nmnistNetConfig();

/** A network of these layers on frames of one row. */
function chain(layers: readonly Layer[], width: number): Network {
  return networkOf(
    { ...config, input: { height: 1, width, channels: 1 } },
    {
      name: 'chain',
      windowBins: 1,
      parameters: layers.flatMap(({ parameters }) => parameters),
      layerNames: [],
      forward: (sequence, pass, collected) => ({
        output: forwardThrough(layers, sequence, pass, collected),
        auxiliary: [],
      }),
    },
  );
}

async function exponents(
  network: Network,
  sequence: tf.Tensor,
  options: LyapunovOptions,
  forward: ForwardOptions = {},
): Promise<number[]> {
  const trace = traceMembranes(network, sequence, forward);
  return [...(await lyapunovExponents(trace, options).data())];
}

describe('a lone neuron without input', () => {
  const network = () => chain([createFlatten('flatten'), createLifLayer('lif', leaky({ beta: 0.9 }))], 1);
  const silence = () => tf.zeros([2, 25, 1, 1, 1]);

  it.each(['perturbation', 'tangent'] as const)('gives ln(beta) by %s', async (estimator) => {
    for (const lambda of await exponents(network(), silence(), { estimator })) {
      expect(lambda).toBeCloseTo(Math.log(0.9), 5);
    }
  });

  it('does so where a difference is soon too small for its square', async () => {
    const forgetful = chain([createFlatten('flatten'), createLifLayer('lif', leaky({ beta: 0.01 }))], 1);
    for (const lambda of await exponents(forgetful, silence(), { estimator: 'tangent' })) {
      expect(lambda).toBeCloseTo(Math.log(0.01), 4);
    }
  });

  it('does so whatever the perturbation, where it does not fire', async () => {
    for (const epsilon of [1e-3, 0.1, 0.9]) {
      const [lambda] = await exponents(network(), silence(), { estimator: 'perturbation', epsilon });
      expect(lambda).toBeCloseTo(Math.log(0.9), 4);
    }
  });

  it('counts real steps only', async () => {
    const input = tf.tensor([0, 0, 0, 5, 5, 5], [1, 6, 1, 1, 1]);
    const neuron = { ...leaky({ beta: 0.9 }), detachReset: false };
    const attached = () => chain([createFlatten('flatten'), createLifLayer('lif', neuron)], 1);
    const [whole] = await exponents(attached(), input, { estimator: 'tangent' });
    const [part] = await exponents(attached(), input, { estimator: 'tangent' }, { lengths: [3] });
    const [cut] = await exponents(attached(), tf.slice(input, [0, 0], [1, 3]), { estimator: 'tangent' });
    expect(part).toBeCloseTo(cut!, 6);
    expect(whole).not.toBeCloseTo(cut!, 2);
  });
});

/** Three layers of LIF neurons, 64 wide, of normal weights with this gain. */
function deep(gain: number, width = 64): Network {
  const neuron = leaky({ beta: 0.9, surrogate: fastSigmoid(25) });
  const layers: Layer[] = [createFlatten('flatten')];
  for (let index = 1; index <= 3; index++) {
    const linear = createLinear(`linear${index}`, { inputs: width, outputs: width, bias: false }, 1);
    linear.parameters[0]!.variable.assign(
      randomTensor([width, width], `weights${index}`, gain / Math.sqrt(width)),
    );
    layers.push(linear, createLifLayer(`lif${index}`, neuron));
  }
  return chain(layers, width);
}

describe('three layers of spiking neurons', () => {
  const noise = (width = 64) =>
    tf.cast(tf.greater(randomTensor([8, 25, 1, width, 1], 'noise'), 0.5), 'float32');
  const mean = async (gain: number, options: LyapunovOptions): Promise<number> => {
    const lambdas = await exponents(deep(gain), noise(), options);
    return lambdas.reduce((sum, lambda) => sum + lambda, 0) / lambdas.length;
  };

  it('give ln(beta) for a perturbation too small to change a spike, whatever the weights', async () => {
    for (const gain of [0.5, 1.5, 4]) {
      expect(await mean(gain, { estimator: 'perturbation', epsilon: 1e-5 })).toBeCloseTo(Math.log(0.9), 2);
    }
  });

  it('tell the weights apart by one of the order of the threshold', async () => {
    const [weak, middle, strong] = [
      await mean(0.5, { estimator: 'perturbation' }),
      await mean(1.5, { estimator: 'perturbation' }),
      await mean(4, { estimator: 'perturbation' }),
    ];
    // Measured in the definitions, 3.4, for 256 neurons: 0.058, 0.339, 0.190.
    expect(weak).toBeGreaterThan(Math.log(0.9));
    expect(middle).toBeGreaterThan(weak + 0.1);
    expect(strong).toBeLessThan(middle);
    expect(strong).toBeGreaterThan(weak);
    const smaller = await mean(1.5, { estimator: 'perturbation', epsilon: 0.1 });
    expect(smaller).toBeGreaterThan(Math.log(0.9));
  });

  it('part faster by stronger weights in the tangent map', async () => {
    const [weak, strong] = [
      await mean(0.5, { estimator: 'tangent' }),
      await mean(3, { estimator: 'tangent' }),
    ];
    expect(weak).toBeGreaterThan(Math.log(0.9) - 0.05);
    expect(strong).toBeGreaterThan(weak);
  });

  it('are the same whoever shares the batch', async () => {
    const input = noise();
    for (const estimator of ['perturbation', 'tangent'] as const) {
      const all = await exponents(deep(1.5), input, { estimator });
      const [alone] = await exponents(deep(1.5), tf.slice(input, [3], [1]), { estimator });
      expect(alone).toBeCloseTo(all[3]!, 5);
    }
  });
});

describe('the tangent of a LIF step', () => {
  const neurons: [string, FixedLif][] = [
    ['leaky', leaky({ beta: 0.8, surrogate: sigmoid(3) })],
    ['leaky, reset at once', leaky({ beta: 0.8, resetDelay: false, surrogate: sigmoid(3) })],
    ['leaky, to zero', leaky({ beta: 0.8, resetMechanism: 'zero', surrogate: sigmoid(3) })],
    [
      'leaky, to zero at once',
      leaky({ beta: 0.8, resetMechanism: 'zero', resetDelay: false, surrogate: sigmoid(3) }),
    ],
    ['leaky, no reset', leaky({ beta: 0.8, resetMechanism: 'none', surrogate: sigmoid(3) })],
    ['node', lifNode({ surrogate: sigmoid(3) })],
    ['node, soft', lifNode({ resetPotential: null, surrogate: sigmoid(3) })],
    ['node, detached, to 0.2', lifNode({ resetPotential: 0.2, detachReset: true, surrogate: sigmoid(3) })],
    ['with a gain', nirLif({ tau: 0.02, dt: 0.005, r: 3, vLeak: 0.1, vThreshold: 1, surrogate: sigmoid(3) })],
    ['before, attached', { ...leaky({ beta: 0.8, surrogate: sigmoid(3) }), detachReset: false }],
    [
      'before, to zero, attached',
      {
        ...leaky({ beta: 0.8, resetMechanism: 'zero', surrogate: sigmoid(3) }),
        detachReset: false,
        resetPotential: 0.1,
      },
    ],
  ];

  it.each(neurons)('%s is what the gradient is, read forward', async (_, neuron) => {
    const { lif } = await import('../../src/engines/kernels/index.ts');
    const [shape, steps] = [[1, 3, 40], 3];
    const [inputs, first] = [randomTensor(shape, 'input'), randomTensor([1, 40], 'potential')];
    const [dInputs, dFirst] = [randomTensor(shape, 'dInput'), randomTensor([1, 40], 'dPotential')];
    const [gSpikes, gPotential] = [randomTensor(shape, 'gSpikes'), randomTensor([1, 40], 'gPotential')];
    const { potentials } = lif(inputs, neuron, first, { potentials: true });
    const course = { inputs: () => inputs, first, potentials };
    const tangent = lifTangent(neuron, course, { inputs: dInputs, potential: dFirst });
    const last = tf.unstack(tangent.potentials, 1)[steps - 1]!;
    // <g, J d> = <J' g, d>
    const forward = tf.add(tf.sum(tf.mul(gSpikes, tangent.spikes()), 1), tf.mul(gPotential, last));
    const [gInputs, gFirst] = tf.grads((x: tf.Tensor, v: tf.Tensor) => {
      const next = lif(x, neuron, v);
      return tf.add(tf.sum(tf.mul(next.spikes, gSpikes)), tf.sum(tf.mul(next.state, gPotential)));
    })([inputs, first]);
    const backward = tf.add(tf.sum(tf.mul(gInputs!, dInputs), 1), tf.mul(gFirst!, dFirst));
    const [expected, found] = [await backward.data(), await forward.data()];
    for (let i = 0; i < expected.length; i++) expect(found[i]).toBeCloseTo(expected[i]!, 5);
  });
});

describe('the product by a surrogate', () => {
  // Apart from where a shape has a corner, and where the rate's derivative begins.
  const distances = [-1.7, -0.6, -0.2, 0.15, 0.55, 1.4];
  const surrogates = surrogateKinds.map(
    (kind): Surrogate => ({ kind, amplitude: 1.5, slope: 1.25, shape: 0.7 }),
  );

  it.each(surrogates)('$kind has the gradients of its two factors', async (surrogate) => {
    const slopeAt = (x: number): number => surrogateDerivative(numberAlgebra, surrogate, x);
    const changes = distances.map((_, index) => index - 2.5);
    const [x, d] = [tf.tensor1d(distances), tf.tensor1d(changes)];
    const product = await surrogateProduct(surrogate, x, d).data();
    const [byDistance, byChange] = await Promise.all(
      tf
        .grads((at: tf.Tensor, by: tf.Tensor) => tf.sum(surrogateProduct(surrogate, at, by)))([x, d])
        .map((gradient) => gradient.data()),
    );
    for (const [index, at] of distances.entries()) {
      const curve = (slopeAt(at + 1e-5) - slopeAt(at - 1e-5)) / 2e-5;
      expect(product[index]).toBeCloseTo(slopeAt(at) * changes[index]!, 5);
      expect(byChange![index]).toBeCloseTo(slopeAt(at), 5);
      expect(byDistance![index]).toBeCloseTo(curve * changes[index]!, 4);
    }
  });
});

describe('the gradient of an exponent', () => {
  /** Two layers of membranes whose outputs are smooth, so that differences are a derivative. */
  const smooth = () => {
    const linear = createLinear('linear', { inputs: 6, outputs: 4 }, 3);
    const norm = createBatchNorm('norm', { channels: 4 });
    const neuron = leaky({ beta: 0.8, surrogate: sigmoid(4) });
    return chain(
      [
        createFlatten('flatten'),
        createLifLayer('lif1', neuron),
        linear,
        norm,
        createLifLayer('lif2', neuron),
      ],
      6,
    );
  };

  it.each(['perturbation', 'tangent'] as const)(
    'reaches the weights between neurons by %s',
    async (estimator) => {
      const network = smooth();
      const input = tf.relu(randomTensor([3, 6, 1, 6, 1], 'input', 1.5));
      const weight = network.parameters.find(({ name }) => name === 'linear.weight')!.variable;
      const { grads } = tf.variableGrads(() => {
        const trace = traceMembranes(network, input, { training: true });
        return tf.mean(lyapunovExponents(trace, { estimator }));
      }, [weight]);
      const values = [...(await grads[weight.name]!.data())];
      expect(values.every(Number.isFinite)).toBe(true);
      expect(values.some((value) => Math.abs(value) > 1e-4)).toBe(true);
    },
  );

  it('is the derivative of the tangent estimate, where no spike changes', async () => {
    const network = smooth();
    const input = tf.relu(randomTensor([3, 4, 1, 6, 1], 'input', 0.4));
    const parameters = network.parameters
      .filter(({ trainable }) => trainable)
      .map(({ variable }) => variable);
    const estimate = (): tf.Scalar => {
      const trace = traceMembranes(network, input, {});
      return tf.mean(lyapunovExponents(trace, { estimator: 'tangent' }));
    };
    const { value, grads } = tf.variableGrads(estimate, parameters);
    expect(Number.isFinite((await value.data())[0])).toBe(true);
    for (const variable of parameters) {
      const start = tf.clone(variable);
      const direction = randomTensor(variable.shape, 'direction');
      const at = async (factor: number): Promise<number> => {
        variable.assign(tf.add(start, tf.mul(direction, factor)));
        return (await estimate().data())[0]!;
      };
      const numeric = ((await at(5e-3)) - (await at(-5e-3))) / 1e-2;
      variable.assign(start);
      // Nothing reaches what only the last layer's spikes hang on.
      const gradient = (grads[variable.name] ?? tf.zeros(variable.shape)) as tf.Tensor;
      const analytic = (await tf.sum(tf.mul(gradient, direction)).data())[0]!;
      expect(analytic).toBeCloseTo(numeric, 2);
    }
  });
});

describe('the regulariser', () => {
  const classes = 3;
  const TARGET = 0.1;
  const small = (): Network =>
    createNetwork(
      lyapunovNetConfig('simple', {
        input: { height: 4, width: 4, channels: 2 },
        classes,
        blocks: [[8], [8]],
        steps: 8,
        dropout: 0,
        // Wide, so that the tangent map has something to follow.
        neuron: leaky({ beta: 0.9, surrogate: fastSigmoid(4) }),
      }),
      1,
    );
  const batchOf = (): RecordBatch => {
    const samples = Array.from({ length: 8 }, (_, index): Sample => {
      const random = new RandomStream(2, `sample/${index}`);
      const frames = Float32Array.from({ length: 8 * 32 }, (_, i) => (random.uniform(i) < 0.4 ? 1 : 0));
      return { id: String(index), label: index % classes, frames, shape: [8, 4, 4, 2], length: 8 };
    });
    return batchSamples(samples);
  };

  it.each(['perturbation', 'tangent'] as const)(
    'draws the exponent to its target by %s',
    async (estimator) => {
      const network = small();
      const options = { seed: 1, optimiser: { kind: 'adam', learningRate: 2e-2 } } as const;
      const trainer = createTrainer(network, {
        ...options,
        rule: lyapunovRule({ alpha: 20, target: TARGET, estimator }),
        evaluation: evaluateExponents({}),
      });
      const name = exponentName(estimator);
      const batch = batchOf();
      const first = (await trainer.trainStep(batch)).quantities![name]!;
      const tensors = tf.memory().numTensors;
      const later: number[] = [];
      for (let step = 0; step < 30; step++) later.push((await trainer.trainStep(batch)).quantities![name]!);
      expect(tf.memory().numTensors).toBe(tensors);
      const last = later.slice(-5).reduce((sum, lambda) => sum + lambda / 5, 0);
      expect(Math.abs(last - TARGET)).toBeLessThan(0.8 * Math.abs(first - TARGET));
      const { quantities } = await trainer.evaluateStep(batch);
      expect(Object.keys(quantities!)).toStrictEqual(['lambda (perturbation)', 'lambda (tangent)']);
      expect(tf.memory().numTensors).toBe(tensors);
      network.dispose();
    },
  );

  it('adds alpha (lambda - target)^2 to the loss, and nothing where alpha is 0', async () => {
    const loss = async (alpha: number | undefined) => {
      const network = small();
      const rule =
        alpha === undefined ? {} : { rule: lyapunovRule({ alpha, target: 0.3, estimator: 'tangent' }) };
      const trainer = createTrainer(network, {
        seed: 1,
        optimiser: { kind: 'sgd', learningRate: 0.1 },
        ...rule,
      });
      const metrics = await trainer.trainStep(batchOf());
      const weight = [...(await network.parameters[0]!.variable.data())];
      network.dispose();
      return { ...metrics, weight };
    };
    const [plain, none, some] = [await loss(undefined), await loss(0), await loss(2)];
    const lambda = some.quantities!['lambda (tangent)']!;
    expect(some.loss).toBeCloseTo(plain.loss + 2 * (lambda - 0.3) ** 2, 5);
    expect(none.loss).toBeCloseTo(plain.loss, 6);
    for (const [index, value] of none.weight.entries()) expect(value).toBeCloseTo(plain.weight[index]!, 6);
    expect(some.weight).not.toStrictEqual(plain.weight);
  });
});

describe('a trace', () => {
  it('leaves the run as it is, in training too', async () => {
    const network = createNetwork(
      lyapunovNetConfig('simple', {
        input: { height: 8, width: 8, channels: 2 },
        blocks: [[4], [6]],
        steps: 5,
      }),
      1,
    );
    const sequence = tf.relu(randomTensor([2, 5, 8, 8, 2], 'sequence', 2));
    const forward = { training: true, seed: 3, step: 9 };
    const plain = network.forward(sequence, forward);
    const before = tf.memory().numTensors;
    const trace = traceMembranes(network, sequence, forward);
    expect(await trace.result.output.data()).toStrictEqual(await plain.output.data());
    expect(trace.result.updates.length).toBe(plain.updates.length);
    for (const estimator of ['perturbation', 'tangent'] as const) {
      const lambdas = await lyapunovExponents(trace, { estimator }).data();
      expect([...lambdas].every(Number.isFinite)).toBe(true);
    }
    expect(tf.memory().numTensors).toBeGreaterThan(before);
    network.dispose();
  });

  it('of a part of a batch is that part of the whole', async () => {
    const network = createNetwork(
      lyapunovNetConfig('simple', {
        input: { height: 4, width: 4, channels: 2 },
        blocks: [[4], [6]],
        steps: 5,
      }),
      1,
    );
    const sequence = tf.relu(randomTensor([5, 5, 4, 4, 2], 'sequence', 2));
    const forward = { training: true, lengths: [5, 3, 5, 2, 5] };
    for (const estimator of ['perturbation', 'tangent'] as const) {
      const whole = await exponents(network, sequence, { estimator }, forward);
      const part = await lyapunovExponents(traceMembranes(network, sequence, forward, 2), {
        estimator,
      }).data();
      expect([...part]).toStrictEqual(whole.slice(0, 2));
    }
    network.dispose();
  });

  it('follows frames that are shown for several steps as it follows their repetition', async () => {
    const network = createNetwork(
      lyapunovNetConfig('vgg', {
        input: { height: 8, width: 8, channels: 2 },
        blocks: [[4, 4], [6]],
        hidden: 8,
        steps: 5,
      }),
      1,
    );
    const frame = tf.relu(randomTensor([2, 1, 8, 8, 2], 'sequence', 2));
    const repeated = tf.tile(frame, [1, 5, 1, 1, 1]);
    for (const estimator of ['perturbation', 'tangent'] as const) {
      const shown = await exponents(network, frame, { estimator }, { repeat: 5, training: true });
      const whole = await exponents(network, repeated, { estimator }, { training: true });
      for (const [index, lambda] of shown.entries()) expect(lambda).toBeCloseTo(whole[index]!, 3);
    }
    network.dispose();
  });

  it('has the parameters of the notebook', () => {
    const counts = (['simple', 'vgg'] as const).map((model) => {
      const network = createNetwork(lyapunovNetConfig(model), 1);
      const count = parameterCount(network);
      network.dispose();
      return count;
    });
    const norms = (channels: number[]): number => channels.reduce((sum, maps) => sum + 2 * maps, 0);
    const simple = 9 * (3 * 64 + 64 * 128 + 128 * 256) + norms([64, 128, 256]) + 4096 * 10 + 10;
    const vgg =
      9 * (3 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 256 + 256 * 256) +
      norms([64, 64, 128, 128, 256, 256]) +
      (4096 * 512 + 512) +
      (512 * 10 + 10);
    expect(counts).toStrictEqual([simple, vgg]);
  });

  it('says what it cannot follow', () => {
    const neuron = leaky({ beta: 0.9 });
    const maxPool = chain(
      [createLifLayer('lif1', neuron), createPool('pool', 'max', 1), createLifLayer('lif2', neuron)],
      2,
    );
    const trace = traceMembranes(maxPool, tf.zeros([1, 3, 1, 2, 1]), {});
    expect(() => lyapunovExponents(trace, { estimator: 'tangent' })).toThrow(/affine layers .* before lif2/);
    const shrinking = chain(
      [
        createLifLayer('lif1', neuron),
        createAlignment('align', { kind: 'pool', from: 4, to: 2, channels: 1 }, 1),
        createLifLayer('lif2', neuron),
      ],
      2,
    );
    expect(() => traceMembranes(shrinking, tf.zeros([1, 4, 1, 2, 1]), {})).toThrow(
      /layers of 4 steps in chain, found 2 in lif2/,
    );
    expect(() => traceMembranes(chain([createFlatten('flatten')], 2), tf.zeros([1, 4, 1, 2, 1]), {})).toThrow(
      /found none/,
    );
  });
});
