import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engines/engine.ts';
import { convolution } from '../../src/engines/kernels/index.ts';
import {
  AC_PICOJOULES,
  arithmeticEnergy,
  MAC_PICOJOULES,
  ruleOfThumbEnergyRatio,
} from '../../src/models/energy.ts';
import { createAlignment } from '../../src/models/layers/alignment.ts';
import { createConvolution } from '../../src/models/layers/convolution.ts';
import { foldTime, unfoldTime } from '../../src/models/layers/fold-time.ts';
import { type Layer, statelessLayer } from '../../src/models/layers/layer.ts';
import { createLinear } from '../../src/models/layers/linear.ts';
import { createNetwork } from '../../src/models/network.ts';
import { nmnistNetConfig } from '../../src/models/networks/nmnist-net.ts';
import { ssnnConfig } from '../../src/models/networks/ssnn.ts';
import { countOperations, OperationCounter } from '../../src/models/synaptic-operations.ts';
import { describeEngines } from '../engines/engines.ts';
import { describeWithShared, sharedPath } from '../shared-data.ts';
import { pass, randomTensor } from './tensors.ts';

/** A convolution of any stride and padding, which the networks do not have. */
function stridedConvolution(filter: tf.Tensor, stride: number, padding: number): Layer {
  const apply = (input: tf.Tensor, weight: tf.Tensor): tf.Tensor =>
    unfoldTime(convolution(foldTime(input), weight, { stride, padding }), input.shape[0]!);
  return statelessLayer('strided', [], (input) => apply(input, filter), { weight: () => filter, apply });
}

/** Every pair of an input and a weight, one by one: [batch, steps, height, width, channels] and a square filter. */
function pairs(
  input: { values: ArrayLike<number>; shape: readonly number[] },
  weight: { values: ArrayLike<number>; shape: readonly number[] },
  stride: number,
  padding: number,
): { effective: number; dense: number } {
  const [batch, steps, height, width, channels] = input.shape as [number, number, number, number, number];
  const [side, , , outputs] = weight.shape as [number, number, number, number];
  const extent = (size: number): number => Math.floor((size + 2 * padding - side) / stride) + 1;
  const counts = { effective: 0, dense: 0 };
  for (let map = 0; map < batch * steps; map++) {
    for (let row = 0; row < extent(height); row++) {
      for (let column = 0; column < extent(width); column++) {
        for (let tap = 0; tap < side * side; tap++) {
          const y = row * stride - padding + Math.floor(tap / side);
          const x = column * stride - padding + (tap % side);
          if (y < 0 || y >= height || x < 0 || x >= width) continue;
          for (let channel = 0; channel < channels; channel++) {
            const value = input.values[((map * height + y) * width + x) * channels + channel]!;
            for (let output = 0; output < outputs; output++) {
              counts.dense++;
              const factor = weight.values[(tap * channels + channel) * outputs + output]!;
              if (value !== 0 && factor !== 0) counts.effective++;
            }
          }
        }
      }
    }
  }
  return counts;
}

interface Stored {
  readonly synops: {
    readonly conv: {
      readonly cin: number;
      readonly cout: number;
      readonly k: number;
      readonly stride: number;
      readonly pad: number;
      /** [batch, channels, height, width]. */
      readonly x: number[][][][];
      readonly synops: number;
    };
    readonly linear: { readonly x: number[][]; readonly out: number; readonly synops: number };
  };
}

describeWithShared('the stored counts', ['expected/neurons/misc.json'], () => {
  const load = (): Stored['synops'] =>
    (JSON.parse(readFileSync(sharedPath('expected/neurons/misc.json'), 'utf8')) as Stored).synops;

  describeEngines('on an engine', () => {
    it('counts 453 in the convolution, and 1,200 where all inputs are one', async () => {
      const { conv } = load();
      const layer = stridedConvolution(tf.ones([conv.k, conv.k, conv.cin, conv.cout]), conv.stride, conv.pad);
      const maps = tf.transpose(tf.tensor4d(conv.x), [0, 2, 3, 1]);
      const input = tf.expandDims(maps, 1);
      expect(conv.synops).toBe(453);
      expect(await countOperations(layer, input)).toStrictEqual({
        layer: 'strided',
        binary: true,
        effective: 453,
        dense: 1200,
      });
      expect(await countOperations(layer, tf.onesLike(input))).toMatchObject({
        effective: 1200,
        dense: 1200,
      });
    });

    it('counts 72 in the linear layer', async () => {
      const { linear } = load();
      const layer = createLinear('linear', { inputs: linear.x[0]!.length, outputs: linear.out }, 1);
      const input = tf.expandDims(tf.tensor2d(linear.x), 1);
      expect(linear.synops).toBe(72);
      expect(await countOperations(layer, input)).toMatchObject({ binary: true, effective: 72 });
    });
  });
});

