import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import type { EventChunk, Frame } from '../../src/events.ts';
import { BinByCount, binByCount, FrameGrid } from '../../src/operators/index.ts';
import { arbitraryCuts, arbitraryEvents, chunkAt, chunkOf, runStage, split, total } from './event-cases.ts';
import { describeOperatorCases } from './operator-cases.ts';

const grid = new FrameGrid({ sensor: { width: 1, height: 1 } });
const small = { width: 4, height: 3 };

describeOperatorCases<EventChunk, Frame>('binByCount', {
  create: () => binByCount({ bins: 4, grid }),
  values: [chunkAt(0, 5), chunkAt(12), chunkAt(40)],
  outputs: { empty: 0, one: 4, many: 4 },
  holds: true,
});

describe('BinByCount', () => {
  const bins = (times: readonly number[], options: { bins: number; overlap?: number }): number[][] =>
    runStage(new BinByCount({ grid, ...options }), [chunkAt(...times)]).map(
      ({ startMicros, endMicros, events }) => [startMicros, endMicros, events],
    );

  it('spans the first to the last event, which falls in the last bin', () => {
    expect(bins([100, 124, 125, 149, 150, 175, 199, 200], { bins: 4 })).toStrictEqual([
      [100, 125, 2],
      [125, 150, 2],
      [150, 175, 1],
      [175, 200, 3],
    ]);
  });

  it('starts bins at whole microseconds: the first at or after the exact edge', () => {
    expect(bins([0, 3, 4, 6, 7, 10], { bins: 3 })).toStrictEqual([
      [0, 4, 2],
      [4, 7, 2],
      [7, 10, 2],
    ]);
  });

  it('overlaps by a share of a bin, over the same span', () => {
    // L = 100 / (1 + 2 * 0.5) = 50, 25 apart.
    expect(bins([0, 25, 49, 50, 74, 75, 100], { bins: 3, overlap: 0.5 })).toStrictEqual([
      [0, 50, 3],
      [25, 75, 4],
      [50, 100, 4],
    ]);
  });

  it('has all events of one time in the last bin', () => {
    expect(bins([7, 7, 7], { bins: 3 }).map(([, , events]) => events)).toStrictEqual([0, 0, 3]);
  });

  it.each([
    ['no bins', { bins: 0 }],
    ['bins that are the same', { bins: 2, overlap: 1 }],
    ['a negative overlap', { bins: 2, overlap: -0.1 }],
  ])('refuses %s', (_, options) => {
    expect(() => new BinByCount({ grid, ...options })).toThrow(OptionError);
  });

  it('conserves events, bin by bin, and is the same however the stream is cut', () => {
    const whole = new FrameGrid({ sensor: small });
    fc.assert(
      fc.property(
        arbitraryEvents(small, { minLength: 1 }).chain((events) =>
          fc.tuple(fc.constant(events), arbitraryCuts(events.length)),
        ),
        fc.integer({ min: 1, max: 20 }),
        ([events, cuts], count) => {
          const frames = runStage(new BinByCount({ bins: count, grid: whole }), [chunkOf(events)]);
          expect(frames).toHaveLength(count);
          expect(total(frames)).toBe(events.length);
          const first = events[0]!.micros;
          const span = events.at(-1)!.micros - first;
          const expected = new Array<number>(count).fill(0);
          for (const { micros } of events) {
            const exact = span === 0 ? count : Math.floor(((micros - first) * count) / span);
            expected[Math.min(count - 1, exact)]!++;
          }
          expect(frames.map((frame) => frame.events)).toStrictEqual(expected);
          const cut = new BinByCount({ bins: count, grid: whole });
          expect(runStage(cut, split(chunkOf(events), cuts))).toStrictEqual(frames);
        },
      ),
    );
  });

  it('with overlap: bins are equally long and apart, to a microsecond, and end with the recording', () => {
    fc.assert(
      fc.property(
        arbitraryEvents(small, { minLength: 2 }),
        fc.integer({ min: 1, max: 12 }),
        fc.double({ min: 0, max: 0.95, noNaN: true }),
        (events, count, overlap) => {
          const whole = new FrameGrid({ sensor: small });
          const frames = runStage(new BinByCount({ bins: count, overlap, grid: whole }), [chunkOf(events)]);
          const first = events[0]!.micros;
          const last = events.at(-1)!.micros;
          const length = (last - first) / (1 + (count - 1) * (1 - overlap));
          frames.forEach((frame, i) => {
            expect(Math.abs(frame.startMicros - (first + i * length * (1 - overlap)))).toBeLessThanOrEqual(
              1.001,
            );
            expect(Math.abs(frame.endMicros - frame.startMicros - length)).toBeLessThanOrEqual(1.001);
          });
          expect(frames.at(-1)!.endMicros).toBe(last);
          expect(total(frames)).toBeGreaterThanOrEqual(events.length);
        },
      ),
    );
  });
});
