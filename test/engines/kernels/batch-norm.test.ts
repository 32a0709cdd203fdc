import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { batchNorm, batchNormInference } from '../../../src/engines/kernels/index.ts';
import { describeEngines } from '../engines.ts';
import { expectNear, expectOperation, randomPlain, tensorOf } from './compare.ts';
import * as reference from './plain.ts';

describeEngines('batch normalisation', () => {
  it.each([
    { shape: [2, 3, 4, 8], perStep: false },
    { shape: [7, 5], perStep: false },
    { shape: [2, 3, 2, 3, 6], perStep: false },
    { shape: [2, 3, 2, 3, 6], perStep: true },
    { shape: [1, 4, 3, 2], perStep: true },
    { shape: [5, 2, 3], perStep: true },
  ])('of $shape, per step $perStep', async ({ shape, perStep }) => {
    const channels = shape.at(-1)!;
    const inputs = [
      randomPlain(shape, 'input'),
      randomPlain([channels], 'gamma'),
      randomPlain([channels], 'beta'),
    ];
    const compute = ([x, gamma, beta]: readonly reference.Plain[]): reference.Plain[] =>
      reference.batchNorm(x!, gamma!, beta!, 1e-5, perStep);
    await expectOperation(
      (x, gamma, beta) => batchNorm(x!, gamma!, beta!, { perStep }).output,
      (plain) => compute(plain)[0]!,
      inputs,
      { gradient: 1e-4 },
    );
    const [, mean, variance] = compute(inputs);
    const [x, gamma, beta] = inputs.map(tensorOf);
    const result = batchNorm(x!, gamma!, beta!, { perStep });
    await expectNear(result.mean, mean!, 2e-6, 'mean');
    await expectNear(result.variance, variance!, 2e-6, 'variance');
    tf.dispose([x!, gamma!, beta!, result.output, result.mean, result.variance]);
  });

  it('keeps its precision far from zero and over many values', async () => {
    const shape = [50, 16, 16, 3];
    const noise = randomPlain(shape, 'noise');
    const far = reference.plain(shape, (i) => Math.fround(100 + 0.5 * noise.values[i]!));
    const ones = reference.plain([3], () => 1);
    const [output, mean, variance] = reference.batchNorm(far, ones, ones, 1e-5, false);
    const [x, gamma, beta] = [far, ones, ones].map(tensorOf);
    const result = batchNorm(x!, gamma!, beta!);
    await expectNear(result.mean, mean!, 5e-6, 'mean');
    await expectNear(result.variance, variance!, 1e-4, 'variance');
    await expectNear(result.output, output!, 1e-3, 'output');
    tf.dispose([x!, gamma!, beta!, result.output, result.mean, result.variance]);
  });

  it('normalises with given statistics', async () => {
    const inputs = [
      randomPlain([3, 4, 5], 'x'),
      ...['gamma', 'beta', 'mean'].map((name) => randomPlain([5], name)),
    ];
    const variance = reference.plain([5], (i) => 0.5 + i);
    await expectOperation(
      (x, gamma, beta, mean, v) => batchNormInference(x!, gamma!, beta!, mean!, v!, 1e-3),
      ([x, gamma, beta, mean, v]) =>
        reference.plain(x!.shape, (i) => {
          const c = i % 5;
          const normal = (x!.values[i]! - mean!.values[c]!) / Math.sqrt(v!.values[c]! + 1e-3);
          return normal * gamma!.values[c]! + beta!.values[c]!;
        }),
      [...inputs, variance],
    );
  });

  it('says what does not fit', () => {
    tf.tidy(() => {
      const [x, two, three] = [tf.ones([2, 3]), tf.ones([2]), tf.ones([3])];
      expect(() => batchNorm(x, two, three)).toThrow('found [2,3] with [2] and [3]');
      expect(() => batchNorm(x, three, three, { perStep: true })).toThrow('expected a sequence');
    });
  });
});
