import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningEngine, startEngine } from '../../../src/engines/engine.ts';
import { convolution, convolvedLif, type LifParameters } from '../../../src/engines/kernels/index.ts';
import { registerKernels } from '../../../src/engines/kernels/kernel.ts';
import type { NativeBackend } from '../../../src/engines/native/backend.ts';
import { nativeForms } from '../../../src/engines/native/fused-kernels.ts';
import { nativeState } from '../../../src/engines/native.ts';
import { RandomStream } from '../../../src/random.ts';

/** Quarters, of which all sums are exact in whatever order: what fires does not hang on rounding. */
function quarters(shape: number[], name: string, largest: number): tf.Tensor {
  const random = new RandomStream(11, name);
  const values = Float32Array.from(
    { length: tf.util.sizeFromShape(shape) },
    (_, i) => Math.round(largest * (2 * random.uniform(i) - 1)) / 4,
  );
  return tf.tensor(values, shape);
}

/** How many values differ. */
async function differing(actual: tf.Tensor, expected: tf.Tensor): Promise<number> {
  const [found, wanted] = (await Promise.all([actual.data(), expected.data()])) as Float32Array[];
  return found!.reduce((count, value, i) => count + (value === wanted![i] ? 0 : 1), 0);
}

const neuron: LifParameters = {
  decay: 0.5,
  inputDecayed: false,
  threshold: 1,
  inclusive: false,
  reset: 'subtract',
  resetPotential: 0,
  rest: 0,
  resetTiming: 'before',
  detachReset: true,
  surrogate: { kind: 'atan', amplitude: 1, slope: 1 },
};

describe.skipIf(nativeState().state !== 'ready')('a convolution fused with neurons', () => {
  let engine: RunningEngine;
  const useLimit = (forward?: number): void =>
    registerKernels(
      'native',
      nativeForms(
        tf.engine().backend as NativeBackend,
        forward === undefined ? undefined : () => ({ forward, filterGradient: 0 }),
      ),
    );
  beforeAll(async () => {
    engine = await startEngine('native', { threads: 2 });
  });
  afterAll(() => engine?.stop());

  it.each([
    // Maps of a mebibyte and more go by bands of rows; the last ones do not.
    { frames: 4, side: [65, 67], inputs: 2, outputs: 16, kernel: 3, repeat: 1, pool: 2 },
    { frames: 3, side: [47, 62], inputs: 5, outputs: 48, kernel: 3, repeat: 1, pool: 3 },
    { frames: 2, side: [41, 53], inputs: 40, outputs: 80, kernel: 3, repeat: 2, pool: 1 },
    { frames: 1, side: [96, 96], inputs: 3, outputs: 32, kernel: 5, repeat: 3, pool: 2 },
    { frames: 2, side: [9, 7], inputs: 4, outputs: 16, kernel: 3, repeat: 1, pool: 2 },
    { frames: 1, side: [65, 65], inputs: 2, outputs: 70, kernel: 1, repeat: 1, pool: 2 },
  ])(
    'gives what both give: $frames x $side x $inputs to $outputs, $kernel, shown $repeat, pool $pool',
    async ({ frames, side, inputs, outputs, kernel, repeat, pool }) => {
      const batch = 2;
      const [height, width] = side as [number, number];
      const input = tf.relu(quarters([batch * frames, height, width, inputs], 'input', 4));
      const filter = quarters([kernel, kernel, inputs, outputs], 'filter', 2);
      const channel = (name: string): tf.Tensor => quarters([outputs], name, 4);
      const normalisation = {
        gamma: channel('gamma'),
        beta: channel('beta'),
        mean: channel('mean'),
        variance: tf.ones([outputs]),
        epsilon: 0,
      };
      const maps = convolution(input, filter);
      const unfolded = [batch, frames, height, width];
      const state = quarters([batch, height, width, outputs], 'state', 4);
      for (const kind of ['average', 'max'] as const) {
        const options = { repeat, pool: { kind, size: pool }, state };
        const apart = convolvedLif(
          tf.reshape(maps, [...unfolded, outputs]),
          undefined,
          normalisation,
          neuron,
          options,
        );
        for (const limit of [0, 1, undefined]) {
          useLimit(limit);
          const together = convolvedLif(
            tf.reshape(input, [...unfolded, inputs]),
            filter,
            normalisation,
            neuron,
            options,
          );
          for (const part of ['output', 'state', 'counts'] as const) {
            expect(together[part].shape).toEqual(apart[part].shape);
            expect(await differing(together[part], apart[part]), part).toBe(0);
          }
        }
        useLimit();
      }
    },
  );
});
