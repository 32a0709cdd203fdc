import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OptionError, ShapeError } from '../../../src/errors.ts';
import type { EventChunk, Frame } from '../../../src/events.ts';
import {
  BinaryRepresentation,
  type Binning,
  binaryRepresentation,
  binCounters,
  binSample,
  createBinning,
  FrameGrid,
  frameShape,
  parseRepresentation,
  type Representation,
  representationDefinitions,
} from '../../../src/operators/index.ts';
import { SurfaceMemory } from '../../../src/operators/representations/surface-memory.ts';
import { RandomStream } from '../../../src/random.ts';
import { arbitraryCuts, arbitraryEvents, chunkAt, chunkOf, runStage, split, total } from '../event-cases.ts';
import { arbitraryHostileEvents } from '../filters/filter-cases.ts';
import { describeOperatorCases } from '../operator-cases.ts';

const pixel = new FrameGrid({ sensor: { width: 1, height: 1 } });
const small = { width: 5, height: 4 };
const grid = new FrameGrid({ sensor: small });

const representations: readonly Representation[] = [
  { kind: 'counted' },
  { kind: 'binary' },
  { kind: 'time-surface', tauMicros: 300 },
  { kind: 'averaged-time-surface', cellSize: 3, surfaceSize: 3, windowMicros: 500, tauMicros: 200 },
  {
    kind: 'averaged-time-surface',
    cellSize: 2,
    surfaceSize: 1,
    windowMicros: 90,
    tauMicros: 200,
    decay: 'linear',
  },
  { kind: 'voxel-grid', bins: 4 },
  { kind: 'binary-representation', bits: 2 },
];
const binnings: readonly Binning[] = [
  { kind: 'time', windowMicros: 1500.5 },
  { kind: 'events', count: 6 },
  { kind: 'count', bins: 3 },
  { kind: 'event-bins', bins: 3 },
];

