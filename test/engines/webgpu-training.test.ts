import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningEngine, startEngine } from '../../src/engines/engine.ts';
import type { GpuPackage } from '../../src/engines/webgpu/gpu.ts';
import type { Sample } from '../../src/events.ts';
import { createNetwork } from '../../src/models/network.ts';
import { vggConfig } from '../../src/models/networks/vgg.ts';
import { createPredictor } from '../../src/models/predictor.ts';
import { createTrainer, type Trainer } from '../../src/models/trainer.ts';
import { batchSamples } from '../../src/operators/batch.ts';
import { RandomStream } from '../../src/random.ts';
import { softwareGpu } from './software-gpu.ts';

const gpu = await softwareGpu();
if (typeof gpu === 'string') console.warn(`engine webgpu: its tests are skipped: ${gpu}`);

/** SNN-VGG with all its layers and few channels: what is dispatched does not depend on sizes. */
const deep = vggConfig({
  ...{ input: { height: 8, width: 8, channels: 3 }, hidden: 12 },
  blocks: [
    [4, 4],
    [6, 6],
    [8, 8],
  ],
});
const shallow = vggConfig({ ...deep, blocks: [[4], [6]] });
const SHAPE = [1, 8, 8, 3] as const;

function samples(count: number): Sample[] {
  return Array.from({ length: count }, (_, index) => {
    const random = new RandomStream(5, `sample/${index}`);
    const frames = Float32Array.from({ length: 192 }, (_, i) => random.normal(i));
    return { id: `${index}`, label: index % 10, frames, shape: SHAPE, length: 1 };
  });
}

function trainer(config = shallow): Trainer {
  return createTrainer(createNetwork(config, 42), {
    seed: 42,
    optimiser: { kind: 'sgd', learningRate: 0.05, momentum: 0.9, weightDecay: 5e-4 },
    clipNorm: 1,
    repeat: 4,
  });
}

const windows = samples(3).map(({ frames }) => ({
  ...{ frames, startMicros: 0, endMicros: 1, events: 1, bins: 1 },
}));

/** Losses of some training steps, then of an evaluation, on the running engine. */
async function losses(): Promise<number[]> {
  const own = trainer();
  const batch = batchSamples(samples(2));
  const found: number[] = [];
  for (let i = 0; i < 3; i++) found.push((await own.trainStep(batch)).loss);
  found.push((await own.evaluateStep(batch)).loss);
  own.dispose();
  own.network.dispose();
  return found;
}

/** Probabilities window by window, the state carried on. */
async function predictions(): Promise<number[][]> {
  const classNames = Array.from({ length: 10 }, (_, index) => `${index}`);
  const network = createNetwork(shallow, 42);
  const predictor = createPredictor(network, { classNames });
  let state: Parameters<typeof predictor.step>[1];
  const found: number[][] = [];
  for (const window of windows) {
    const next = await predictor.step(window, state);
    if (state !== undefined) predictor.disposeState(state);
    state = next.state;
    found.push([...next.prediction.probabilities]);
  }
  predictor.disposeState(state!);
  network.dispose();
  return found;
}

/** Dispatches of a training step after the first, counted at WebGPU itself. */
async function dispatches(): Promise<number> {
  const { globals } = (await import('webgpu')) as unknown as GpuPackage;
  const pass = (globals['GPUComputePassEncoder'] as { prototype: Record<string, unknown> }).prototype;
  const own = trainer(deep);
  const batch = batchSamples(samples(1));
  await own.trainStep(batch);
  const original = pass['dispatchWorkgroups'] as (...args: unknown[]) => unknown;
  let count = 0;
  pass['dispatchWorkgroups'] = function (this: unknown, ...args: unknown[]) {
    count++;
    return original.apply(this, args);
  };
  try {
    await own.trainStep(batch);
  } finally {
    pass['dispatchWorkgroups'] = original;
  }
  own.dispose();
  own.network.dispose();
  return count;
}

describe.skipIf(typeof gpu === 'string')('training on WebGPU', () => {
  let engine: RunningEngine;
  let expected: { readonly losses: number[]; readonly predictions: number[][] };
  beforeAll(async () => {
    const reference = await startEngine('cpu');
    expected = { losses: await losses(), predictions: await predictions() };
    reference.stop();
    engine = await startEngine('webgpu');
  });
  afterAll(() => engine.stop());

  it('has the losses of the reference engine', async () => {
    (await losses()).forEach((loss, step) => {
      expect(Math.abs(loss - expected.losses[step]!) / loss).toBeLessThan(1e-4);
    });
  });

  it('predicts what the reference engine does', async () => {
    const { numTensors } = tf.memory();
    (await predictions()).forEach((probabilities, window) => {
      probabilities.forEach((value, index) => {
        expect(value).toBeCloseTo(expected.predictions[window]![index]!, 4);
      });
    });
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('leaves nothing behind in an epoch', async () => {
    const { backend } = tf.engine();
    const allocated = (): number =>
      (backend.memory() as unknown as { numBytesAllocatedInGPU: number }).numBytesAllocatedInGPU;
    const own = trainer();
    const batches = [0, 1].map((index) => batchSamples(samples(2 * index + 2).slice(2 * index)));
    const epoch = async (): Promise<void> => {
      for (const batch of batches) await own.trainStep(batch);
      for (const batch of batches) await own.evaluateStep(batch);
    };
    await epoch();
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    const [tensors, bytes] = [backend.numDataIds(), allocated()];
    await epoch();
    await epoch();
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers, numBytes });
    expect(backend.numDataIds()).toBe(tensors);
    expect(allocated() / bytes).toBeLessThan(1.1);
    own.dispose();
    own.network.dispose();
  });

  it("makes at most a third of the dispatches of tfjs's own kernels", async () => {
    const fused = await dispatches();
    engine.stop();
    engine = await startEngine('webgpu', { kernels: 'reference' });
    const reference = await dispatches();
    console.info(`SNN-VGG, T = 4: ${fused} dispatches a training step, ${reference} with tfjs's own kernels`);
    expect(fused / reference).toBeLessThanOrEqual(1 / 3);
  });
});
