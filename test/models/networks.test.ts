import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engines/engine.ts';
import { OptionError, ShapeError } from '../../src/errors.ts';
import { alignments } from '../../src/models/layers/alignment.ts';
import { createLifLayer } from '../../src/models/layers/lif-layer.ts';
import { createNetwork, type Network, type NetworkConfig, parameterCount } from '../../src/models/network.ts';
import { createCsnn, csnnConfig } from '../../src/models/networks/csnn.ts';
import type { DfaNetConfig } from '../../src/models/networks/dfa-net.ts';
import { createLyapunovNet, lyapunovNetConfig } from '../../src/models/networks/lyapunov-net.ts';
import { createNmnistNet, nmnistNetConfig } from '../../src/models/networks/nmnist-net.ts';
import { createSsnn, ssnnConfig } from '../../src/models/networks/ssnn.ts';
import { createVgg, vggConfig } from '../../src/models/networks/vgg.ts';
import { leaky } from '../../src/models/neurons.ts';
import { sampleLogits } from '../../src/models/sample-logits.ts';
import { createSmoothLayer, expectClose, expectGradients, randomTensor } from './tensors.ts';

beforeAll(async () => {
  await startEngine('cpu');
});

const tinySsnn = ssnnConfig({
  input: { height: 8, width: 8, channels: 2 },
  classes: 3,
  timesteps: [4, 3, 2],
  channels: [8, 8, 8],
});
const tinyLyapunov = lyapunovNetConfig('vgg', {
  input: { height: 9, width: 8, channels: 2 },
  classes: 3,
  blocks: [[3, 3], [4]],
  hidden: 5,
  steps: 4,
  neuron: leaky({ beta: 0.9, threshold: 0.3 }),
});
const tinyNmnist = nmnistNetConfig({
  input: { height: 9, width: 8, channels: 2 },
  classes: 3,
  channels: [3, 4],
});
const tinyVgg = vggConfig({
  input: { height: 9, width: 8, channels: 3 },
  classes: 3,
  blocks: [[3, 4], [5]],
  hidden: 6,
});
const tinyCsnn = csnnConfig({
  input: { height: 9, width: 8, channels: 3 },
  classes: 3,
  channels: [3, 4],
  hidden: 6,
});
const events = (shape: number[], name = 'events') => tf.relu(randomTensor(shape, name, 3));

describe('SSNN', () => {
  it.each([48, 128])('has 393,448 parameters without the alignment, at %i pixels', (side) => {
    const config = ssnnConfig({ input: { height: side, width: side, channels: 2 }, classes: 10 });
    const count = (alignment: (typeof alignments)[number]): number => {
      const network = createSsnn({ ...config, alignment }, 1);
      const parameters = parameterCount(network);
      network.dispose();
      return parameters;
    };
    expect(count('pool')).toBe(393_448);
    expect(count('truncate')).toBe(393_448);
    expect(count('mix')).toBe(393_448 + 48 + 24 + 8);
    // By encoder: attention 4 w (w + 1), feed-forward 512 w + 256 + w, two normalisations 4 w; then the queries.
    const attention = [32, 64, 128].map(
      (w, i) => 4 * w * (w + 1) + 513 * w + 256 + 4 * w + [6, 4, 2][i]! * w,
    );
    expect(count('attention')).toBe(393_448 + attention.reduce((sum, part) => sum + part));
  });

  it('has three early classifiers in training and none otherwise', () => {
    const config = ssnnConfig({ input: { height: 16, width: 16, channels: 2 }, classes: 10 });
    const network = createSsnn(config, 1);
    const sequence = events([2, 8, 16, 16, 2]);
    const trained = network.forward(sequence, { training: true });
    expect(trained.auxiliary.map(({ shape }) => shape)).toStrictEqual([
      [2, 10],
      [2, 10],
      [2, 10],
    ]);
    expect(trained.updates).toHaveLength(8);
    expect(network.forward(sequence).auxiliary).toHaveLength(0);
    expect(network.windowBins).toBe(8);
    network.dispose();
  });

  it('refuses sizes that cannot be', () => {
    const input = { height: 8, width: 8, channels: 2 };
    const create = (options: object) => () => createSsnn({ ...tinySsnn, input, ...options }, 1);
    expect(create({ timesteps: [2, 4, 2] })).toThrow(OptionError);
    expect(create({ timesteps: [4, 2] })).toThrow(OptionError);
    expect(create({ channels: [8, 6, 8] })).toThrow(/4 heads/);
    expect(create({ input: { height: 7, width: 9, channels: 2 } })).toThrow(/needs 8 pixels, found 7/);
  });
});

