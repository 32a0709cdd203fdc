import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import type { LabelledImage } from '../../src/events.ts';
import { encodeImagesPoisson, encodePoisson } from '../../src/operators/index.ts';
import { RandomStream } from '../../src/random.ts';
import { describeOperatorCases } from './operator-cases.ts';

function image(pixels: readonly number[], id = 'cat'): LabelledImage {
  return { id, label: 3, width: pixels.length, height: 1, channels: 1, pixels: Uint8Array.from(pixels) };
}

describeOperatorCases('encodeImagesPoisson', {
  create: () => encodeImagesPoisson({ steps: 2, seed: 1 }),
  values: [image([1]), image([2]), image([3])],
  outputs: { empty: 0, one: 1, many: 3 },
});

describe('encodePoisson', () => {
  const grey = Array.from({ length: 256 }, (_, value) => value);

  it('spikes always at 1, never at 0, else at a rate of gain * value + offset', () => {
    const steps = 2000;
    const { frames, shape, length } = encodePoisson(image(grey), { steps, seed: 7, gain: 0.8, offset: 0.1 });
    expect([...shape, length]).toStrictEqual([steps, 1, 256, 1, steps]);
    expect(new Set(frames)).toStrictEqual(new Set([0, 1]));
    for (const value of [0, 30, 128, 200, 255]) {
      let spikes = 0;
      for (let step = 0; step < steps; step++) spikes += frames[step * 256 + value]!;
      const p = (0.8 * value) / 255 + 0.1;
      // Four deviations of a binomial draw.
      expect(Math.abs(spikes / steps - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / steps));
    }
  });

  it('clamps the probability', () => {
    const { frames } = encodePoisson(image([0, 255, 10]), { steps: 500, seed: 1, gain: 2, offset: -0.5 });
    const rate = (pixel: number): number =>
      frames.filter((_, i) => i % 3 === pixel).reduce((a, b) => a + b) / 500;
    expect([rate(0), rate(1), rate(2)]).toStrictEqual([0, 1, 0]);
  });

  it('fires at most at the maximum rate', () => {
    const { frames } = encodePoisson(image([255, 51]), { steps: 4000, seed: 1, maximumRate: 0.3 });
    const rate = (pixel: number): number =>
      frames.filter((_, i) => i % 2 === pixel).reduce((a, b) => a + b) / 4000;
    expect(Math.abs(rate(0) - 0.3)).toBeLessThan(0.03);
    expect(Math.abs(rate(1) - 0.2)).toBeLessThan(0.03);
  });

  it('draws a value from seed, epoch, image and index alone', () => {
    const options = { steps: 20, seed: 5, epoch: 2 };
    const random = new RandomStream(5, 'encode/2/cat');
    const expected = Float32Array.from({ length: 20 * 256 }, (_, i) =>
      random.uniform(i) < (i % 256) / 255 ? 1 : 0,
    );
    expect(encodePoisson(image(grey), options).frames).toStrictEqual(expected);
    expect(encodePoisson(image(grey), { ...options, epoch: 3 }).frames).not.toStrictEqual(expected);
    expect(encodePoisson(image(grey), { ...options, seed: 6 }).frames).not.toStrictEqual(expected);
    expect(encodePoisson(image(grey, 'dog'), options).frames).not.toStrictEqual(expected);
    const shorter = encodePoisson(image(grey), { ...options, steps: 10 }).frames;
    expect(shorter).toStrictEqual(expected.subarray(0, 2560).slice());
  });

  it('refuses no steps and a seed that is not one', () => {
    expect(() => encodePoisson(image([1]), { steps: 0, seed: 1 })).toThrow(OptionError);
    expect(() => encodePoisson(image([1]), { steps: 1, seed: -1 })).toThrow(OptionError);
  });
});
