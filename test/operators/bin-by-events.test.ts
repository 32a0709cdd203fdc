import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import type { EventChunk, Frame } from '../../src/events.ts';
import { BinByEvents, binByEvents, binCounters, FrameGrid } from '../../src/operators/index.ts';
import { arbitraryCuts, arbitraryEvents, chunkAt, chunkOf, runStage, split, total } from './event-cases.ts';
import { describeOperatorCases } from './operator-cases.ts';

const grid = new FrameGrid({ sensor: { width: 1, height: 1 } });
const small = { width: 4, height: 3 };

describeOperatorCases<EventChunk, Frame>('binByEvents', {
  create: () => binByEvents({ count: 2, grid }),
  values: [chunkAt(0, 5), chunkAt(12), chunkAt(40, 41)],
  outputs: { empty: 0, one: 1, many: 3 },
});

describe('BinByEvents', () => {
  const times = chunkAt(10, 11, 12, 13, 20, 21, 22);
  const bins = (options: { count: number; stride?: number; tail?: 'keep' | 'drop' }): number[][] =>
    runStage(new BinByEvents({ grid, ...options }), [times]).map(({ startMicros, endMicros, events }) => [
      startMicros,
      endMicros,
      events,
    ]);

  it('gives bins of equally many events, the rest as a last one', () => {
    expect(bins({ count: 3 })).toStrictEqual([
      [10, 13, 3],
      [13, 22, 3],
      [22, 23, 1],
    ]);
  });

  it('has no last bin where none of its events is new', () => {
    expect(bins({ count: 7 })).toHaveLength(1);
    expect(bins({ count: 3, stride: 2 }).map(([, , events]) => events)).toStrictEqual([3, 3, 3]);
  });

  it('drops the rest if told so, and counts the events that are in no other bin', () => {
    const counters = binCounters();
    const frames = runStage(new BinByEvents({ count: 4, stride: 2, tail: 'drop', grid, counters }), [times]);
    expect(frames.map(({ startMicros }) => startMicros)).toStrictEqual([10, 12]);
    expect(counters).toStrictEqual({ events: 7, outside: 0, tail: 1, skippedBins: 0 });
  });

  it('counts events before the grid leaves any out', () => {
    const left = new FrameGrid({
      sensor: { width: 2, height: 1 },
      crop: { x: 0, y: 0, width: 1, height: 1 },
    });
    const events = [0, 1, 1, 0].map((x, micros) => ({ micros, x, y: 0, on: 1 }));
    const stage = new BinByEvents({ count: 2, grid: left });
    expect(runStage(stage, [chunkOf(events)]).map((frame) => frame.events)).toStrictEqual([1, 1]);
    expect(stage.counters.outside).toBe(2);
  });

  it.each([
    ['a bin of no events', { count: 0 }],
    ['part of an event', { count: 2.5 }],
    ['a stride beyond the bin, where events would be lost', { count: 2, stride: 3 }],
    ['a stride of nothing', { count: 2, stride: 0 }],
  ])('refuses %s', (_, options) => {
    expect(() => new BinByEvents({ grid, ...options })).toThrow(OptionError);
  });

  it('conserves events and is the same however the stream is cut', () => {
    const whole = new FrameGrid({ sensor: small });
    fc.assert(
      fc.property(
        arbitraryEvents(small).chain((events) => fc.tuple(fc.constant(events), arbitraryCuts(events.length))),
        fc.integer({ min: 1, max: 20 }),
        ([events, cuts], count) => {
          const frames = runStage(new BinByEvents({ count, grid: whole }), [chunkOf(events)]);
          expect(total(frames)).toBe(events.length);
          expect(frames.slice(0, -1).every((frame) => frame.events === count)).toBe(true);
          expect(
            runStage(new BinByEvents({ count, grid: whole }), split(chunkOf(events), cuts)),
          ).toStrictEqual(frames);
        },
      ),
    );
  });

  it('with overlap: bin i holds the events from i * stride on, and the last event is in one', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 80 })
          .chain((length) => fc.tuple(fc.constant(length), arbitraryCuts(length))),
        fc
          .integer({ min: 1, max: 20 })
          .chain((count) => fc.tuple(fc.constant(count), fc.integer({ min: 1, max: count }))),
        ([length, cuts], [count, stride]) => {
          const chunk = chunkAt(...Array.from({ length }, (_, i) => i));
          const frames = runStage(new BinByEvents({ count, stride, grid }), split(chunk, cuts));
          expect(frames).toHaveLength(Math.max(0, Math.ceil((length - count) / stride)) + 1);
          frames.forEach((frame, i) => {
            expect(frame.startMicros).toBe(i * stride);
            expect(frame.endMicros).toBe(Math.min(length, i * stride + count));
            expect(frame.events).toBe(frame.endMicros - frame.startMicros);
          });
          expect(frames.at(-1)!.endMicros).toBe(length);
        },
      ),
    );
  });
});
