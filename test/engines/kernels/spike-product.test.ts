import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningEngine, startEngine } from '../../../src/engines/engine.ts';
import { spikeProduct } from '../../../src/engines/kernels/index.ts';
import { registerKernels } from '../../../src/engines/kernels/kernel.ts';
import type { NativeBackend } from '../../../src/engines/native/backend.ts';
import { nativeForms } from '../../../src/engines/native/fused-kernels.ts';
import { nativeState } from '../../../src/engines/native.ts';
import { describeEngines } from '../engines.ts';
import { expectOperation, randomPlain } from './compare.ts';
import { type Plain, plain } from './plain.ts';

/** Spikes, some of them counts, in about a tenth of the places. */
function spikes(shape: readonly [number, number]): Plain {
  const draws = randomPlain(shape, `spikes ${shape}`);
  return plain(shape, (index) =>
    draws.values[index]! > 0.95
      ? 2
      : draws.values[index]! > 0.8
        ? 1
        : draws.values[index]! < -0.98
          ? -0.5
          : 0,
  );
}

function product([input, weight, bias]: readonly Plain[]): Plain {
  const [rows, inputs] = input!.shape as [number, number];
  const outputs = weight!.shape[1]!;
  return plain([rows, outputs], (index) => {
    const [row, output] = [Math.floor(index / outputs), index % outputs];
    let sum = bias!.values[output]!;
    for (let i = 0; i < inputs; i++)
      sum += input!.values[row * inputs + i]! * weight!.values[i * outputs + output]!;
    return sum;
  });
}

describeEngines('products of spikes', () => {
  it.each([
    [1, 1, 1],
    [4, 7, 3],
    [9, 12, 16],
    [3, 20, 37],
  ] as const)('%i rows of %i inputs to %i outputs, with their gradients', async (rows, inputs, outputs) => {
    await expectOperation((x, w, b) => spikeProduct(x!, w!, b!), product, [
      spikes([rows, inputs]),
      randomPlain([inputs, outputs], 'weight'),
      randomPlain([outputs], 'bias'),
    ]);
  });

  it('refuses shapes that do not fit', () => {
    expect(() => spikeProduct(tf.zeros([2, 3]), tf.zeros([4, 5]), tf.zeros([5]))).toThrow(
      'spikeProduct: expected [rows, inputs], [inputs, outputs] and [outputs], found [2,3], [4,5] and [5]',
    );
  });
});

describe.skipIf(nativeState().state !== 'ready')('products by active places', () => {
  let engine: RunningEngine;
  beforeAll(async () => {
    engine = await startEngine('native', { threads: 2 });
  });
  afterAll(() => engine.stop());

  /** Values and gradients, by active places where the limit is 1, dense where it is 0. */
  async function results(
    limit: number,
    [rows, inputs, outputs]: readonly [number, number, number],
  ): Promise<Float32Array[]> {
    const forms = nativeForms(tf.engine().backend as NativeBackend, undefined, {
      forward: limit,
      weightGradient: limit,
    });
    registerKernels('native', forms);
    const given = [spikes([rows, inputs]), randomPlain([inputs, outputs], 'w'), randomPlain([outputs], 'b')];
    const tensors = given.map(({ values, shape }) => tf.tensor(Float32Array.from(values), [...shape]));
    const value = spikeProduct(tensors[0]!, tensors[1]!, tensors[2]!);
    const gradients = tf.grads((x, w, b) => tf.square(spikeProduct(x!, w!, b!)))(tensors);
    const read: Float32Array[] = [];
    for (const tensor of [value, ...gradients]) read.push((await tensor.data()) as Float32Array);
    tf.dispose([...tensors, value, ...gradients]);
    return read;
  }

  it.each([
    [5, 30, 16],
    [300, 11, 17],
    [130, 9, 100],
    [129, 33, 130],
    [2100, 6, 250],
    [0, 6, 20],
  ] as const)('give %i rows of %i inputs to %i outputs as dense ones do', async (...sizes) => {
    const [dense, sparse] = [await results(0, sizes), await results(1, sizes)];
    sparse.forEach((values, part) => {
      const scale = dense[part]!.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-2);
      values.forEach((value, index) => {
        expect(Math.abs(value - dense[part]![index]!) / scale).toBeLessThan(5e-6);
      });
    });
  });

  it('give the same bits with any number of threads', async () => {
    const sizes = [700, 40, 90] as const;
    const two = await results(1, sizes);
    engine.stop();
    engine = await startEngine('native', { threads: 1 });
    expect(await results(1, sizes)).toStrictEqual(two);
  });
});
