import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import type { LabelledImage } from '../../src/events.ts';
import {
  type EncodeLatencyOptions,
  encodeImagesLatency,
  encodeLatency,
  latencies,
} from '../../src/operators/index.ts';
import { describeWithShared, sharedPath } from '../shared-data.ts';
import { describeOperatorCases } from './operator-cases.ts';

function image(pixels: readonly number[], id = 'cat'): LabelledImage {
  return { id, label: 3, width: pixels.length, height: 1, channels: 1, pixels: Uint8Array.from(pixels) };
}

describeOperatorCases('encodeImagesLatency', {
  create: () => encodeImagesLatency({ steps: 3 }),
  values: [image([1]), image([2]), image([3])],
  outputs: { empty: 0, one: 1, many: 3 },
});

const file = 'expected/neurons/misc.json';
describeWithShared('the libraries', [file], () => {
  const stored: { encoders: Record<string, number[][]> & { x: number[] } } = existsSync(sharedPath(file))
    ? JSON.parse(readFileSync(sharedPath(file), 'utf8'))
    : { encoders: { x: [] } };
  const cases: Record<string, EncodeLatencyOptions> = {
    sj_latency_linear_T6: { steps: 6 },
    sj_latency_log_T6: { steps: 6, code: 'logarithmic' },
    snn_latency_T6_tau5_thr01_linear_norm: { steps: 6, tau: 5, threshold: 0.01 },
    snn_latency_T6_log_default: { steps: 6, code: 'membrane' },
  };
  it.each(Object.keys(cases))('%s', (name) => {
    const when = latencies(stored.encoders.x, cases[name]!);
    const spikes = Array.from({ length: 6 }, (_, step) => Array.from(when, (at) => (at === step ? 1 : 0)));
    expect(spikes).toStrictEqual(stored.encoders[name]);
  });
});

describe('encodeLatency', () => {
  it('fires once a value, the brightest first', () => {
    const { frames, shape, length } = encodeLatency(image([0, 255, 128, 51]), { steps: 6 });
    expect([...shape, length]).toStrictEqual([6, 1, 4, 1, 6]);
    const steps = [0, 1, 2, 3].map((place) =>
      Array.from({ length: 6 }, (_, step) => frames[step * 4 + place]!).indexOf(1),
    );
    expect(steps).toStrictEqual([5, 0, 2, 4]);
    expect(frames.reduce((sum, value) => sum + value)).toBe(4);
  });

  it('never fires below the threshold if clipped, nor after the last step', () => {
    expect([...latencies([0.1, 0.3, 1], { steps: 4, threshold: 0.2, clip: true })]).toStrictEqual([-1, 2, 0]);
    expect([...latencies([0, 0.5, 1], { steps: 4, tau: 10 })]).toStrictEqual([-1, -1, 0]);
    // tau ln(x / (x - threshold)) = 2 ln 2 = 1.39 and 2 ln(1 / 0.75) = 0.58.
    const membrane = { steps: 4, code: 'membrane', tau: 2, threshold: 0.25, normalize: false } as const;
    expect([...latencies([0.1, 0.5, 1], membrane)]).toStrictEqual([-1, 1, 1]);
  });

  it('rounds halves to the even step', () => {
    expect([...latencies([0.75, 0.25, 0.5], { steps: 3 })]).toStrictEqual([0, 2, 1]);
  });

  it('refuses options that mean nothing', () => {
    expect(() => latencies([0], { steps: 0 })).toThrow(OptionError);
    expect(() => latencies([0], { steps: 2, threshold: 2 })).toThrow(OptionError);
    expect(() => latencies([0], { steps: 2, code: 'membrane', threshold: 0 })).toThrow(OptionError);
  });
});