describe.each(representations)('$kind', (representation) => {
  it.each(binnings)('does not depend on how the events are cut into chunks, by $kind', (binning) => {
    const cases = arbitraryEvents(small, { maxLength: 40 }).chain((events) =>
      fc.record({ events: fc.constant(events), cuts: arbitraryCuts(events.length) }),
    );
    fc.assert(
      fc.property(cases, ({ events, cuts }) => {
        const create = (): ReturnType<typeof createBinning> =>
          createBinning(binning, { grid, representation });
        const whole = runStage(create(), [chunkOf(events)]);
        expect(runStage(create(), split(chunkOf(events), cuts))).toStrictEqual(whole);
        const shape = frameShape(representation, grid, 'two');
        for (const { height, width, channels, data } of whole) {
          expect([height, width, channels]).toStrictEqual(shape);
          expect(data).toHaveLength(shape[0] * shape[1] * shape[2]);
          expect(data.every(Number.isFinite)).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('leaves out and counts what is beyond the sensor', () => {
    fc.assert(
      fc.property(arbitraryHostileEvents(small), fc.constantFrom(...binnings), (events, binning) => {
        const inside = events.filter(({ x, y }) => x < small.width && y < small.height).length;
        const counters = binCounters();
        const frames = runStage(createBinning(binning, { grid, representation, counters }), [
          chunkOf(events),
        ]);
        expect(counters).toMatchObject({ events: events.length, outside: events.length - inside });
        expect(frames.reduce((sum, { events }) => sum + events, 0)).toBe(inside);
      }),
      { numRuns: 50 },
    );
  });

  it('goes into samples', () => {
    const chunk = chunkOf(
      Array.from({ length: 24 }, (_, i) => ({ micros: 100 * i, x: i % 5, y: i % 4, on: i % 2 })),
    );
    const binning: Binning = { kind: 'count', bins: 3 };
    const sample = binSample([chunk], binning, grid, { id: 'a', label: 1 }, { representation });
    const frames = runStage(createBinning(binning, { grid, representation }), [chunk]);
    expect(sample.shape).toStrictEqual([3, ...frameShape(representation, grid, 'two')]);
    expect([...sample.frames]).toStrictEqual(frames.flatMap(({ data }) => [...data]));
  });
});

describe('time surface', () => {
  const surface = (chunks: readonly EventChunk[], binning: Binning, tauMicros = 10): number[][] =>
    runStage(
      createBinning(binning, {
        grid: pixel,
        polarity: 'merged',
        representation: { kind: 'time-surface', tauMicros },
      }),
      [...chunks],
    ).map(({ data }) => [...data]);

  it('decays through silence', () => {
    const values = surface([chunkAt(0, 35)], { kind: 'time', windowMicros: 10 });
    const expected = [10, 20, 30, 5].map((ago) => [Math.fround(Math.exp(-ago / 10))]);
    expect(values).toStrictEqual(expected);
  });

  it('is exact to a microsecond late in a recording, and at the times of AEDAT 4', () => {
    for (const start of [2 ** 25 + 1, 1_718_288_176_123_457]) {
      expect(surface([chunkAt(start)], { kind: 'events', count: 1 }, 0.5)).toStrictEqual([
        [Math.fround(Math.exp(-2))],
      ]);
    }
  });

  it('is the formula, however long the stream, the silences in it and the time constant, in bins that overlap', () => {
    const gap = fc.oneof(fc.nat(3), fc.nat(900), fc.constantFrom(7e4, 3e6, 5e6, 1e10));
    const tau = fc.constantFrom(0.3, 1, 777.7, 5e4, 3e7);
    const steps = fc.array(fc.tuple(gap, fc.nat(small.width - 1)), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(steps, tau, fc.boolean(), (gaps, tauMicros, whole) => {
        let micros = 0;
        const events = gaps.map(([gap, x]) => {
          micros += gap;
          return { micros, x, y: 0, on: 1 };
        });
        const representation: Representation = { kind: 'time-surface', tauMicros };
        const binning: Binning = { kind: 'events', count: 7, stride: 2 };
        const stage = createBinning(binning, { grid, polarity: 'merged', representation });
        // One chunk, where 32 bits hold the times.
        const isWhole = whole && micros < 2 ** 32;
        const frames = runStage(stage, isWhole ? [chunkOf(events)] : events.map((event) => chunkOf([event])));
        for (const [number, { data, endMicros }] of frames.entries()) {
          const seen = events.slice(0, 2 * number + 7);
          for (let x = 0; x < small.width; x++) {
            const last = seen.findLast((event) => event.x === x)?.micros ?? -Infinity;
            const expected = Math.exp((last - endMicros) / tauMicros);
            expect(Math.abs(data[x]! - expected)).toBeLessThanOrEqual(1e-7 * expected + 1e-44);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('needs a time constant', () => {
    expect(() => surface([], { kind: 'events', count: 1 }, 0)).toThrow(
      'tauMicros: expected a number above 0, got 0',
    );
  });
});

describe('representations by name', () => {
  it.each(representationDefinitions.map(({ name, example }) => [name, example] as const))(
    '%s is what its example says, and makes frames',
    (name, example) => {
      const representation = parseRepresentation(example);
      expect(representation.kind).toBe(name);
      const [frame] = runStage(createBinning({ kind: 'count', bins: 1 }, { grid, representation }), [
        chunkAt(1, 2),
      ]);
      expect([frame!.height, frame!.width, frame!.channels]).toEqual(frameShape(representation, grid, 'two'));
    },
  );

  it('have options by name, checked', () => {
    expect(
      parseRepresentation('averaged-time-surface:window-micros=10,tau-micros=5,surface-size=3,decay=linear'),
    ).toEqual({
      kind: 'averaged-time-surface',
      windowMicros: 10,
      tauMicros: 5,
      cellSize: 10,
      surfaceSize: 3,
      decay: 'linear',
    });
    for (const text of [
      '',
      'counts',
      'voxel-grid',
      'voxel-grid:bins=0',
      'voxel-grid:bins=2,bins=3',
      'binary:x=1',
    ]) {
      expect(() => parseRepresentation(text), text).toThrow(OptionError);
    }
  });
});

describe('voxel grid', () => {
  const voxels = (chunks: readonly EventChunk[], binning: Binning, bins: number): number[][] =>
    runStage(
      createBinning(binning, { grid: pixel, representation: { kind: 'voxel-grid', bins } }),
      chunks,
    ).map(({ data }) => [...data]);

  it('spreads an event over the two planes beside its time; first and last are whole', () => {
    const chunk = chunkOf([0, 25, 100].map((micros) => ({ micros, x: 0, y: 0, on: micros === 25 ? 0 : 1 })));
    expect(voxels([chunk], { kind: 'count', bins: 1 }, 3)).toStrictEqual([[0.5, -0.5, 1]]);
  });

  it('puts all in the first plane where there is one time, or one plane', () => {
    expect(voxels([chunkAt(7, 7)], { kind: 'count', bins: 1 }, 3)).toStrictEqual([[2, 0, 0]]);
    expect(voxels([chunkAt(7)], { kind: 'events', count: 5 }, 3)).toStrictEqual([[1, 0, 0]]);
    expect(voxels([chunkAt(7, 9)], { kind: 'time', windowMicros: 10 }, 1)).toStrictEqual([[2]]);
  });

  it('is the same for large frames, however the events are cut', () => {
    const large = new FrameGrid({ sensor: { width: 400, height: 300 } });
    const random = new RandomStream(5, 'test/voxel-grid');
    const events = Array.from({ length: 250_000 }, (_, i) => ({
      micros: i,
      x: random.integer(3 * i, 20) + (i % 4) * 90,
      y: random.integer(3 * i + 1, 20),
      on: random.integer(3 * i + 2, 2),
    }));
    const chunk = chunkOf(events);
    const grids = (cuts: readonly number[]): Frame[] =>
      runStage(
        createBinning(
          { kind: 'count', bins: 1 },
          { grid: large, representation: { kind: 'voxel-grid', bins: 3 } },
        ),
        split(chunk, cuts),
      );
    const [frame] = grids([]);
    const expected = new Float64Array(400 * 300 * 3);
    for (const { micros, x, y, on } of events) {
      const place = (2 * micros) / 249_999;
      for (let b = 0; b < 3; b++) {
        expected[(y * 400 + x) * 3 + b]! += (2 * on - 1) * Math.max(0, 1 - Math.abs(b - place));
      }
    }
    expect(expected.findIndex((value, i) => Math.abs(value - frame!.data[i]!) > 2e-4)).toBe(-1);
    const [cut] = grids([7, 119_999, 120_000, 120_001, 200_000]);
    expect(cut!.data.findIndex((value, i) => value !== frame!.data[i])).toBe(-1);
  });

  it('is the same for large frames whose events jump over planes, and for bins that overlap', () => {
    const large = new FrameGrid({ sensor: { width: 300, height: 200 } });
    const random = new RandomStream(6, 'test/voxel-grid-jumps');
    const events = Array.from({ length: 120_000 }, (_, i) => ({
      // Most events are in a few moments.
      micros: i < 119_000 ? 1000 * Math.floor(i / 20_000) : i - 110_000,
      x: random.integer(3 * i, 300),
      y: random.integer(3 * i + 1, 200),
      on: random.integer(3 * i + 2, 2),
    }));
    const frames = runStage(
      createBinning(
        { kind: 'time', windowMicros: 4000, strideMicros: 2500 },
        { grid: large, representation: { kind: 'voxel-grid', bins: 9 } },
      ),
      split(chunkOf(events), [3, 50_000, 50_001, 90_000]),
    );
    expect(frames).toHaveLength(4);
    for (const { startMicros, endMicros, data } of frames) {
      const expected = new Float64Array(300 * 200 * 9);
      for (const { micros, x, y, on } of events) {
        if (micros < startMicros || micros >= endMicros) continue;
        const place = (8 * (micros - startMicros)) / 4000;
        for (let b = 0; b < 9; b++) {
          expected[(y * 300 + x) * 9 + b]! += (2 * on - 1) * Math.max(0, 1 - Math.abs(b - place));
        }
      }
      expect(expected.findIndex((value, i) => Math.abs(value - data[i]!) > 1e-3)).toBe(-1);
    }
  });

  it('holds the whole polarity of all events', () => {
    fc.assert(
      fc.property(arbitraryEvents(small), fc.constantFrom(...binnings), (events, binning) => {
        const frames = runStage(
          createBinning(binning, { grid, representation: { kind: 'voxel-grid', bins: 5 } }),
          [chunkOf(events)],
        );
        const polarity = events.reduce((sum, { on }) => sum + 2 * on - 1, 0);
        expect(total(frames)).toBeCloseTo(polarity, 4);
      }),
    );
  });
});

describe('averaged time surface', () => {
  it('refuses surfaces that are even, or larger than a cell', () => {
    for (const surfaceSize of [2, 7]) {
      const representation = {
        kind: 'averaged-time-surface',
        cellSize: 5,
        surfaceSize,
        windowMicros: 1,
        tauMicros: 1,
      } as const;
      expect(() => createBinning({ kind: 'count', bins: 1 }, { grid, representation })).toThrow(OptionError);
    }
  });

  it('weighs events by their age, however long the stream and the silences in it', () => {
    const step = fc.oneof(fc.nat(3), fc.nat(40), fc.constantFrom(700, 5000, 1e7));
    const options = fc.constantFrom(
      { windowMicros: 50, tauMicros: 3 },
      { windowMicros: 1e6, tauMicros: 5 },
      { windowMicros: 40, tauMicros: 1000 },
      { windowMicros: 60, tauMicros: 30, decay: 'linear' } as const,
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.nat(2)), { maxLength: 80 }), options, (steps, memoryOptions) => {
        const { windowMicros, tauMicros } = memoryOptions;
        const isLinear = 'decay' in memoryOptions;
        const memory = new SurfaceMemory(3, memoryOptions);
        const events: [micros: number, place: number][] = [];
        let now = 0;
        for (const [gap, place] of steps) {
          now += gap;
          memory.forget(now);
          const out = new Float64Array(3);
          memory.addWeights(0, 1, 3, now, out, 0);
          for (let at = 0; at < 3; at++) {
            const expected = events
              .filter(([micros, other]) => other === at && now - micros <= windowMicros)
              .reduce(
                (sum, [micros]) =>
                  sum +
                  (isLinear
                    ? Math.max(0, 1 - (now - micros) / (3 * tauMicros))
                    : Math.exp((micros - now) / tauMicros)),
                0,
              );
            expect(memory.weight(at, now)).toBeCloseTo(expected, 9);
            expect(out[at]).toBeCloseTo(expected, 9);
          }
          memory.remember(place, now);
          events.push([now, place]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('holds a bounded number of events', () => {
    const memory = new SurfaceMemory(1, { windowMicros: 10, tauMicros: 1 }, 5000);
    for (let i = 0; i < 5000; i++) expect(memory.remember(0, 5)).toBe(true);
    expect(memory.remember(0, 5)).toBe(false);
    expect(memory.weight(0, 5)).toBeCloseTo(5000, 8);
    memory.forget(16);
    expect(memory.weight(0, 16)).toBe(0);
  });
});

describeOperatorCases<Frame, Frame>('binaryRepresentation', {
  create: () => binaryRepresentation({ bits: 2 }),
  values: [frameOf(0, 1), frameOf(10, 0), frameOf(20, 3)],
  outputs: { empty: 0, one: 1, many: 2 },
});

describe('BinaryRepresentation', () => {
  it('reads the first frame as the highest bit', () => {
    const frames = runStage(new BinaryRepresentation({ bits: 3 }), [
      frameOf(0, 5),
      frameOf(10, 0),
      frameOf(20, 1),
    ]);
    expect(frames).toStrictEqual([
      { ...frameOf(0, 5), endMicros: 30, events: 6, data: Float32Array.of(5 / 7) },
    ]);
  });

  it('keeps or drops frames at the end that are too few, and says how many events they had', () => {
    const values = [frameOf(0, 1), frameOf(10, 2), frameOf(20, 4)];
    expect(runStage(new BinaryRepresentation({ bits: 2 }), values).map(({ data }) => data[0])).toStrictEqual([
      1,
      Math.fround(2 / 3),
    ]);
    const dropping = new BinaryRepresentation({ bits: 2, tail: 'drop' });
    expect(runStage(dropping, values)).toHaveLength(1);
    expect(dropping.dropped).toBe(4);
  });

  it('counts what it drops of a stream', () => {
    const counters = binCounters();
    const binning: Binning = { kind: 'time', windowMicros: 10, tail: 'drop' };
    const representation: Representation = { kind: 'binary-representation', bits: 2 };
    const stage = createBinning(binning, { grid: pixel, representation, counters });
    expect(runStage(stage, [chunkAt(0, 6, 11, 12, 16)])).toHaveLength(1);
    expect(counters).toStrictEqual({ events: 5, outside: 0, tail: 3, skippedBins: 0 });
  });

  it('refuses bins that it cannot cut, too many bits, and frames of two sizes', () => {
    const create = (binning: Binning, bits: number): unknown =>
      createBinning(binning, { grid, representation: { kind: 'binary-representation', bits } });
    expect(() => create({ kind: 'events', count: 7 }, 2)).toThrow(
      "a bin's 7 events to be a multiple of its 2 bits",
    );
    expect(() => create({ kind: 'count', bins: 2, overlap: 0.5 }, 2)).toThrow('bins that do not overlap');
    expect(() => create({ kind: 'count', bins: 2 }, 25)).toThrow(OptionError);
    const two = new Float32Array(2);
    expect(() =>
      runStage(new BinaryRepresentation({ bits: 2 }), [frameOf(0, 1), { ...frameOf(10, 1), data: two }]),
    ).toThrow(ShapeError);
  });
});

/** A frame of one pixel with so many events. */
function frameOf(startMicros: number, events: number): Frame {
  return {
    width: 1,
    height: 1,
    channels: 1,
    data: Float32Array.of(events),
    startMicros,
    endMicros: startMicros + 10,
    events,
  };
}
