import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engines/engine.ts';
import { createNetwork, type NetworkConfig } from '../../src/models/network.ts';
import { nmnistNetConfig } from '../../src/models/networks/nmnist-net.ts';
import { ssnnConfig } from '../../src/models/networks/ssnn.ts';
import { Recorder } from '../../src/models/recorder.ts';
import { StepMeter } from '../../src/models/step-meter.ts';
import { OperationCounter } from '../../src/models/synaptic-operations.ts';
import { randomTensor } from './tensors.ts';

beforeAll(async () => {
  await startEngine('cpu');
});

const ssnn = (alignment: 'attention' | 'mix' | 'pool' | 'truncate'): NetworkConfig =>
  ssnnConfig({
    input: { height: 8, width: 8, channels: 2 },
    classes: 3,
    timesteps: [4, 2],
    channels: [4, 4],
    alignment,
  });
const nmnist = nmnistNetConfig({
  input: { height: 9, width: 8, channels: 2 },
  classes: 3,
  channels: [4, 6],
});

const all = { operations: true, raster: true };

/** Counts of events: mostly none. */
function counts(shape: number[], seed: number): tf.Tensor {
  return tf.tidy(() => tf.floor(tf.relu(tf.mul(randomTensor(shape, 'counts', seed), 2))));
}

describe('StepMeter', () => {
  it.each([
    ['nmnist-net', nmnist, [1, 1]],
    ['ssnn, attention', ssnn('attention'), [4, 3]],
    ['ssnn, mix', ssnn('mix'), [4, 4]],
    ['ssnn, pool', ssnn('pool'), [2, 4]],
    ['ssnn, truncate', ssnn('truncate'), [4, 1]],
  ])(
    'counts the operations of each sample of %s as the counter of whole batches does',
    async (_, config, lengths) => {
      const network = createNetwork(config, 7);
      const { height, width, channels } = config.input;
      const batch = counts([2, network.windowBins, height, width, channels], 3);
      const meter = new StepMeter();
      network.forward(batch, { lengths, probe: meter.probe(all) });
      const measures = await meter.read(2, all);
      for (const [sample, { operations, rates }] of measures.entries()) {
        const own = tf.slice(batch, [sample, 0, 0, 0, 0], [1, -1, -1, -1, -1]);
        const counter = new OperationCounter();
        const { rates: expected } = network.forward(own, {
          lengths: [lengths[sample]!],
          probe: counter.probe,
        });
        await counter.collect(1);
        const { layers, effectiveAcs, effectiveMacs, dense } = counter.result(network);
        expect(operations!.layers).toStrictEqual(layers);
        expect(operations).toMatchObject({ accumulates: effectiveAcs, multiplies: effectiveMacs, dense });
        for (const [layer, rate] of Object.entries(expected)) {
          expect(rates[layer]).toBeCloseTo((await rate.data())[0]!, 6);
        }
      }
      expect(measures[0]!.operations!.multiplies).toBeGreaterThan(0);
      expect(measures[0]!.operations).not.toEqual(measures[1]!.operations);
    },
  );

  it('shows which neurons fire, always the same ones', async () => {
    const network = createNetwork(nmnist, 7);
    const batch = counts([2, 1, 9, 8, 2], 4);
    const meter = new StepMeter();
    const recorder = new Recorder();
    network.forward(batch, { probe: meter.probe(all) });
    network.forward(batch, { ...recorder.options });
    const measures = await meter.read(2, all);
    const recordings = await recorder.read();
    for (const [index, { layer, shape, outputs }] of recordings.entries()) {
      const size = outputs.length / 2;
      for (const [sample, { raster }] of measures.entries()) {
        const { fired, shown, ...rest } = raster![index]!;
        expect(rest).toStrictEqual({ layer });
        expect(shown).toBe(48);
        const expected = Array.from({ length: 48 }, (_, row) => row).filter(
          (row) => outputs[sample * size + Math.floor((row * size) / 48)] === 1,
        );
        expect(fired).toStrictEqual([expected]);
        expect(shape[1]).toBe(1);
      }
    }
  });

  it('measures no more than it is asked for', async () => {
    const network = createNetwork(nmnist, 7);
    const meter = new StepMeter();
    network.forward(counts([1, 1, 9, 8, 2], 4), { probe: meter.probe({}) });
    const [measures] = await meter.read(1, {});
    expect(Object.keys(measures!)).toStrictEqual(['rates']);
  });

  it('leaves no tensor behind', async () => {
    const network = createNetwork(nmnist, 7);
    const batch = counts([1, 1, 9, 8, 2], 5);
    const meter = new StepMeter();
    const before = tf.memory().numTensors;
    for (let step = 0; step < 3; step++) {
      const { output, state, rates } = network.forward(batch, { probe: meter.probe(all) });
      await meter.read(1, all);
      tf.dispose([output, state, rates]);
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});
