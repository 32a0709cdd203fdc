import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RunningEngine, startEngine } from '../../src/engines/engine.ts';
import type { NativeBackend } from '../../src/engines/native/backend.ts';
import { nativeState } from '../../src/engines/native.ts';
import { recorded } from '../../src/engines/recorded.ts';
import type { NetworkState } from '../../src/models/layers/layer.ts';
import { createNetwork, disposeState, type NetworkConfig } from '../../src/models/network.ts';
import { csnnConfig } from '../../src/models/networks/csnn.ts';
import { leakyDfaNetConfig, refractoryDfaNetConfig } from '../../src/models/networks/dfa-net.ts';
import { lyapunovNetConfig } from '../../src/models/networks/lyapunov-net.ts';
import { nmnistNetConfig } from '../../src/models/networks/nmnist-net.ts';
import { ssnnConfig } from '../../src/models/networks/ssnn.ts';
import { vggConfig } from '../../src/models/networks/vgg.ts';
import { RandomStream } from '../../src/random.ts';

const events = { height: 16, width: 16, channels: 2 };
const networks: Readonly<Record<string, NetworkConfig>> = {
  ssnn: ssnnConfig({ input: events, classes: 3, channels: [16, 16, 32, 32] }),
  'ssnn, mixed': ssnnConfig({ input: events, classes: 3, channels: [8, 8, 8, 8], alignment: 'mix' }),
  vgg: vggConfig({ input: events, blocks: [[16], [32]], hidden: 24 }),
  csnn: csnnConfig({ input: events, channels: [16, 16] }),
  lyapunov: lyapunovNetConfig('simple', { input: events }),
  nmnist: nmnistNetConfig({ input: events }),
  'dfa, leaky': leakyDfaNetConfig({ units: [20, 17] }),
  'dfa, refractory': refractoryDfaNetConfig({ units: [20, 17] }),
};

function random(shape: readonly number[], name: string): tf.Tensor {
  const stream = new RandomStream(1, name);
  const size = shape.reduce((product, side) => product * side, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.max(0, 2 * stream.normal(i))),
    [...shape],
  );
}

describe.runIf(nativeState().state === 'ready')('recorded functions', () => {
  let engine: RunningEngine | undefined;
  const backend = (): NativeBackend => tf.engine().backend as NativeBackend;
  beforeAll(async () => {
    engine = await startEngine('native', { threads: 2 });
  });
  afterEach(() => void vi.restoreAllMocks());
  afterAll(() => engine?.stop());

  it.each(Object.entries(networks))('give the bits of the step itself: %s', async (_, config) => {
    const network = createNetwork(config, 7);
    const { height, width, channels } = config.input;
    const replay = vi.spyOn(backend(), 'replay');
    let state: NetworkState = {};
    for (let step = 0; step < 7; step++) {
      const window = random([2, network.windowBins, height, width, channels], `window ${step}`);
      const tensors = tf.memory().numTensors;
      const own = network.forward(window, { state });
      const before = await Promise.all(Object.values(state).map((tensor) => tensor.data()));
      const result = network.step(window, state);
      expect(await result.output.data()).toEqual(await own.output.data());
      expect(Object.keys(result.state)).toEqual(Object.keys(own.state));
      for (const layer of Object.keys(own.state)) {
        expect(result.state[layer]!.shape).toEqual(own.state[layer]!.shape);
        expect(await result.state[layer]!.data()).toEqual(await own.state[layer]!.data());
      }
      for (const layer of Object.keys(own.rates)) {
        expect(await result.rates[layer]!.data()).toEqual(await own.rates[layer]!.data());
      }
      expect(result.elements).toEqual(own.elements);
      // What the caller passed on is as it was.
      expect(await Promise.all(Object.values(state).map((tensor) => tensor.data()))).toEqual(before);
      disposeState(state);
      disposeState(own.state);
      tf.dispose([
        window,
        own.output,
        result.output,
        ...Object.values(own.rates),
        ...Object.values(result.rates),
      ]);
      ({ state } = result);
      if (step > 0) expect(tf.memory().numTensors).toBe(tensors - 1);
    }
    expect(replay).toHaveBeenCalledTimes(5);
    disposeState(state);
    network.dispose();
  });

  it('see weights that have changed', async () => {
    const weight = tf.variable(tf.fill([3, 4], 2));
    const run = recorded(({ input }: { input: { x: tf.Tensor } }) => ({
      tensors: {
        output: { y: tf.tidy(() => tf.relu(tf.matMul(input.x as tf.Tensor2D, weight as tf.Tensor2D))) },
      },
      rest: 'rest',
    }));
    const x = random([5, 3], 'x');
    for (const value of [2, 2, 2, 3, 3, 3, 3, -1]) {
      const given = tf.fill([3, 4], value);
      // As an optimiser does it: the old values are gone.
      weight.assign(given);
      given.dispose();
      const { tensors, rest } = run({ input: { x } });
      const expected = tf.tidy(() => tf.relu(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D)));
      expect(await tensors.output.y.data()).toEqual(await expected.data());
      expect(rest).toBe('rest');
      tf.dispose([tensors.output.y, expected]);
    }
    tf.dispose([weight, x]);
  });

  it('are run as they are where values decide, for each shape, and under a tape', async () => {
    const calls: string[] = [];
    const run = recorded(({ input }: { input: { x: tf.Tensor } }) => {
      calls.push(`${input.x.shape}`);
      const doubled = tf.mul(input.x, 2);
      const [first] = doubled.dataSync();
      return { tensors: { output: { y: first! > 1 ? tf.square(doubled) : tf.neg(doubled) } }, rest: null };
    });
    for (const value of [1, 0, 1, 0]) {
      const y = run({ input: { x: tf.fill([2], value) } }).tensors.output.y;
      expect([...(await y.data())]).toEqual(value === 1 ? [4, 4] : [-0, -0]);
    }
    expect(calls).toHaveLength(4);

    const square = recorded(({ input }: { input: { x: tf.Tensor } }) => {
      calls.push(`${input.x.shape}`);
      return { tensors: { output: { y: tf.square(input.x) } }, rest: null };
    });
    const squareOf = (x: tf.Tensor): tf.Tensor => square({ input: { x } }).tensors.output.y;
    calls.length = 0;
    for (let round = 0; round < 4; round++) {
      for (const length of [2, 3]) {
        expect([...(await squareOf(tf.fill([length], round)).data())]).toEqual(
          Array(length).fill(round ** 2),
        );
      }
    }
    expect(calls).toEqual(['2', '3', '2', '3']);
    const gradient = tf.grad(squareOf)(tf.tensor1d([3, 4]));
    expect([...(await gradient.data())]).toEqual([6, 8]);
  });
});
