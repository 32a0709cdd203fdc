import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { bernoulli, bernoulliLimit } from '../../../src/engines/kernels/index.ts';
import { encodePoisson } from '../../../src/operators/encode-poisson.ts';
import { RandomStream } from '../../../src/random.ts';
import { describeEngines } from '../engines.ts';

const seed = 2 ** 40 + 77;
const steps = 7;

/** Images of bytes, many of them 0, of a size that is no multiple of four. */
function images(count: number, width: number, height: number) {
  return Array.from({ length: count }, (_, index) => {
    const id = `train/${index}`;
    const random = new RandomStream(1, id);
    const pixels = Uint8Array.from({ length: width * height }, (_, i) =>
      i < 2 * width || random.uniform(i) < 0.4 ? 0 : random.integer(i, 256),
    );
    return { id, label: 0, width, height, channels: 1, pixels };
  });
}

describeEngines('Bernoulli spikes', () => {
  it.each([
    [1, 1, 1],
    [3, 13, 9],
    [2, 28, 28],
  ])('of %i images of %i x %i are those of the operator', async (count, width, height) => {
    const given = images(count, width, height);
    for (const [gain, offset] of [
      [0.8, 0],
      [1.7, 0],
      [0.5, 0.1],
      [1, -0.3],
    ] as const) {
      const streams = given.map(({ id }) => `encode/3/${id}`);
      const limits = Float32Array.from(
        given.flatMap(({ pixels }) =>
          [...pixels].map((value) => bernoulliLimit((gain * value) / 255 + offset)),
        ),
      );
      const expected = given.flatMap((image) => [
        ...encodePoisson(image, { steps, gain, offset, seed, epoch: 3 }).frames,
      ]);
      const whole = bernoulli({ seed, streams, limits, from: 0, steps });
      expect(whole.shape).toEqual([count, steps, width * height]);
      expect([...(await whole.data())]).toStrictEqual(expected);
      const parts = [
        bernoulli({ seed, streams, limits, from: 0, steps: 3 }),
        bernoulli({ seed, streams, limits, from: 3, steps: steps - 3 }),
      ];
      const joined = tf.concat(parts, 1);
      expect([...(await joined.data())]).toStrictEqual(expected);
      tf.dispose([whole, ...parts, joined]);
    }
  });

  it('of no images are none', () => {
    const none = bernoulli({ seed, streams: [], limits: new Float32Array(0), from: 0, steps: 4 });
    expect(none.shape).toEqual([0, 4, 0]);
    none.dispose();
  });
});

describe('bernoulliLimit', () => {
  it('is what exactly the draws below the probability are below', () => {
    expect([-1, 0, 1, 2].map(bernoulliLimit)).toStrictEqual([0, 0, 2 ** 24, 2 ** 24]);
    for (const probability of [1e-9, 0.3, 0.5, 0.8 * (77 / 255), 1 - 2 ** -25]) {
      const limit = bernoulliLimit(probability);
      expect((limit - 1) / 2 ** 24).toBeLessThan(probability);
      expect(limit / 2 ** 24).toBeGreaterThanOrEqual(probability);
    }
  });
});
