import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateChunk, type EventChunk, type Frame } from '../../src/events.ts';
import {
  BinByTime,
  type Binning,
  FrameGrid,
  type LiveWindow,
  LiveWindows,
  type LiveWindowsOptions,
  type Window,
  Windows,
} from '../../src/operators/index.ts';

const grid = new FrameGrid({ sensor: { width: 4, height: 3 } });
const binning: Binning = { kind: 'time', windowMicros: 10, maxEmptyBins: 8, silence: 'skip' };

function chunkOf(times: readonly number[]): EventChunk {
  const chunk = allocateChunk(times[0] ?? 0, times.length);
  times.forEach((time, i) => {
    chunk.t[i] = time - times[0]!;
    chunk.x[i] = time % 4;
    chunk.y[i] = time % 3;
    chunk.on[i] = time & 1;
  });
  return chunk;
}

function create(options: Partial<LiveWindowsOptions> = {}): LiveWindows {
  return new LiveWindows({ binning, bins: 1, grid, ...options });
}

function takeAll(windows: LiveWindows): LiveWindow[] {
  const taken: LiveWindow[] = [];
  for (let window = windows.take(); window !== undefined; window = windows.take()) taken.push(window);
  return taken;
}

const spans = (windows: readonly Window[]): number[][] =>
  windows.map(({ startMicros, endMicros, events }) => [startMicros, endMicros, events]);