type SmoothConfig = Exclude<NetworkConfig, DfaNetConfig>;

const kinds: [string, SmoothConfig, windowBins: number][] = [
  ...alignments.map((alignment): [string, SmoothConfig, number] => [
    `ssnn with ${alignment}`,
    { ...tinySsnn, alignment },
    4,
  ]),
  ['nmnist-net', tinyNmnist, 1],
  ['vgg', tinyVgg, 1],
  ['csnn', tinyCsnn, 1],
  ['lyapunov-net', tinyLyapunov, 1],
];

/** The network with smooth neurons. */
function smoothNetwork(config: SmoothConfig): Network {
  switch (config.kind) {
    case 'ssnn':
      return createSsnn(config, 1, createSmoothLayer);
    case 'nmnist-net':
      return createNmnistNet(config, 1, createSmoothLayer);
    case 'vgg':
      return createVgg(config, 1, createSmoothLayer);
    case 'csnn':
      return createCsnn(config, 1, createSmoothLayer);
    case 'lyapunov-net':
      return createLyapunovNet(config, 1, createSmoothLayer);
  }
}

describe('VGG', () => {
  it('has 3,249,994 parameters, as SNN and as ANN', () => {
    for (const config of [vggConfig(), vggConfig({ neuron: 'relu' })]) {
      const network = createVgg(config, 1);
      expect(parameterCount(network)).toBe(3_249_994);
      expect(network.layerNames).toHaveLength(config.neuron === 'relu' ? 0 : 7);
      network.dispose();
    }
  });
});

describe('CSNN', () => {
  it('has the parameters of the notebook', () => {
    const network = createCsnn(csnnConfig(), 1);
    expect(parameterCount(network)).toBe(896 + 18_496 + 4096 * 128 + 128 + 1290);
    network.dispose();
  });
});

