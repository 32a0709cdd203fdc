import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import type { Sample } from '../../src/events.ts';
import { fitLength, fitSample } from '../../src/operators/index.ts';
import { describeOperatorCases } from './operator-cases.ts';

function sample(steps: number, length = steps): Sample {
  const frames = Float32Array.from({ length: 2 * steps }, (_, i) => i + 1);
  return { id: `s${steps}`, label: 0, frames, shape: [steps, 1, 2, 1], length, binMicros: 5 };
}

describeOperatorCases('fitLength', {
  create: () => fitLength(2),
  values: [sample(1), sample(2), sample(3)],
  outputs: { empty: 0, one: 1, many: 3 },
});

describe('fitSample', () => {
  it('pads, cuts, and keeps a sample that fits', () => {
    const three = sample(3);
    expect(fitSample(three, 3)).toBe(three);
    expect(fitSample(three, 2)).toStrictEqual({
      ...three,
      frames: Float32Array.of(1, 2, 3, 4),
      shape: [2, 1, 2, 1],
      length: 2,
    });
    expect(fitSample(three, 4)).toStrictEqual({
      ...three,
      frames: Float32Array.of(1, 2, 3, 4, 5, 6, 0, 0),
      shape: [4, 1, 2, 1],
      length: 3,
    });
  });

  it('keeps the true length of a padded sample', () => {
    expect(fitSample(sample(4, 2), 3).length).toBe(2);
    expect(fitSample(sample(4, 2), 1).length).toBe(1);
  });

  it('refuses no steps', () => {
    expect(() => fitLength(0)).toThrow(OptionError);
  });
});
