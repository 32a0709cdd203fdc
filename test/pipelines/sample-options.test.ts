import { describe, expect, it } from 'vitest';
import { binningOptions, sampleShape } from '../../pipelines/training/binning-options.ts';
import { lossOptions } from '../../pipelines/training/loss-options.ts';
import { optimiserOptions, trainerOptions } from '../../pipelines/training/optimiser-options.ts';

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
