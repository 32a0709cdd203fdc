import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { PipelineContext } from '../../../pipelines/definition.ts';
import type { LoadedModel } from '../../../pipelines/streaming/load-model.ts';
import { type EventSource, predictStream } from '../../../pipelines/streaming/predict-stream.ts';
import { reportPredictions } from '../../../pipelines/streaming/report-predictions.ts';
import { allocateChunk, type EventChunk } from '../../../src/events.ts';
import type { Prediction } from '../../../src/operators/predict.ts';
import type { Window } from '../../../src/operators/windows.ts';

const sensor = { width: 8, height: 8 };

/** Chunks of `size` events, a microsecond apart, that remember how many were pulled. */
function sourceOf(chunks: readonly EventChunk[]): EventSource & { pulled: number } {
  const source = {
    id: 'test',
    sensor,
    simulated: false,
    pulled: 0,
    async *chunks(): AsyncGenerator<EventChunk> {
      for (const chunk of chunks) {
        source.pulled++;
        yield chunk;
      }
    },
  };
  return source;
}

function chunkOf(origin: number, times: readonly number[]): EventChunk {
  const chunk = allocateChunk(origin, times.length);
  chunk.t.set(times);
  return chunk;
}

type Step = (window: Window) => Promise<void>;

/** A network that adds up the events it has seen, in its state. */
function summing(step: Step = async () => {}, options: Partial<LoadedModel> = {}): LoadedModel {
  const rest = {
    name: 'sum',
    path: 'sum.safetensors',
    feed: { sensor, frame: { width: 4, height: 4, channels: 2 }, classNames: ['even', 'odd'] },
    binning: { kind: 'time', windowMicros: 10, maxEmptyBins: 4, silence: 'skip' },
    binMicros: 10,
    windowBins: 2,
    predictor: {
      disposeState: () => {},
      step: async (window: Window, state: number | undefined) => {
        await step(window);
        const sum = (state ?? 0) + window.frames.reduce((a, b) => a + b, 0);
        const { startMicros, endMicros, events } = window;
        const classIndex = sum % 2;
        const prediction: Prediction = {
          startMicros,
          endMicros,
          events,
          classIndex,
          className: ['even', 'odd'][classIndex]!,
          probability: 0.75,
          margin: 0.5,
          probabilities: classIndex === 0 ? [0.75, 0.25] : [0.25, 0.75],
          rates: { first: sum / 100, second: 0.5 },
        };
        return { prediction, state: sum };
      },
    },
    engine: { name: 'none' },
    simulated: false,
    close: () => {},
  };
  return { ...rest, ...options } as unknown as LoadedModel;
}

function captured(json: boolean): PipelineContext & { lines: object[]; text: string[] } {
  const lines: object[] = [];
  const text: string[] = [];
  return {
    json,
    lines,
    text,
    emit: (line) => lines.push(line),
    print: (line) => text.push(line),
    progress: { update: () => {}, note: () => {}, clear: () => {} },
    signal: new AbortController().signal,
    requestExit: () => {},
  };
}

function predicted(source: EventSource, model: LoadedModel): Promise<Prediction[]> {
  return lastValueFrom(predictStream(source, model, { speed: 'max' }).predictions.pipe(toArray()));
}

