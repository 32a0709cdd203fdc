import fc from 'fast-check';
import { from, lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import {
  type Binning,
  bin,
  binCounters,
  binRecording,
  binSample,
  FrameGrid,
  toSample,
} from '../../src/operators/index.ts';
import { arbitraryCuts, arbitraryEvents, chunkAt, chunkOf, split } from './event-cases.ts';

const sensor = { width: 4, height: 3 };
const grid = new FrameGrid({ sensor, frame: { width: 2, height: 3 } });
const token = { id: 'walk', label: 3 };

const binnings: fc.Arbitrary<Binning> = fc.oneof(
  fc.record({
    kind: fc.constant('count' as const),
    bins: fc.integer({ min: 1, max: 9 }),
    overlap: fc.constantFrom(0, 0.5),
  }),
  fc.record({
    kind: fc.constant('time' as const),
    windowMicros: fc.integer({ min: 200, max: 3000 }),
    strideMicros: fc.integer({ min: 50, max: 200 }),
    tail: fc.constantFrom('keep' as const, 'drop' as const),
  }),
  fc.record({
    kind: fc.constant('events' as const),
    count: fc.integer({ min: 3, max: 9 }),
    stride: fc.integer({ min: 1, max: 3 }),
    tail: fc.constantFrom('keep' as const, 'drop' as const),
  }),
);

describe('binSample', () => {
  it('is binning and toSample in one, whatever the binning, the steps and the cuts', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryEvents(sensor, { minLength: 10 }).chain((events) =>
          fc.tuple(fc.constant(events), arbitraryCuts(events.length)),
        ),
        binnings,
        fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
        fc.constantFrom('two' as const, 'merged' as const),
        async ([events, cuts], binning, steps, polarity) => {
          const chunks = split(chunkOf(events), cuts);
          const fit = steps === undefined ? {} : { steps };
          const frames = from(chunks).pipe(bin(binning, { grid, polarity }));
          // With a dropped tail there may be no frame at all.
          const expected = await lastValueFrom(frames.pipe(toSample({ ...token, ...fit }))).catch(
            (error: Error) => error.message,
          );
          const attempt = (): unknown => {
            try {
              return binSample(chunks, binning, grid, token, { ...fit, polarity });
            } catch (error) {
              return (error as Error).message;
            }
          };
          expect(attempt()).toStrictEqual(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('counts what it leaves out', () => {
    const counters = binCounters();
    const beside = chunkOf([
      { micros: 0, x: 1, y: 1, on: 1 },
      { micros: 5, x: 9, y: 1, on: 1 },
    ]);
    binSample([beside], { kind: 'count', bins: 2 }, grid, token, { counters });
    expect(counters).toStrictEqual({ events: 2, outside: 1, tail: 0, skippedBins: 0 });
  });

  it('names a recording without events', () => {
    expect(() => binSample([], { kind: 'count', bins: 2 }, grid, token)).toThrow(InputError);
    expect(() => binSample([chunkAt()], { kind: 'count', bins: 2 }, grid, token)).toThrow(/^walk: expected/);
  });

  it('names a recording whose times cannot be', () => {
    const lying = [chunkAt(0), chunkAt(2 ** 50)];
    expect(() => binSample(lying, { kind: 'time', windowMicros: 10 }, grid, token)).toThrow(
      /^walk: binning: /,
    );
  });
});

describe('binRecording', () => {
  it('reads and bins a recording', async () => {
    const chunks = [chunkAt(0, 1, 2), chunkAt(50), chunkAt(100, 120)];
    const recording = {
      ...token,
      simulated: false,
      async *chunks() {
        yield* chunks;
      },
    };
    const binning = { kind: 'count', bins: 3 } as const;
    expect(await binRecording(recording, binning, grid, { steps: 5 })).toStrictEqual(
      binSample(chunks, binning, grid, token, { steps: 5 }),
    );
  });
});
