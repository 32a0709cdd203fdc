import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { lif } from '../../src/engines/kernels/index.ts';
import { createNetwork } from '../../src/models/network.ts';
import { nmnistNetConfig } from '../../src/models/networks/nmnist-net.ts';
import { ssnnConfig } from '../../src/models/networks/ssnn.ts';
import { Recorder } from '../../src/models/recorder.ts';
import { describeEngines } from '../engines/engines.ts';
import { randomTensor } from './tensors.ts';

describeEngines('a recorder', () => {
  const config = nmnistNetConfig({
    input: { height: 8, width: 8, channels: 2 },
    classes: 3,
    channels: [4, 6],
  });
  const events = () => tf.relu(randomTensor([3, 5, 8, 8, 2], 'events', 9));

  it('gives spikes and potentials of every layer of neurons', async () => {
    const network = createNetwork(config, 1);
    const recorder = new Recorder({ potentials: true });
    const result = network.forward(events(), recorder.options);
    const tensors = tf.memory().numTensors;
    const recordings = await recorder.read();
    expect(tf.memory().numTensors).toBe(tensors - 4);
    expect(recordings.map(({ layer, shape }) => [layer, shape])).toStrictEqual([
      ['lif1', [3, 5, 8, 8, 4]],
      ['lif2', [3, 5, 4, 4, 6]],
    ]);
    for (const { layer, outputs, potentials } of recordings) {
      const spikes = outputs.reduce((sum, spike) => sum + spike, 0);
      expect((await result.rates[layer]!.data())[0]).toBeCloseTo(spikes / outputs.length, 6);
      // snnTorch's Leaky keeps the potential that fired until the next step.
      expect([...outputs]).toStrictEqual([...potentials!].map((potential) => (potential > 1 ? 1 : 0)));
    }
    expect(recordings[0]!.outputs.some((spike) => spike === 1)).toBe(true);
    expect(await recorder.read()).toStrictEqual([]);
    network.dispose();
  });

  it('records what is asked for: layers of any kind, some potentials, some samples', async () => {
    const network = createNetwork(config, 1);
    const recorder = new Recorder({
      layers: ['convolution1', 'lif2', 'readout'],
      potentials: ['lif2'],
      samples: 1,
    });
    network.forward(events(), recorder.options);
    const recordings = await recorder.read();
    expect(
      recordings.map(({ layer, shape, potentials }) => [layer, shape, potentials?.length]),
    ).toStrictEqual([
      ['convolution1', [1, 5, 8, 8, 4], undefined],
      ['lif2', [1, 5, 4, 4, 6], 5 * 4 * 4 * 6],
      ['readout', [1, 5, 3], undefined],
    ]);
    network.dispose();
  });

  it('leaves the numbers of the call as they are', async () => {
    const ssnn = ssnnConfig({
      input: { height: 8, width: 8, channels: 2 },
      classes: 3,
      timesteps: [4, 2],
      channels: [4, 4],
    });
    const network = createNetwork(ssnn, 1);
    const sequence = tf.relu(randomTensor([2, 4, 8, 8, 2], 'events', 3));
    const recorder = new Recorder({ potentials: true });
    const [plain, recorded] = [network.forward(sequence), network.forward(sequence, recorder.options)];
    expect(await recorded.output.data()).toStrictEqual(await plain.output.data());
    expect((await recorder.read()).map(({ layer, shape }) => [layer, shape[1]])).toStrictEqual([
      ['stage1', 4],
      ['stage2', 2],
    ]);
    network.dispose();
  });

  it('gives the potentials that the neurons have', async () => {
    const network = createNetwork(config, 1);
    const recorder = new Recorder({ layers: ['norm1', 'lif1'], potentials: ['lif1'] });
    network.forward(events(), recorder.options);
    const [norm, neurons] = await recorder.read();
    const currents = tf.tensor(norm!.outputs, [...norm!.shape]);
    const { potentials } = lif(currents, config.neuron, undefined, { potentials: true });
    expect([...neurons!.potentials!]).toStrictEqual([...(await potentials.data())]);
    network.dispose();
  });
});
