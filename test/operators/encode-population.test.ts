import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import type { LabelledImage } from '../../src/events.ts';
import { encodeImagesPopulation, encodePopulation, tuning } from '../../src/operators/index.ts';
import { describeOperatorCases } from './operator-cases.ts';

function image(pixels: readonly number[], channels = 1): LabelledImage {
  const width = pixels.length / channels;
  return { id: 'cat', label: 3, width, height: 1, channels, pixels: Uint8Array.from(pixels) };
}

describeOperatorCases('encodeImagesPopulation', {
  create: () => encodeImagesPopulation({ steps: 2, neurons: 3, seed: 1 }),
  values: [image([1]), image([2]), image([3])],
  outputs: { empty: 0, one: 1, many: 3 },
});

describe('tuning', () => {
  it('has its peaks at the centres, evenly spaced a half beyond both ends', () => {
    [-1 / 6, 1 / 6, 0.5, 5 / 6, 7 / 6].forEach((centre, index) => {
      expect(tuning(centre, 5)[index]).toBeCloseTo(1, 12);
    });
  });

  it('falls by exp(-9/8) from one centre to the next', () => {
    expect(tuning(0.5, 5)[1]).toBeCloseTo(Math.exp(-1.125), 12);
  });
});

describe('encodePopulation', () => {
  it('gives each channel its neurons, which fire at the rate of their tuning', () => {
    const steps = 3000;
    const { frames, shape } = encodePopulation(image([0, 255], 2), {
      ...{ steps, neurons: 4, seed: 3, maximumRate: 0.5 },
    });
    expect(shape).toStrictEqual([steps, 1, 1, 8]);
    const expected = [...tuning(0, 4), ...tuning(1, 4)];
    expected.forEach((answer, place) => {
      let spikes = 0;
      for (let step = 0; step < steps; step++) spikes += frames[step * 8 + place]!;
      const p = 0.5 * answer;
      expect(Math.abs(spikes / steps - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / steps) + 1e-3);
    });
  });

  it('draws from seed and epoch', () => {
    const draw = (options: { seed: number; epoch?: number }): Float32Array =>
      encodePopulation(image([100, 200]), { steps: 20, neurons: 5, ...options }).frames;
    expect(draw({ seed: 1 })).toStrictEqual(draw({ seed: 1, epoch: 0 }));
    expect(draw({ seed: 1 })).not.toStrictEqual(draw({ seed: 1, epoch: 1 }));
    expect(draw({ seed: 1 })).not.toStrictEqual(draw({ seed: 2 }));
  });

  it('needs three neurons', () => {
    expect(() => encodePopulation(image([1]), { steps: 1, neurons: 2, seed: 1 })).toThrow(OptionError);
  });
});
