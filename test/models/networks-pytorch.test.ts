import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { decodeCheckpoint, restoreNetwork } from '../../src/models/checkpoint.ts';
import type { Layer, Pass } from '../../src/models/layers/layer.ts';
import { type Network, outputTensors } from '../../src/models/network.ts';
import { describeEngines } from '../engines/engines.ts';
import { expectClose, pass, type StoredTensor, tensorOf } from './tensors.ts';

/** A network as bench/peers/networks_reference.py stores it. */
interface NetworkCase {
  sequence: StoredTensor;
  layers: StoredLayer[];
  logits: StoredTensor;
  /** What the logits are multiplied by before they are summed, for the gradients. */
  weights: StoredTensor;
  gradients: Record<string, StoredTensor>;
}

interface StoredLayer {
  name: string;
  /** Where it is not the output of the layer before. */
  input?: StoredTensor;
  output: StoredTensor;
  /** Of neurons: what a step leaves, and what it compared with the threshold where that is not the same. */
  potentials?: StoredTensor;
  charged?: StoredTensor;
  /** Default 1. */
  threshold?: number;
}

/** Of the largest potential or gradient. */
const TOLERANCE = 1e-4;
/** A spike may differ where a potential is as near to its threshold. */
const NEAR = 1e-5;

const file = (name: string): Buffer =>
  readFileSync(new URL(`../../fixtures/models/networks/${name}`, import.meta.url));

const names = [
  ...['vgg', 'ann-vgg', 'csnn', 'nmnist-net', 'lyapunov-simple', 'lyapunov-vgg'],
  ...['dfa-net', 'dfa-net-refractory'],
  ...['ssnn', 'ssnn-attention', 'ssnn-mix', 'ssnn-pool'],
];
const cases = names.map((name) => ({
  name,
  stored: JSON.parse(file(`${name}.json`).toString()) as NetworkCase,
  load: (): Network => restoreNetwork(decodeCheckpoint(file(`${name}.safetensors`))),
}));

/** The layers of a network in the order in which a sequence passes them. */
function layersOf(network: Network, sequence: StoredTensor): Layer[] {
  const layers: Layer[] = [];
  const probe: Pass['probe'] = (_name, _output, { layer }) => layers.push(layer);
  tf.dispose(outputTensors(network.forward(tensorOf(sequence), { probe })));
  return layers;
}

/**
 * Compares neurons step by step. A spike that differs must be of a potential near its threshold, and what follows of
 * that neuron is left out.
 */
async function expectNeurons(layer: Layer, input: tf.Tensor, stored: StoredLayer): Promise<void> {
  const { output, potentials } = layer.forward(input, pass({ potentials: () => true }));
  expect(output.shape).toEqual(stored.output.shape);
  const spikes = (await output.data()) as Float32Array;
  const left = (await potentials!.data()) as Float32Array;
  const expected = stored.potentials!.values;
  const charged = (stored.charged ?? stored.potentials!).values;
  const { threshold = 1 } = stored;
  const scale = Math.max(...expected.map(Math.abs));
  const [batch, steps] = output.shape as [number, number];
  const neurons = output.size / (batch * steps);
  let [fired, worst] = [0, 0];
  for (let neuron = 0; neuron < batch * neurons; neuron++) {
    const first = Math.floor(neuron / neurons) * steps * neurons + (neuron % neurons);
    for (let step = 0; step < steps; step++) {
      const at = first + step * neurons;
      if (spikes[at] !== stored.output.values[at]) {
        expect(Math.abs(charged[at]! - threshold), `${stored.name}: spike ${at}`).toBeLessThan(NEAR);
        break;
      }
      fired += spikes[at]!;
      worst = Math.max(worst, Math.abs(left[at]! - expected[at]!));
    }
  }
  expect(fired, `${stored.name}: spikes`).toBeGreaterThan(0);
  expect(worst / scale, `${stored.name}: potentials`).toBeLessThan(TOLERANCE);
}

describeEngines("networks with PyTorch's weights", () => {
  it.each(cases)(
    '$name: every layer gives what PyTorch gives for the same input',
    async ({ stored, load }) => {
      const network = load();
      const layers = layersOf(network, stored.sequence);
      expect(layers.map(({ name }) => name)).toEqual(stored.layers.map(({ name }) => name));
      let input = tensorOf(stored.sequence);
      for (const [index, layer] of layers.entries()) {
        const expected = stored.layers[index]!;
        if (expected.input !== undefined) input = tensorOf(expected.input);
        if (expected.potentials !== undefined) await expectNeurons(layer, input, expected);
        else await expectClose(layer.forward(input, pass()).output, expected.output, TOLERANCE);
        input = tensorOf(expected.output);
      }
      network.dispose();
    },
  );

  it.each(cases)('$name: as a whole, its logits and all gradients too', async ({ stored, load }) => {
    const network = load();
    const [sequence, weights] = [tensorOf(stored.sequence), tensorOf(stored.weights)];
    await expectClose(network.forward(sequence).output, stored.logits, TOLERANCE);
    const trained = network.parameters.filter(({ name }) => name in stored.gradients);
    expect(trained.length).toBe(Object.keys(stored.gradients).length);
    const { grads } = tf.variableGrads(
      () => tf.sum(tf.mul(network.forward(sequence).output, weights)) as tf.Scalar,
      trained.map(({ variable }) => variable),
    );
    for (const { name, variable } of trained) {
      await expectClose(grads[variable.name]!, stored.gradients[name]!, TOLERANCE);
    }
    network.dispose();
  });
});