describe.each(kinds)('%s', (_, config, windowBins) => {
  const { height, width, channels } = config.input;
  const frames = (batch: number, bins: number, name?: string) =>
    events([batch, bins, height, width, channels], name);
  let network: Network;
  afterEach(() => network.dispose());

  it('gives the same bits from the same seed, and others from another', async () => {
    network = createNetwork(config, 1);
    const [same, other] = [createNetwork(config, 1), createNetwork(config, 2)];
    const outputs = await Promise.all(
      [network, same, other].map((each) => each.forward(frames(2, 4)).output.data()),
    );
    expect(outputs[1]).toStrictEqual(outputs[0]);
    expect(outputs[2]).not.toStrictEqual(outputs[0]);
    same.dispose();
    other.dispose();
  });

  it('is the same function step by step: a chain of steps gives what a sequence gives', async () => {
    network = createNetwork(config, 1);
    const bins = 3 * windowBins;
    const sequence = frames(2, bins);
    const whole = network.forward(sequence);
    let state = {};
    for (let window = 0; window < 3; window++) {
      const part = tf.slice(sequence, [0, window * windowBins], [2, windowBins]);
      const step = network.step(part, state);
      state = step.state;
      expect(await tf.squeeze(tf.slice(whole.output, [0, window], [2, 1]), [1]).data()).toStrictEqual(
        await step.output.data(),
      );
    }
    for (const [name, tensor] of Object.entries(state)) {
      expect(await (tensor as tf.Tensor).data(), name).toStrictEqual(await whole.state[name]!.data());
    }
    expect(Object.keys(whole.state)).toStrictEqual([...network.layerNames]);
    expect(Object.keys(whole.rates)).toStrictEqual([...network.layerNames]);
  });

  it('does not see padding: neither logits nor rates nor the loss of early classifiers change', async () => {
    network = createNetwork(config, 1);
    const lengths = [2 * windowBins, windowBins + 1 - Math.sign(windowBins - 1)];
    const short = tf.mul(
      frames(2, 2 * windowBins),
      tf.tensor(
        lengths.flatMap((length) => Array.from({ length: 2 * windowBins }, (_, t) => (t < length ? 1 : 0))),
        [2, 2 * windowBins, 1, 1, 1],
      ),
    );
    const padding = tf.zeros([2, windowBins + 1, height, width, channels]);
    const long = tf.concat([short, padding], 1);
    for (const training of [false, true]) {
      const [a, b] = [short, long].map((sequence) => network.forward(sequence, { lengths, training }));
      const logits = [a!, b!].map(({ output }) => sampleLogits(output, lengths, windowBins));
      await expectClose(logits[1]!, logits[0]!, training ? 1e-5 : 1e-6);
      for (const name of network.layerNames) {
        await expectClose(b!.rates[name]!, a!.rates[name]!, 1e-6);
        expect(b!.elements[name]).toBe(a!.elements[name]);
      }
      for (const [index, early] of a!.auxiliary.entries())
        await expectClose(b!.auxiliary[index]!, early, 1e-5);
      for (const [index, { value }] of a!.updates.entries())
        await expectClose(b!.updates[index]!.value, value, 1e-5);
    }
  });

  it('shows each frame for several steps as a sequence that repeats it does', async () => {
    network = createNetwork(config, 1);
    const sequence = frames(2, 2);
    const repeated = tf.concat(
      tf.unstack(sequence, 1).flatMap((frame) => Array.from({ length: 3 }, () => tf.expandDims(frame, 1))),
      1,
    );
    const lengths = [2, 1];
    for (const training of [false, true]) {
      const shown = network.forward(sequence, { repeat: 3, lengths, training });
      const whole = network.forward(repeated, { lengths: [6, 3], training });
      await expectClose(shown.output, whole.output, 1e-5);
      for (const name of network.layerNames) await expectClose(shown.rates[name]!, whole.rates[name]!, 1e-6);
      expect(shown.elements).toStrictEqual(whole.elements);
      expect(shown.updates).toHaveLength(whole.updates.length);
      for (const [index, { value }] of whole.updates.entries())
        await expectClose(shown.updates[index]!.value, value, 1e-5);
    }
  });

  it('counts every output once in its rates', async () => {
    network = createNetwork(config, 1);
    const seen: Record<string, tf.Tensor> = {};
    const lengths = [windowBins, 2 * windowBins];
    const { rates, elements } = network.forward(frames(2, 2 * windowBins), {
      lengths,
      probe: (name, output) => {
        if (network.layerNames.includes(name)) seen[name] = tf.keep(tf.clone(output));
      },
    });
    for (const name of network.layerNames) {
      const [first, second] = tf.unstack(seen[name]!);
      const real = tf.slice(first!, 0, first!.shape[0]! / 2);
      const values = [...(await real.data()), ...(await second!.data())];
      expect(elements[name]).toBe(values.length);
      expect((await rates[name]!.data())[0]).toBeCloseTo(
        values.reduce((sum, value) => sum + value, 0) / values.length,
        6,
      );
      expect(values.every((value) => value === 0 || value === 1)).toBe(true);
    }
  });

  it('leaks no tensor', () => {
    network = createNetwork(config, 1);
    const sequence = frames(1, windowBins);
    const before = tf.memory().numTensors;
    const { output, state, rates } = network.step(sequence);
    const kept = 1 + Object.keys(state).length + Object.keys(rates).length;
    expect(tf.memory().numTensors).toBe(before + kept);
    tf.dispose([output, state, rates]);
    expect(tf.memory().numTensors).toBe(before);
    const other = createNetwork(config, 2);
    other.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('with smooth neurons, has the gradient of its function, through all windows', async () => {
    network = smoothNetwork(config);
    const trainable = network.parameters.filter(
      ({ trainable, name }) =>
        // A bias before a normalisation has no effect.
        trainable && !name.includes('encoder') && !(config.kind === 'vgg' && /^convolution.*bias/.test(name)),
    );
    const compute = (input: tf.Tensor): tf.Tensor => {
      const { output, auxiliary } = network.forward(input, {
        training: true,
        lengths: [2 * windowBins, 2 * windowBins],
      });
      return tf.concat([output, ...auxiliary].map((tensor) => tf.reshape(tensor, [-1])));
    };
    const variables = trainable.map(({ variable }) => variable);
    await expectGradients(
      compute,
      randomTensor([2, 2 * windowBins, height, width, channels], 'smooth'),
      variables,
      {
        epsilon: 3e-3,
        // The maximum of a pool has kinks.
        tolerance: config.kind === 'csnn' ? 6e-2 : 2e-2,
      },
    );
  });

  it('says what shape it wants', () => {
    network = createNetwork(config, 1);
    expect(() => network.forward(tf.zeros([1, 4, height, width + 1, channels]))).toThrow(ShapeError);
    expect(() => network.forward(tf.zeros([1, 4, height, width + 1, channels]))).toThrow(
      `expected a sequence [batch, steps, ${height}, ${width}, ${channels}], found [1,4,${height},${width + 1},${channels}]`,
    );
    expect(() => network.step(frames(1, windowBins + 1))).toThrow(/a window has \d bins/);
  });
});

it('names a LIF layer after its spikes', () => {
  expect(createLifLayer('a', tinySsnn.neuron).name).toBe('a');
});
