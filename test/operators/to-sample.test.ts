import { describe, expect, it } from 'vitest';
import { InputError, OptionError, ShapeError } from '../../src/errors.ts';
import type { Frame, Sample } from '../../src/events.ts';
import { SampleBuilder, toSample } from '../../src/operators/index.ts';
import { runStage } from './event-cases.ts';
import { describeOperatorCases } from './operator-cases.ts';

/** A frame of one pixel. */
function frame(value: number, micros = 10): Frame {
  const data = Float32Array.of(value);
  return { width: 1, height: 1, channels: 1, data, startMicros: 0, endMicros: micros, events: value };
}

const token = { id: 'walk', label: 3 };

describeOperatorCases<Frame, Sample>('toSample', {
  create: () => toSample({ ...token, steps: 2 }),
  values: [frame(1), frame(2), frame(3)],
  outputs: { empty: /walk: expected at least one event/, one: 1, many: 1 },
  holds: true,
});

describe('SampleBuilder', () => {
  const build = (frames: readonly Frame[], steps?: number): Sample =>
    runStage(new SampleBuilder({ ...token, ...(steps === undefined ? {} : { steps }) }), frames)[0]!;

  it('joins as many frames as come', () => {
    expect(build([frame(1), frame(2), frame(3)])).toStrictEqual({
      ...token,
      frames: Float32Array.of(1, 2, 3),
      shape: [3, 1, 1, 1],
      length: 3,
      binMicros: 10,
    });
  });

  it('pads with empty frames and keeps the true length', () => {
    const sample = build([frame(1), frame(2)], 4);
    expect(sample.frames).toStrictEqual(Float32Array.of(1, 2, 0, 0));
    expect(sample.shape).toStrictEqual([4, 1, 1, 1]);
    expect(sample.length).toBe(2);
  });

  it('cuts what is too long', () => {
    const sample = build([frame(1), frame(2), frame(3)], 2);
    expect(sample.frames).toStrictEqual(Float32Array.of(1, 2));
    expect(sample.shape).toStrictEqual([2, 1, 1, 1]);
    expect(sample.length).toBe(2);
  });

  it('knows the median length of its bins', () => {
    expect(build([frame(1, 7), frame(1, 100), frame(1, 9)]).binMicros).toBe(9);
    expect(build([frame(1, 7), frame(1, 100), frame(1, 9), frame(1, 10)]).binMicros).toBe(9.5);
  });

  it('takes frames that were counted into its own array as they are, and clears what was counted behind them', () => {
    const builder = new SampleBuilder({ ...token, steps: 3 });
    const places = [0, 1, 2].map((ordinal) => builder.allocate(ordinal, 1, 1, 1));
    places.forEach((place, i) => {
      place[0] = i + 1;
    });
    const inPlace = { ...frame(0), data: places[0]! };
    const { frames } = runStage(builder, [inPlace, frame(8)])[0]!;
    expect(frames).toStrictEqual(Float32Array.of(1, 8, 0));
    expect(frames.buffer).toBe(places[0]!.buffer);
  });

  it('refuses a recording without frames, frames of another size, and no steps', () => {
    expect(() => build([])).toThrow(InputError);
    expect(() => build([frame(1), { ...frame(1), width: 2, data: new Float32Array(2) }])).toThrow(ShapeError);
    expect(() => new SampleBuilder({ ...token, steps: 0 })).toThrow(OptionError);
  });
});