describe('predictStream', () => {
  it('makes frames as the feed says: its filters first, then its representation', async () => {
    const chunk = allocateChunk(100, 4);
    chunk.t.set([0, 1, 5, 12]);
    chunk.x.set([0, 0, 6, 7]);
    chunk.y.set([0, 0, 6, 7]);
    chunk.on.set([1, 0, 1, 1]);
    const { feed } = summing();
    const fed = {
      ...feed,
      filters: ['select-polarity:polarity=on', 'crop:x=0,y=0,width=7,height=7'],
      representation: { kind: 'voxel-grid', bins: 3 },
    } as const;
    const windows: Window[] = [];
    const seen = summing(async (window) => void windows.push(window), {
      feed: { ...fed, filters: [...fed.filters] },
    });
    await predicted(sourceOf([chunk]), seen);
    expect(windows.map(({ shape }) => shape)).toEqual([[2, 4, 4, 3]]);
    // Of the first bin's 10 us: the event at its start is in the first plane, the one in the middle in the second.
    const frames = windows[0]!.frames;
    expect([...frames.subarray(0, 3)]).toEqual([1, 0, 0]);
    expect([...frames.subarray(3 * 15, 3 * 16)]).toEqual([0, 1, 0]);
    expect(frames.reduce((sum, value) => sum + value, 0)).toBe(2);
  });

  it('predicts every window, the last incomplete one too, and carries the state', async () => {
    const source = sourceOf([chunkOf(100, [0, 5, 12, 19]), chunkOf(120, [3, 40])]);
    const predictions = await predicted(source, summing());
    expect(predictions.map(({ startMicros, endMicros, events }) => [startMicros, endMicros, events])).toEqual(
      [
        [100, 120, 4],
        [120, 140, 1],
        [140, 160, 0],
        [160, 170, 1],
      ],
    );
    expect(predictions.map(({ rates }) => rates['first'])).toEqual([0.04, 0.05, 0.05, 0.06]);
  });

  it('gives the same predictions however the events are cut into chunks', async () => {
    const times = Array.from({ length: 200 }, (_, i) => i * 7 + (i % 3));
    const whole = await predicted(sourceOf([chunkOf(0, times)]), summing());
    const single = await predicted(sourceOf(times.map((t) => chunkOf(t, [0]))), summing());
    expect(single).toEqual(whole);
  });

  it('predicts nothing of nothing', async () => {
    expect(await predicted(sourceOf([]), summing())).toEqual([]);
  });

  it('pulls the next chunk only when all windows of the last one have been predicted', async () => {
    const chunks = Array.from({ length: 40 }, (_, i) => chunkOf(i * 100, [0, 30, 60, 90]));
    const source = sourceOf(chunks);
    const ahead: number[] = [];
    const step = async ({ endMicros }: Window): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      ahead.push(source.pulled - endMicros / 100);
    };
    await predicted(source, summing(step));
    expect(ahead.length).toBeGreaterThan(100);
    expect(Math.max(...ahead)).toBeLessThanOrEqual(2);
  });

  it('leaves out what is beyond a settled silence', async () => {
    const source = sourceOf([chunkOf(0, [0, 4_000_000_000])]);
    const stream = predictStream(source, summing(), { speed: 'max' });
    const predictions = await lastValueFrom(stream.predictions.pipe(toArray()));
    expect(predictions.length).toBeLessThan(10);
    expect(stream.counters.skippedBins).toBeGreaterThan(399_000_000);
  });

  it('scales a sensor of another size to the frame', async () => {
    const source = { ...sourceOf([chunkOf(0, [0, 1, 2])]), sensor: { width: 640, height: 480 } };
    const stream = predictStream(source, summing(), { speed: 'max' });
    await lastValueFrom(stream.predictions);
    expect(stream.counters).toMatchObject({ events: 3, outside: 0 });
  });

  it('refuses a sensor that is smaller than the frame', () => {
    const source = { ...sourceOf([]), sensor: { width: 128, height: 3 } };
    expect(() => predictStream(source, summing(), { speed: 'max' })).toThrow(
      'test: expected a sensor of at least 4 x 4 for this network, found 128 x 3',
    );
  });

  it('passes on the failure of a step', async () => {
    const failing = summing(async () => {
      throw new Error('out of memory');
    });
    await expect(predicted(sourceOf([chunkOf(0, [0, 50])]), failing)).rejects.toThrow('out of memory');
  });
});

describe('reportPredictions', () => {
  const source = sourceOf([chunkOf(1_000_000, [0, 5, 12, 45])]);

  it('emits a line for every window and a summary', async () => {
    const context = captured(true);
    const model = summing();
    const stream = predictStream(source, model, { speed: 'max' });
    await reportPredictions(stream, source, model, context, { counters: () => ({ dropped: 3 }) });
    expect(context.lines.map((line) => (line as { type: string }).type)).toEqual([
      ...Array(3).fill('prediction'),
      'summary',
    ]);
    expect(context.lines[0]).toEqual({
      type: 'prediction',
      window: 0,
      startMicros: 1_000_000,
      endMicros: 1_000_020,
      classIndex: 1,
      className: 'odd',
      probability: 0.75,
      margin: 0.5,
      probabilities: [0.25, 0.75],
      rates: { first: 0.03, second: 0.5 },
      events: 3,
    });
    expect(context.lines.at(-1)).toMatchObject({
      windows: 3,
      className: 'odd',
      events: 4,
      outside: 0,
      skippedBins: 0,
      dropped: 3,
      model: 'sum',
      engine: 'none',
      simulated: false,
      rates: { second: 0.5 },
    });
  });

  it('prints aligned lines and what was lost', async () => {
    const context = captured(false);
    const model = summing(undefined, { simulated: true });
    const stream = predictStream(source, model, { speed: 'max' });
    await reportPredictions(stream, source, model, context, {
      counters: () => ({ dropped: 3, malformed: 0 }),
    });
    expect(context.text[0]).toBe(
      '   0.000 to   0.000 s   odd   75.0%         3 events   spikes first  3.0%  second 50.0%',
    );
    expect(context.text.at(-1)).toMatch(/^3 windows, 4 events in \d+\.\d s: overall odd \(59\.1 %\)\n/);
    expect(context.text.at(-1)).toContain('not as sent: 3 dropped because the network was too slow');
    expect(context.text.at(-1)).toContain('network sum on engine none, simulated events');
  });

  it('says so where there were no events', async () => {
    const context = captured(false);
    const empty = sourceOf([]);
    const stream = predictStream(empty, summing(), { speed: 'max' });
    await reportPredictions(stream, empty, summing(), context);
    expect(context.text).toHaveLength(1);
    expect(context.text[0]).toMatch(/^0 windows, 0 events in 0\.\d s: no events\n/);
  });
});
