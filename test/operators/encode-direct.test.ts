import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import type { LabelledImage } from '../../src/events.ts';
import { encodeDirect, encodeImagesDirect } from '../../src/operators/index.ts';
import { describeOperatorCases } from './operator-cases.ts';

const image: LabelledImage = {
  id: 'cat',
  label: 3,
  width: 1,
  height: 2,
  channels: 2,
  pixels: Uint8Array.of(0, 51, 102, 255),
};

describeOperatorCases('encodeImagesDirect', {
  create: () => encodeImagesDirect({ steps: 2 }),
  values: [image, image, image],
  outputs: { empty: 0, one: 1, many: 3 },
});

describe('encodeDirect', () => {
  it('gives the normalised image at every step', () => {
    const sample = encodeDirect(image, { steps: 2, mean: [0.2, 0.4], deviation: [0.5, 0.1] });
    const frame = [(0 - 0.2) / 0.5, (0.2 - 0.4) / 0.1, (0.4 - 0.2) / 0.5, (1 - 0.4) / 0.1];
    expect(sample).toStrictEqual({
      id: 'cat',
      label: 3,
      frames: Float32Array.from([...frame, ...frame]),
      shape: [2, 2, 1, 2],
      length: 2,
    });
  });

  it('takes one mean and deviation for all channels, by default none', () => {
    expect(encodeDirect(image, { steps: 1 }).frames).toStrictEqual(Float32Array.of(0, 0.2, 0.4, 1));
    expect(encodeDirect(image, { steps: 1, mean: 0.5, deviation: 0.5 }).frames).toStrictEqual(
      Float32Array.of(-1, -0.6, -0.2, 1),
    );
  });

  it('refuses a normalisation of other channels, and no steps', () => {
    expect(() => encodeDirect(image, { steps: 1, mean: [1, 2, 3] })).toThrow(OptionError);
    expect(() => encodeDirect(image, { steps: 0 })).toThrow(OptionError);
  });
});