describe('LiveWindows', () => {
  it('makes of events what is asked for, and merges counts alone', () => {
    const windows = create({ representation: { kind: 'voxel-grid', bins: 3 } });
    windows.push(chunkOf([3, 8]), () => 0);
    windows.end();
    const [window] = takeAll(windows);
    expect(window!.shape).toEqual([1, 3, 4, 3]);
    expect(() => create({ mergeMost: 2, representation: { kind: 'binary' } })).toThrow(
      'live windows: bins of binary cannot be merged, only counts',
    );
    expect(() => create({ representation: { kind: 'binary-representation', bits: 2 } })).toThrow(
      'live windows: the binary representation is for recordings',
    );
  });

  it('gives the windows of a recording, however the events come', () => {
    const times = fc.array(fc.nat(30), { minLength: 1, maxLength: 60 }).map((steps) => {
      let now = 1000;
      return steps.map((step) => (now += step < 25 ? step : step * 10));
    });
    fc.assert(
      fc.property(
        times,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 9 }),
        (list, bins, size) => {
          const frames: Frame[] = [];
          const binner = new BinByTime({ windowMicros: 10, maxEmptyBins: 8, silence: 'skip', grid });
          binner.push(chunkOf(list), (frame) => frames.push(frame));
          binner.end((frame) => frames.push(frame));
          const expected: Window[] = [];
          const joined = new Windows(bins);
          for (const frame of frames) joined.push(frame, (window) => expected.push(window));
          joined.end((window) => expected.push(window));
          const windows = create({ bins });
          for (let i = 0; i < list.length; i += size) windows.push(chunkOf(list.slice(i, i + size)), () => i);
          windows.end();
          const given = takeAll(windows);
          expect(given.map(({ reset, merged, arrivedMillis: _, ...window }) => window)).toEqual(expected);
          expect(given.map(({ reset }) => reset)).toEqual(given.map((_, i) => i === 0));
          expect(windows.counters).toMatchObject({ events: list.length, lateEvents: 0, mergedWindows: 0 });
        },
      ),
    );
  });

  it('closes the open window at the watermark, and counts what comes late', () => {
    const windows = create();
    expect(windows.openEndMicros).toBeUndefined();
    windows.push(chunkOf([100, 104, 112]), () => 1);
    expect(windows.openEndMicros).toBe(120);
    windows.advance();
    expect(spans(takeAll(windows))).toEqual([
      [100, 110, 2],
      [110, 120, 1],
    ]);
    expect(windows.openEndMicros).toBeUndefined();
    windows.advance();
    expect(windows.ready).toBe(0);
    windows.push(chunkOf([115, 119, 121]), () => 2);
    expect(windows.openEndMicros).toBe(130);
    windows.push(chunkOf([145]), () => 3);
    expect(spans(takeAll(windows))).toEqual([
      [120, 130, 1],
      [130, 140, 0],
    ]);
    expect(windows.counters).toMatchObject({ events: 7, lateEvents: 2 });
  });

  it('gives the same windows with and without a watermark, where nothing is late', () => {
    const times = [100, 104, 131, 138, 190, 191, 222];
    const whole = create({ bins: 3 });
    whole.push(chunkOf(times), () => 0);
    whole.end();
    const halting = create({ bins: 3 });
    for (const time of times) {
      if (halting.openEndMicros !== undefined && time >= halting.openEndMicros) halting.advance();
      halting.push(chunkOf([time]), () => 0);
    }
    halting.end();
    expect(spans(takeAll(halting))).toEqual(spans(takeAll(whole)));
  });

  it('closes a window of several bins as a whole, its empty bins being real', () => {
    const windows = create({ bins: 4 });
    windows.push(chunkOf([100, 112]), () => 1);
    expect(windows.openEndMicros).toBe(140);
    windows.advance();
    expect(takeAll(windows)).toMatchObject([{ startMicros: 100, endMicros: 140, events: 2, bins: 4 }]);
  });

  it('closes bins that overlap in their order', () => {
    const windows = create({ binning: { ...binning, strideMicros: 4 } as Binning });
    windows.push(chunkOf([100, 105, 111]), () => 1);
    windows.advance();
    const closed = spans(takeAll(windows));
    expect(closed).toEqual([
      [100, 110, 2],
      [104, 114, 2],
    ]);
    windows.push(chunkOf([113, 116, 130]), () => 1);
    expect(spans(takeAll(windows))).toEqual([
      [108, 118, 2],
      [112, 122, 1],
      [116, 126, 1],
      [120, 130, 0],
    ]);
    expect(windows.counters.lateEvents).toBe(1);
  });

  it('says when the last event of each window arrived', () => {
    const windows = create();
    windows.push(chunkOf([100, 101]), () => 1);
    windows.push(chunkOf([105]), () => 2);
    windows.push(chunkOf([108, 111]), () => 3);
    windows.push(chunkOf([145]), () => 4);
    expect(takeAll(windows).map(({ arrivedMillis }) => arrivedMillis)).toEqual([3, 3, 4, 4]);
  });

  it('begins anew after a silence', () => {
    const windows = create({ silenceMicros: 50 });
    windows.push(chunkOf([100, 104]), () => 1);
    windows.push(chunkOf([157]), () => 2);
    windows.push(chunkOf([206, 218]), () => 3);
    windows.end();
    expect(takeAll(windows).map(({ startMicros, events, reset }) => [startMicros, events, reset])).toEqual([
      [100, 2, true],
      [157, 1, true],
      [167, 0, false],
      [177, 0, false],
      [187, 0, false],
      [197, 1, false],
      [207, 0, false],
      [217, 1, false],
    ]);
  });

  it('begins anew on request, with the next window that is taken', () => {
    const windows = create();
    windows.push(chunkOf([100, 112, 121]), () => 1);
    windows.reset();
    expect(windows.take()).toMatchObject({ reset: true, startMicros: 100 });
    expect(windows.take()).toMatchObject({ reset: false, startMicros: 110 });
    windows.reset();
    windows.push(chunkOf([131]), () => 1);
    expect(windows.take()).toMatchObject({ reset: true, startMicros: 120 });
  });

  it('merges the windows that wait, never across a beginning, and loses no event', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 2, maxLength: 80 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 2, max: 5 }),
        (steps, bins, mergeMost) => {
          let now = 50;
          const times = steps.map((step) => (now += step < 12 ? step : 40));
          const options = { bins, silenceMicros: 35 };
          const single = create(options);
          const merging = create({ ...options, mergeMost });
          for (const windows of [single, merging]) {
            windows.push(chunkOf(times), () => 1);
            windows.end();
          }
          const all = takeAll(single);
          const merged = takeAll(merging);
          expect(merged.reduce((sum, window) => sum + window.merged, 0)).toBe(all.length);
          expect(merging.counters.mergedWindows).toBe(all.length - merged.length);
          const sum = (windows: readonly Window[]) =>
            windows.reduce((total, { frames }) => total + frames.reduce((a, b) => a + b, 0), 0);
          expect(sum(merged)).toBe(times.length);
          let from = 0;
          for (const window of merged) {
            const parts = all.slice(from, from + window.merged);
            expect(parts.map(({ reset }) => reset)).toEqual(parts.map((_, i) => i === 0 && window.reset));
            expect([window.startMicros, window.endMicros]).toEqual([
              parts[0]!.startMicros,
              parts.at(-1)!.endMicros,
            ]);
            expect(window.merged).toBeLessThanOrEqual(mergeMost);
            from += window.merged;
          }
        },
      ),
    );
  });

  it('merges bins of a window in their order', () => {
    const windows = create({ bins: 2, mergeMost: 2 });
    windows.push(chunkOf([100, 113, 123, 127, 131, 140]), () => 7);
    const [window] = takeAll(windows);
    expect(window).toMatchObject({ startMicros: 100, endMicros: 140, events: 5, bins: 2, merged: 2 });
    const size = window!.frames.length / 2;
    const counts = [0, 1].map((bin) =>
      window!.frames.slice(bin * size, (bin + 1) * size).reduce((a, b) => a + b),
    );
    expect(counts).toEqual([2, 3]);
  });

  it('goes on at a bin of another time, unless another stream comes', () => {
    const going = create({ resumeMicros: 200 });
    going.push(chunkOf([195, 204, 215]), () => 1);
    const [first] = takeAll(going);
    expect(first).toMatchObject({ startMicros: 200, endMicros: 210, events: 1, reset: false });
    expect(going.counters.lateEvents).toBe(1);
    const other = create({ resumeMicros: 5_000_000 });
    other.push(chunkOf([100, 111]), () => 1);
    expect(spans(takeAll(other))).toEqual([[100, 110, 1]]);
    expect(other.counters.lateEvents).toBe(0);
    const counted = create({ resumeMicros: 200, binning: { kind: 'events', count: 2 } });
    counted.push(chunkOf([199, 200, 207]), () => 1);
    expect(takeAll(counted)).toMatchObject([{ startMicros: 200, events: 2, reset: false }]);
    const silent = create({ resumeMicros: 200, silenceMicros: 50 });
    silent.push(chunkOf([260, 271]), () => 1);
    expect(silent.take()).toMatchObject({ startMicros: 260, reset: true });
  });

  it('bins by events, which no clock closes', () => {
    const windows = create({ binning: { kind: 'events', count: 3 } });
    windows.push(chunkOf([100, 101, 102, 103]), () => 1);
    expect(windows.openEndMicros).toBeUndefined();
    windows.advance();
    expect(windows.ready).toBe(1);
    windows.end();
    expect(takeAll(windows).map(({ events }) => events)).toEqual([3, 1]);
  });

  it.each([
    [
      { binning: { kind: 'count', bins: 3 } },
      'live windows: expected bins by time or by events, got "count"',
    ],
    [
      { mergeMost: 2, binning: { kind: 'time', windowMicros: 10, strideMicros: 5 } },
      'live windows: bins that overlap cannot be merged',
    ],
    [{ silenceMicros: 9 }, "silence: expected at least a bin's 10 us, got 9 us"],
  ] as const)('refuses %j', (options, message) => {
    expect(() => create(options)).toThrow(message);
  });
});
