import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { startEngine } from '../../../src/engines/engine.ts';
import { createDropout } from '../../../src/models/layers/dropout.ts';
import { pass } from '../tensors.ts';

beforeAll(async () => {
  await startEngine('cpu');
});

const drop = async (shape: number[], options: object, name = 'd'): Promise<Float32Array> =>
  (await createDropout(name, 0.25)
    .forward(tf.ones(shape), pass({ training: true, ...options }))
    .output.data()) as Float32Array;

it('drops its share, scales the rest, and keeps a unit dropped for all steps', async () => {
  const values = await drop([4, 3, 1000], { seed: 1 });
  expect(new Set(values)).toStrictEqual(new Set([0, Math.fround(1 / 0.75)]));
  const share = values.filter((value) => value === 0).length / values.length;
  expect(Math.abs(share - 0.25)).toBeLessThan(0.03);
  for (let sample = 0; sample < 4; sample++) {
    const step = (t: number) => values.slice((sample * 3 + t) * 1000, (sample * 3 + t + 1) * 1000);
    expect(step(1)).toStrictEqual(step(0));
    expect(step(2)).toStrictEqual(step(0));
  }
});

it('is a function of seed, step and layer, and not of padding', async () => {
  const first = await drop([2, 1, 50], { seed: 1, step: 3 });
  expect(await drop([2, 1, 50], { seed: 1, step: 3 })).toStrictEqual(first);
  expect(await drop([2, 1, 50], { seed: 2, step: 3 })).not.toStrictEqual(first);
  expect(await drop([2, 1, 50], { seed: 1, step: 4 })).not.toStrictEqual(first);
  expect(await drop([2, 1, 50], { seed: 1, step: 3 }, 'e')).not.toStrictEqual(first);
  const padded = await drop([2, 2, 50], { seed: 1, step: 3 });
  expect(padded.slice(100, 150)).toStrictEqual(first.slice(50));
});

it('does nothing in evaluation', async () => {
  expect(await drop([1, 2, 10], { training: false })).toStrictEqual(new Float32Array(20).fill(1));
});
