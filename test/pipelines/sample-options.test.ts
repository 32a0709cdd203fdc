import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { binningOptions, sampleShape } from '../../pipelines/training/binning-options.ts';
import { lossOptions } from '../../pipelines/training/loss-options.ts';
import { optimiserOptions, trainerOptions } from '../../pipelines/training/optimiser-options.ts';
import type { EventChunk } from '../../src/events.ts';
import { feedSchema } from '../../src/models/feed.ts';
import { parseRepresentation } from '../../src/operators/index.ts';
import { chunkOf } from '../operators/event-cases.ts';

const sensor = { width: 128, height: 96 };
const values = { size: 48, bins: 8, binMs: undefined, steps: undefined };

describe('sampleShape', () => {
  it('describes frames and bins for network and stream', () => {
    expect(sampleShape(values, sensor, ['a', 'b'])).toMatchObject({
      input: { width: 48, height: 48, channels: 2 },
      feed: {
        sensor,
        frame: { width: 48, height: 48, channels: 2 },
        binning: { kind: 'count', bins: 8 },
        classNames: ['a', 'b'],
      },
    });
    expect(sampleShape({ ...values, binMs: 2.5, steps: 40 }, sensor, ['a']).feed).toMatchObject({
      binning: { kind: 'time', windowMicros: 2500 },
      steps: 40,
    });
  });

  it('makes no frame larger than its sensor', () => {
    expect(() => sampleShape({ ...values, size: 97 }, sensor, ['a'])).toThrow(
      "--size: expected at most the sensor's 128 x 96, found 97",
    );
  });

  it('takes bins down to a microsecond', () => {
    const { schema } = binningOptions(8).binMs;
    expect(schema['~run']({ value: '0.001' }, {})).toMatchObject({ value: 0.001 });
  });
});

describe('representation and filters', () => {
  const chunk = chunkOf([
    { micros: 0, x: 0, y: 0, on: 1 },
    { micros: 250, x: 40, y: 10, on: 0 },
    { micros: 1000, x: 127, y: 95, on: 1 },
  ]);
  const recording = {
    id: 'r',
    label: 0,
    sensor,
    simulated: false,
    async *chunks(): AsyncGenerator<EventChunk> {
      yield chunk;
    },
  };

  it.each([
    ['binary', [48, 48, 2]],
    ['time-surface:tau-micros=100', [48, 48, 2]],
    ['averaged-time-surface:window-micros=100,tau-micros=50', [25, 25, 2]],
    ['voxel-grid:bins=5', [48, 48, 5]],
    ['binary-representation:bits=8', [48, 48, 2]],
  ])('%s is what the network takes, in the feed and in what caches are keyed by', async (text, shape) => {
    const { input, feed, transform, read } = sampleShape({ ...values, representation: text }, sensor, ['a']);
    expect([input.height, input.width, input.channels]).toEqual(shape);
    expect(v.parse(feedSchema, JSON.parse(JSON.stringify(feed)))).toEqual(feed);
    expect(feed.representation).toEqual(parseRepresentation(text));
    expect(transform).toMatchObject({ representation: feed.representation });
    expect((await read(recording)).sample.shape).toEqual([8, ...shape]);
  });

  it('a filter comes before the bins, and may change the sensor', async () => {
    const filter = ['select-polarity:polarity=on', 'crop:x=0,y=0,width=64,height=64'];
    const { feed, transform, read } = sampleShape({ ...values, filter }, sensor, ['a']);
    expect(feed).toMatchObject({ sensor, filters: filter });
    expect(transform).toMatchObject({ filters: filter });
    const { frames } = (await read(recording)).sample;
    expect(frames.reduce((sum, value) => sum + value, 0)).toBe(1);
    expect(() =>
      sampleShape({ ...values, filter: ['crop:x=0,y=0,width=9,height=9'] }, sensor, ['a']),
    ).toThrow("--size: expected at most the sensor's 9 x 9, found 48");
  });

  it('are left out where they are the usual ones', () => {
    const { feed, transform } = sampleShape({ ...values, representation: 'counted', filter: [] }, sensor, [
      'a',
    ]);
    expect(Object.keys({ ...feed, ...transform })).not.toContain('representation');
    expect(Object.keys({ ...feed, ...transform })).not.toContain('filters');
  });

  it('are refused in one line where they are not known', () => {
    expect(() => sampleShape({ ...values, representation: 'voxels' }, sensor, ['a'])).toThrow(
      'representation "voxels": no such representation; expected one of counted, binary, time-surface,',
    );
    expect(() => sampleShape({ ...values, representation: 'voxel-grid' }, sensor, ['a'])).toThrow(
      'representation voxel-grid: expected bins; missing bins',
    );
    expect(() => sampleShape({ ...values, filter: ['crop:x=0'] }, sensor, ['a'])).toThrow(
      'filter crop: expected',
    );
  });
});

describe('trainerOptions', () => {
  const group = {
    ...optimiserOptions({ weightDecay: 0.01, clip: 1, schedule: 'constant', shift: 0 }),
    ...lossOptions(),
  };
  const defaults = Object.fromEntries(
    Object.entries(group).map(([name, option]) => [name, option.default]),
  ) as unknown as Parameters<typeof trainerOptions>[0];
  const options = { ...defaults, lr: 0.1, epochs: 10 };

  it('leaves out what is off', () => {
    expect(trainerOptions({ ...options, clip: 0 })).toStrictEqual({
      optimiser: { kind: 'adamw', learningRate: 0.1, weightDecay: 0.01 },
      schedule: { kind: 'constant' },
    });
  });

  it('passes the loss on', () => {
    const loss = { loss: 'tet', labelSmoothing: 0.1, sparsity: 2, activity: 3, leastRate: 0.2 } as const;
    expect(trainerOptions({ ...options, ...loss })).toMatchObject({
      ...{ kind: 'tet', tetShare: 0.05, labelSmoothing: 0.1, sparsityWeight: 2 },
      ...{ activityWeight: 3, leastRate: 0.2, mostRate: 0.5 },
    });
  });

  it('passes momentum, schedule, clipping and shift on', () => {
    const given = { optimiser: 'sgd', schedule: 'step', scheduleEpochs: 3, shift: 2 } as const;
    expect(trainerOptions({ ...options, ...given })).toStrictEqual({
      optimiser: { kind: 'sgd', learningRate: 0.1, momentum: 0.9, weightDecay: 0.01 },
      schedule: { kind: 'step', epochs: 3, factor: 0.1 },
      clipNorm: 1,
      shift: { pixels: 2 },
    });
    expect(trainerOptions({ ...options, schedule: 'cosine' }).schedule).toStrictEqual({
      kind: 'cosine',
      epochs: 10,
    });
  });
});
