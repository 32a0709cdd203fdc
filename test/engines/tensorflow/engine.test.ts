import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type EngineInfo,
  listEngines,
  type RunningEngine,
  startEngine,
} from '../../../src/engines/engine.ts';
import { batchNorm, type LifParameters, lif } from '../../../src/engines/kernels/index.ts';
import { findTensorflow } from '../../../src/engines/tensorflow.ts';
import { createNetwork } from '../../../src/models/network.ts';
import { ssnnConfig } from '../../../src/models/networks/ssnn.ts';
import { createTrainer } from '../../../src/models/trainer.ts';
import { batchSamples } from '../../../src/operators/batch.ts';
import { RandomStream } from '../../../src/random.ts';
import { temporaryFolders } from '../../streams/temporary-folder.ts';

const makeFolder = temporaryFolders();
const title =
  findTensorflow() === undefined
    ? 'tensorflow (skipped: not installed: pipeline engines install tensorflow)'
    : 'tensorflow';

/** The binding: what the tests count. */
interface Binding {
  executeOp(...operands: unknown[]): unknown;
  getNumOfTensors(): number;
}

function bindingOf(): Binding {
  return (tf.engine().backend as unknown as { binding: Binding }).binding;
}

async function listedTensorflow(): Promise<EngineInfo | undefined> {
  return (await listEngines()).find(({ name }) => name === 'tensorflow');
}

/** Number of TensorFlow's operations that a function takes. */
function operationsOf(run: () => void): number {
  const backend = tf.engine().backend as unknown as { binding: Binding };
  const real = backend.binding;
  let count = 0;
  const executeOp = (...operands: unknown[]): unknown => {
    count++;
    return real.executeOp(...operands);
  };
  backend.binding = Object.create(real, { executeOp: { value: executeOp } }) as Binding;
  try {
    tf.tidy(run);
  } finally {
    backend.binding = real;
  }
  return count;
}

const neuron: LifParameters = {
  ...{ decay: 0.9, inputDecayed: false, threshold: 1, inclusive: false, detachReset: true },
  ...{ reset: 'subtract', resetPotential: 0, rest: 0, resetTiming: 'before' },
  surrogate: { kind: 'atan', amplitude: 1, slope: Math.PI },
};

describe.skipIf(findTensorflow() === undefined)(title, () => {
  let engine: RunningEngine | undefined;
  beforeEach(async () => {
    engine = await startEngine('tensorflow');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    engine?.stop();
  });

  it('says on what it computes', async () => {
    expect(engine!.detail).toMatch(/^libtensorflow \d+\.\d+\.\d+ on the (processor|GPU .+)$/);
    expect(await listedTensorflow()).toMatchObject({
      name: 'tensorflow',
      state: 'ready',
      detail: engine!.detail,
    });
  });

  it('is an error where a GPU is there and unused', async () => {
    if (engine!.detail.includes('GPU')) return;
    engine!.stop();
    const bin = makeFolder({ 'nvidia-smi': '#!/bin/sh\necho "NVIDIA Example 1, 9.0"\n' });
    chmodSync(join(bin, 'nvidia-smi'), 0o755);
    vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
    const refused = 'NVIDIA Example 1 is there and unused: the installed libtensorflow is for processors';
    await expect(startEngine('tensorflow')).rejects.toThrow(refused);
    expect(await listedTensorflow()).toMatchObject({
      state: 'broken',
      detail: expect.stringContaining(refused),
    });
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '-1');
    engine = await startEngine('tensorflow');
  });

  it('takes six operations a step of LIF neurons, and fourteen for its gradient', () => {
    const forward = (steps: number): number => operationsOf(() => lif(tf.zeros([2, steps, 6]), neuron));
    const both = (steps: number): number =>
      operationsOf(() =>
        tf.grad((input: tf.Tensor) => tf.sum(lif(input, neuron).spikes))(tf.zeros([2, steps, 6])),
      );
    expect(forward(9) - forward(8)).toBe(6);
    expect(both(9) - both(8)).toBe(6 + 14);
  });

  it('normalises a batch in one operation, and its gradient in another', () => {
    const maps = tf.randomNormal([2, 3, 3, 4]);
    const [gamma, beta] = [tf.ones([4]), tf.zeros([4])];
    const run = (input: tf.Tensor): tf.Tensor => batchNorm(input, gamma, beta).output;
    operationsOf(() => run(maps)); // The first tries which numbers the gradient takes.
    const shaping = 2;
    expect(operationsOf(() => run(maps))).toBe(1 + shaping);
    const backward = operationsOf(() => tf.grad(run)(maps)) - operationsOf(() => run(maps));
    const scaling = 1;
    expect(backward).toBeLessThanOrEqual(1 + scaling + shaping + 2);
    tf.dispose([maps, gamma, beta]);
  });

  it('reshapes tensors of any kind, and makes no operation where the shape is the same', async () => {
    for (const dtype of ['float32', 'int32', 'bool'] as const) {
      const tensor = tf.tensor([0, 1, 1, 0, 1, 0], [2, 3], dtype);
      expect(operationsOf(() => tf.reshape(tensor, [2, -1]))).toBe(0);
      const other = tf.reshape(tensor, [3, 2]);
      expect({ shape: other.shape, dtype: other.dtype }).toStrictEqual({ shape: [3, 2], dtype });
      tensor.dispose();
      expect([...(await other.data())]).toStrictEqual([0, 1, 1, 0, 1, 0]);
      other.dispose();
    }
  });

  it('holds no tensor more after an epoch', async () => {
    const config = ssnnConfig({ input: { height: 16, width: 16, channels: 2 }, classes: 4 });
    const network = createNetwork(config, 1);
    const optimiser = { kind: 'adamw', learningRate: 1e-3, weightDecay: 1e-4 } as const;
    const trainer = createTrainer(network, { seed: 1, optimiser, clipNorm: 1 });
    const [steps] = config.timesteps as [number];
    const batch = (number: number) => {
      const random = new RandomStream(number, 'frames');
      return batchSamples(
        Array.from({ length: 3 }, (_, index) => ({
          id: `${index}`,
          label: index,
          frames: Float32Array.from({ length: steps * 16 * 16 * 2 }, (_, i) =>
            Number(random.uniform(i) < 0.1),
          ),
          shape: [steps, 16, 16, 2] as const,
          length: steps,
        })),
      );
    };
    await trainer.trainStep(batch(0));
    await trainer.evaluateStep(batch(0));
    const held = { tensors: tf.memory().numTensors, handles: bindingOf().getNumOfTensors() };
    for (let number = 1; number < 6; number++) await trainer.trainStep(batch(number));
    await trainer.evaluateStep(batch(6));
    expect({ tensors: tf.memory().numTensors, handles: bindingOf().getNumOfTensors() }).toStrictEqual(held);
    network.dispose();
  });
});
