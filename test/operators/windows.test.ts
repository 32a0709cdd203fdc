import { describe, expect, it } from 'vitest';
import { OptionError, ShapeError } from '../../src/errors.ts';
import type { Frame } from '../../src/events.ts';
import { type Window, Windows, windows } from '../../src/operators/index.ts';
import { runStage } from './event-cases.ts';
import { describeOperatorCases } from './operator-cases.ts';

/** Frame number `i` of 10 us, of two pixels, with so many events in the first. */
function frame(i: number, events = 1): Frame {
  const data = Float32Array.of(events, 0);
  return { width: 2, height: 1, channels: 1, data, startMicros: 10 * i, endMicros: 10 * i + 10, events };
}

describeOperatorCases<Frame, Window>('windows', {
  create: () => windows(2),
  values: [frame(0), frame(1), frame(2)],
  outputs: { empty: 0, one: 1, many: 2 },
});

describe('Windows', () => {
  it('joins frames, and pads the last window', () => {
    expect(runStage(new Windows(2), [frame(0, 3), frame(1, 4), frame(2, 5)])).toStrictEqual([
      {
        frames: Float32Array.of(3, 0, 4, 0),
        shape: [2, 1, 2, 1],
        startMicros: 0,
        endMicros: 20,
        events: 7,
        bins: 2,
      },
      {
        frames: Float32Array.of(5, 0, 0, 0),
        shape: [2, 1, 2, 1],
        startMicros: 20,
        endMicros: 30,
        events: 5,
        bins: 1,
      },
    ]);
  });

  it('leaves out the last window if told so', () => {
    expect(runStage(new Windows(2, { tail: 'drop' }), [frame(0), frame(1), frame(2)])).toHaveLength(1);
  });

  it('gives all windows without events the same zeros', () => {
    const [first, second, third] = runStage(
      new Windows(2),
      [0, 0, 0, 0, 0, 1].map((events, i) => frame(i, events)),
    );
    expect(first!.frames).toBe(second!.frames);
    expect(first!.frames).toStrictEqual(new Float32Array(4));
    expect(third!.frames).toStrictEqual(Float32Array.of(0, 0, 1, 0));
  });

  it('refuses frames of two sizes, and no bins', () => {
    const tall = { ...frame(1), width: 1, height: 2 };
    expect(() => runStage(new Windows(2), [frame(0), tall])).toThrow(ShapeError);
    expect(() => new Windows(0)).toThrow(OptionError);
  });
});
