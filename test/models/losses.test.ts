import { existsSync, readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engines/engine.ts';
import {
  crossEntropy,
  evaluationLoss,
  lossKinds,
  type OutputLossOptions,
  outputLoss,
  type TrainedOutput,
  trainingLoss,
} from '../../src/models/losses.ts';
import { regularisation } from '../../src/models/regularisers.ts';
import { realWindows, sampleLogits } from '../../src/models/sample-logits.ts';
import { describeWithShared, sharedPath } from '../shared-data.ts';
import { expectClose, pytorch, randomTensor, tensorOf } from './tensors.ts';

beforeAll(async () => {
  await startEngine('cpu');
});

describe('crossEntropy', () => {
  it.each([0, 1])("is PyTorch's, case %i", async (index) => {
    const { logits, labels, smoothing, losses } = pytorch.crossEntropy[index]!;
    const found = crossEntropy(tensorOf(logits) as tf.Tensor2D, Int32Array.from(labels), smoothing);
    await expectClose(found, losses, 1e-6);
  });

  it('stays finite at extreme logits', async () => {
    const logits = tf.tensor2d([1e4, -1e4, 0, 0], [2, 2]);
    expect([...(await crossEntropy(logits, Int32Array.of(1, 0)).data())]).toStrictEqual([
      20000,
      Math.fround(Math.LN2),
    ]);
  });
});

const file = 'expected/neurons/misc.json';
describeWithShared('losses over time of the libraries', [file], () => {
  const stored = existsSync(sharedPath(file))
    ? JSON.parse(readFileSync(sharedPath(file), 'utf8'))
    : undefined;
  /** Steps first, as the libraries have it. */
  const batchFirst = (steps: number[][][]): tf.Tensor3D => tf.transpose(tf.tensor3d(steps), [1, 0, 2]);
  const lossOf = async (
    steps: number[][][],
    labels: number[],
    options: OutputLossOptions,
  ): Promise<number> => {
    const output = batchFirst(steps);
    const lengths = Array<number>(output.shape[0]).fill(output.shape[1]);
    return (await tf.mean(outputLoss(output, Int32Array.from(labels), lengths, options)).data())[0]!;
  };

  it('snnTorch', async () => {
    const { spk, targets, ce_rate, ce_count, mse_count_08_02 } = stored.snntorch_losses;
    expect(await lossOf(spk, targets, { kind: 'rate' })).toBeCloseTo(ce_rate, 6);
    expect(await lossOf(spk, targets, { kind: 'count' })).toBeCloseTo(ce_count, 6);
    const rates = { correctRate: 0.8, incorrectRate: 0.2 };
    expect(await lossOf(spk, targets, { kind: 'mean-square-count', ...rates })).toBeCloseTo(
      mse_count_08_02,
      6,
    );
  });

  it('SpikingJelly', async () => {
    const { x_seq, target, tet, ce_of_mean } = stored.tet;
    expect(await lossOf(x_seq, target, { kind: 'tet', tetShare: 0 })).toBeCloseTo(tet, 6);
    expect(await lossOf(x_seq, target, { kind: 'mean' })).toBeCloseTo(ce_of_mean, 6);
  });
});

describe('outputLoss', () => {
  const labels = Int32Array.of(0, 3, 1);

  it.each(lossKinds)('%s leaves padded steps out, and has a gradient', async (kind) => {
    const output = randomTensor([3, 5, 4], `output ${kind}`) as tf.Tensor3D;
    const lengths = [5, 2, 1];
    const found = await outputLoss(output, labels, lengths, { kind }).data();
    for (const [sample, length] of lengths.entries()) {
      const own = tf.slice(output, [sample, 0, 0], [1, length, 4]);
      const alone = await outputLoss(own, labels.slice(sample, sample + 1), [length], { kind }).data();
      expect(found[sample]).toBeCloseTo(alone[0]!, 5);
    }
    const gradient = tf.grad((x: tf.Tensor) =>
      tf.sum(outputLoss(x as tf.Tensor3D, labels, lengths, { kind })),
    )(output);
    const values = Array.from(await gradient.data());
    const of = (sample: number, step: number): number =>
      values
        .slice((sample * 5 + step) * 4, (sample * 5 + step + 1) * 4)
        .reduce((sum, v) => sum + Math.abs(v), 0);
    expect(of(0, 4)).toBeGreaterThan(1e-4);
    expect(of(1, 1)).toBeGreaterThan(1e-4);
    expect(of(1, 2)).toBe(0);
  });

  it('tet adds the square of outputs less their level', async () => {
    const output = tf.zeros([1, 3, 2]) as tf.Tensor3D;
    const loss = await outputLoss(output, Int32Array.of(0), [3], {
      kind: 'tet',
      tetShare: 0.25,
      tetLevel: 2,
    }).data();
    expect(loss[0]).toBeCloseTo(0.75 * Math.LN2 + 0.25 * 4, 6);
  });
});

describe('trainingLoss', () => {
  const labels = Int32Array.of(0, 3, 1);
  const given = (): TrainedOutput => {
    const output = randomTensor([3, 2, 4], 'output') as tf.Tensor3D;
    return {
      ...{ output, logits: tf.mean(output, 1) as tf.Tensor2D, windows: [2, 2, 2] },
      auxiliary: [randomTensor([3, 4], 'early') as tf.Tensor2D],
      rates: { a: tf.scalar(0.5), b: tf.scalar(0.125) },
      elements: { a: 30, b: 10 },
    };
  };
  const numberOf = async (loss: tf.Scalar): Promise<number> => (await loss.data())[0]!;

  it('adds the early classifiers by their weights', async () => {
    const logits = (name: string) => randomTensor([3, 4], name) as tf.Tensor2D;
    const mean = (name: string): Promise<number> => numberOf(tf.mean(crossEntropy(logits(name), labels)));
    const trained = { ...given(), logits: logits('f'), auxiliary: ['a', 'b', 'c'].map(logits) };
    const expected =
      (await mean('f')) + 0.3 * (await mean('a')) + 0.2 * (await mean('b')) + 0.1 * (await mean('c'));
    expect(await numberOf(trainingLoss(trained, labels))).toBeCloseTo(expected, 5);
    const other = await numberOf(trainingLoss(trained, labels, { auxiliaryWeights: [0, 1] }));
    expect(other).toBeCloseTo((await mean('f')) + (await mean('b')), 5);
  });

  it('adds early classifiers and regularisers to a loss over time', async () => {
    const { output, auxiliary } = given();
    const mean = async (losses: tf.Tensor1D): Promise<number> => numberOf(tf.mean(losses));
    const found = await numberOf(
      trainingLoss(given(), labels, {
        ...{ kind: 'rate', auxiliaryWeights: [0.5], sparsityWeight: 2 },
        ...{ activityWeight: 10, leastRate: 0.25, mostRate: 0.4 },
      }),
    );
    const classes =
      (await mean(outputLoss(output, labels, [2, 2, 2], { kind: 'rate' }))) +
      0.5 * (await mean(crossEntropy(auxiliary[0]!, labels)));
    const sparsity = 2 * ((0.5 * 30 + 0.125 * 10) / 40);
    const activity = 10 * ((0.5 - 0.4) ** 2 + (0.25 - 0.125) ** 2);
    expect(found).toBeCloseTo(classes + sparsity + activity, 5);
  });
});

describe('evaluationLoss', () => {
  it.each(lossKinds)('is of the kind that is trained, without what is added to it: %s', async (kind) => {
    const output = randomTensor([3, 2, 4], 'output') as tf.Tensor3D;
    const logits = tf.mean(output, 1) as tf.Tensor2D;
    const windows = [2, 1, 2];
    const labels = Int32Array.of(0, 3, 1);
    const options = { kind, labelSmoothing: 0.1 };
    const losses =
      kind === 'mean' ? crossEntropy(logits, labels, 0.1) : outputLoss(output, labels, windows, options);
    const found = evaluationLoss({ output, logits, windows }, labels, options);
    expect((await found.data())[0]).toBe((await tf.mean(losses).data())[0]);
  });
});

describe('regularisation', () => {
  it('is nothing without weights', () => {
    expect(regularisation({ rates: { a: tf.scalar(1) }, elements: { a: 1 } }, {})).toBeUndefined();
  });

  it("is snnTorch's l1_rate_sparsity for a weight times the number of outputs", async () => {
    // 29 spikes of 60 outputs, and 1e-5.
    const rates = { a: tf.scalar(29 / 60) };
    const loss = regularisation({ rates, elements: { a: 60 } }, { sparsityWeight: 60e-5 })!;
    expect((await loss.data())[0]).toBeCloseTo(0.00029, 9);
  });

  it('has the gradient of rates', async () => {
    const slope = tf.grad(
      (rate: tf.Tensor) =>
        regularisation(
          { rates: { a: rate as tf.Scalar }, elements: { a: 4 } },
          { activityWeight: 3, mostRate: 0.25, sparsityWeight: 0.5 },
        )!,
    )(tf.scalar(0.5));
    expect((await slope.data())[0]).toBeCloseTo(2 * 3 * 0.25 + 0.5, 6);
  });
});

describe('sampleLogits', () => {
  it('means over the windows in which some bin is real', async () => {
    expect(realWindows([8, 9, 1, 24], 8)).toStrictEqual([1, 2, 1, 3]);
    const output = randomTensor([3, 3, 2], 'output') as tf.Tensor3D;
    const [first, second, third] = tf.unstack(output) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const expected = tf.stack([
      tf.squeeze(tf.slice(first, [0, 0], [1, 2]), [0]),
      tf.mean(tf.slice(second, [0, 0], [2, 2]), 0),
      tf.mean(third, 0),
    ]);
    await expectClose(sampleLogits(output, [7, 16, 17], 8), expected);
  });
});