describe('counting', () => {
  beforeAll(async () => {
    await startEngine('cpu');
  });

  it('gives 1,000 accumulates for 5 x 10 x 20 ones through Linear(20, 5) a sample, as NeuroBench has it', async () => {
    const layer = createLinear('linear', { inputs: 20, outputs: 5 }, 1);
    const counter = new OperationCounter();
    const input = tf.ones([5, 10, 20]);
    counter.probe('linear', input, {
      layer,
      input,
      pass: pass(),
      potentials: undefined,
      active: false,
    });
    await counter.collect(5);
    expect(counter.result({ parameters: layer.parameters })).toMatchObject({
      samples: 5,
      effectiveAcs: 1000,
      effectiveMacs: 0,
      dense: 1000,
      footprintBytes: 4 * 105,
      connectionSparsity: 0,
    });
  });

  it('counts what one by one counts, for all sizes, strides, paddings and zero weights', async () => {
    const sizes = fc.record({
      height: fc.integer({ min: 3, max: 7 }),
      width: fc.integer({ min: 3, max: 7 }),
      inputs: fc.integer({ min: 1, max: 3 }),
      outputs: fc.integer({ min: 1, max: 4 }),
      side: fc.constantFrom(1, 3),
      stride: fc.integer({ min: 1, max: 3 }),
      padding: fc.integer({ min: 0, max: 1 }),
      density: fc.double({ min: 0, max: 1, noNaN: true }),
      values: fc.constantFrom([1], [1, -1], [1, 0.5]),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ height, width, inputs, outputs, side, stride, padding, ...rest }) => {
        let state = rest.seed;
        const next = (): number => {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          return state / 2 ** 32;
        };
        const draw = (length: number, choices: readonly number[]): Float32Array =>
          Float32Array.from({ length }, () =>
            next() < rest.density ? choices[Math.floor(next() * choices.length)]! : 0,
          );
        const shape = [2, 2, height, width, inputs];
        const input = { shape, values: draw(4 * height * width * inputs, rest.values) };
        const filter = [side, side, inputs, outputs];
        const weight = { shape: filter, values: draw(side * side * inputs * outputs, [0.3, -2]) };
        const layer = stridedConvolution(tf.tensor(weight.values, filter), stride, padding);
        const counted = await countOperations(layer, tf.tensor(input.values, shape));
        expect(counted).toMatchObject(pairs(input, weight, stride, padding));
        expect(counted!.binary).toBe(input.values.every((value) => value === 0 || Math.abs(value) === 1));
      }),
      { numRuns: 40 },
    );
  });

  it('leaves padded steps out', async () => {
    const layer = createConvolution('convolution', { inputs: 2, outputs: 3 }, 1);
    const sequence = tf.ones([2, 4, 5, 6, 2]);
    const all = await countOperations(layer, sequence);
    const part = await countOperations(layer, sequence, [1, 3]);
    expect(part).toStrictEqual({ ...all, effective: all!.effective / 2, dense: all!.dense / 2 });
  });

  it('is exact beyond what float32 can count', async () => {
    const layer = createConvolution('convolution', { inputs: 64, outputs: 256, size: 1 }, 1);
    const input = tf.ones([1, 1, 40, 41, 64]);
    expect(await countOperations(layer, input)).toMatchObject({ effective: 40 * 41 * 64 * 256 });
  });

  it('counts an alignment as products between steps', async () => {
    const maps = randomTensor([2, 8, 3, 3, 8], 'maps');
    const kind = (name: 'mix' | 'pool' | 'truncate' | 'attention') =>
      countOperations(
        createAlignment(name, { kind: name, from: 4, to: 2, channels: 8, feedForward: 16 }, 1),
        maps,
      );
    const windows = 4;
    expect(await kind('truncate')).toBeUndefined();
    expect(await kind('pool')).toMatchObject({
      binary: false,
      effective: windows * 4 * 72,
      dense: windows * 8 * 72,
    });
    expect(await kind('mix')).toMatchObject({ dense: windows * 8 * 72 });
    // Four tokens of 8 features: four 8 x 8 projections, 8 to 16 and back, 4 x 4 pairs twice, two queries.
    const encoder = 4 * (4 * 64 + 2 * 8 * 16 + 2 * 4 * 8 + 2 * 8);
    expect(await kind('attention')).toMatchObject({ dense: windows * (8 * 72 + encoder) });
  });

  it('counts a network layer by layer, and changes nothing', async () => {
    const config = nmnistNetConfig({
      input: { height: 8, width: 8, channels: 2 },
      classes: 3,
      channels: [4, 6],
    });
    const network = createNetwork(config, 1);
    const shift = network.parameters.find(({ name }) => name === 'norm2.shift')!;
    shift.variable.assign(tf.tensor1d([0.9, 0.3, -1, 0, 0.5, 2]));
    const events = tf.round(tf.relu(randomTensor([3, 5, 8, 8, 2], 'events', 3)));
    const counter = new OperationCounter();
    const before = await network.forward(events, { lengths: [5, 2, 5] }).output.data();
    const tensors = tf.memory().numTensors;
    const counted = network.forward(events, { lengths: [5, 2, 5], probe: counter.probe });
    expect(await counted.output.data()).toStrictEqual(before);
    const rates = await Promise.all(
      Object.values(counted.rates).map(async (rate) => (await rate.data())[0]!),
    );
    const outputs = tf.memory().numTensors;
    await counter.collect(3);
    const { layers, activity, ...measures } = counter.result(network);
    expect(layers.map(({ layer, binary }) => [layer, binary])).toStrictEqual([
      ['convolution1', false],
      ['convolution2', false],
      ['readout', false],
    ]);
    // In-bounds taps of a side: 3 n - 2.
    expect(layers.map(({ dense }) => dense)).toStrictEqual([
      12 * 22 * 22 * 2 * 4,
      12 * 10 * 10 * 4 * 6,
      12 * 4 * 6 * 3,
    ]);
    for (const [index, { zeros, outputs }] of activity.entries()) {
      expect(1 - zeros / outputs).toBeCloseTo(rates[index]!, 6);
    }
    expect(measures.dense).toBe((12 * (22 * 22 * 8 + 100 * 24 + 72)) / 3);
    expect(measures.effectiveMacs).toBeLessThan(measures.dense);
    expect(measures.footprintBytes).toBe(4 * (72 + 4 * 4 + 216 + 4 * 6 + 72 + 3));
    expect(outputs - tf.memory().numTensors).toBe(3 * 4 + 2 * 2);
    expect(activity.map(({ binary }) => binary)).toStrictEqual([true, true]);
    expect(tensors).toBeLessThan(outputs);
    network.dispose();
  });

  it('counts the stages of a network that shrinks', async () => {
    const network = createNetwork(
      ssnnConfig({
        input: { height: 8, width: 8, channels: 2 },
        classes: 3,
        timesteps: [4, 2],
        channels: [4, 4],
        alignment: 'truncate',
      }),
      1,
    );
    const counter = new OperationCounter();
    network.forward(tf.ones([2, 8, 8, 8, 2]), { lengths: [3, 8], probe: counter.probe });
    await counter.collect(2);
    // The first sample has three real bins of one window, the second two windows of four.
    expect(counter.result(network).layers.map(({ dense }) => dense)).toStrictEqual([
      11 * 22 * 22 * 2 * 4,
      6 * 10 * 10 * 4 * 4,
      4 * 4 * 3,
    ]);
    network.dispose();
  });
});

describe('energy', () => {
  it('is that of products and additions at 45 nm', () => {
    expect(arithmeticEnergy({ macs: 10, acs: 100 })).toBeCloseTo(10 * MAC_PICOJOULES + 100 * AC_PICOJOULES);
    // A spiking network breaks even at 5.1 spikes a neuron and sample (snn definitions, section 4).
    expect(MAC_PICOJOULES / AC_PICOJOULES).toBeCloseTo(5.1, 1);
  });

  it('has the rule of thumb of the notebook', () => {
    expect(ruleOfThumbEnergyRatio(0.1)).toBeCloseTo((0.1 * 0.9) / (0.5 * 4.6), 12);
  });
});
