import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import type { Frame, Sample } from '../../src/events.ts';
import {
  EncodeDelta,
  type EncodeDeltaOptions,
  encodeDelta,
  encodeSampleDelta,
} from '../../src/operators/index.ts';
import { describeWithShared, sharedPath } from '../shared-data.ts';
import { describeOperatorCases } from './operator-cases.ts';

const frame = (data: readonly number[], startMicros = 0): Frame => ({
  ...{ width: data.length, height: 1, channels: 1, data: Float32Array.from(data) },
  ...{ startMicros, endMicros: startMicros + 10, events: 0 },
});

describeOperatorCases('encodeDelta', {
  create: () => encodeDelta(),
  values: [frame([1]), frame([2]), frame([3])],
  outputs: { empty: 0, one: 1, many: 3 },
});

/** One value over time through the stage. */
function encoded(values: readonly number[], options: EncodeDeltaOptions): number[] {
  const stage = new EncodeDelta(options);
  const frames: Frame[] = [];
  for (const value of values) stage.push(frame([value]), (output) => frames.push(output));
  return frames.map(({ data }) => data[0]!);
}

const file = 'expected/neurons/misc.json';
describeWithShared('snnTorch', [file], () => {
  const stored: { encoders: Record<string, number[]> } = existsSync(sharedPath(file))
    ? JSON.parse(readFileSync(sharedPath(file), 'utf8'))
    : { encoders: {} };
  const cases: Record<string, EncodeDeltaOptions> = {
    snn_delta_thr1: { threshold: 1 },
    snn_delta_thr01_off: { threshold: 0.1, off: true },
    snn_delta_padding: { threshold: 0.1, off: true, first: 'itself' },
  };
  it.each(Object.keys(cases))('%s', (name) => {
    expect(encoded(stored.encoders['delta_in']!, cases[name]!)).toStrictEqual(stored.encoders[name]);
  });
});

describe('encodeSampleDelta', () => {
  it('is the stage over the frames that are real', () => {
    const values = [0.5, 0.75, 0.25, 0.375];
    const sample: Sample = {
      ...{ id: 'a', label: 1, frames: Float32Array.from([...values, 0]) },
      ...{ shape: [5, 1, 1, 1], length: 4 },
    };
    const options = { threshold: 0.2, off: true };
    const found = encodeSampleDelta(sample, options);
    expect([...found.frames]).toStrictEqual([...encoded(values, options), 0]);
    expect([...found.frames]).toStrictEqual([1, 1, -1, 0, 0]);
    expect(found.length).toBe(4);
  });

  it('refuses a threshold below 0', () => {
    expect(() => new EncodeDelta({ threshold: -1 })).toThrow(OptionError);
  });
});
