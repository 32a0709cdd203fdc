import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engines/engine.ts';
import { ShapeError } from '../../src/errors.ts';
import { createNetwork } from '../../src/models/network.ts';
import { ssnnConfig } from '../../src/models/networks/ssnn.ts';
import { createPredictor, type PredictorOutput, type PredictorWindow } from '../../src/models/predictor.ts';
import { randomTensor } from './tensors.ts';

beforeAll(async () => {
  await startEngine('cpu');
});

const config = ssnnConfig({
  input: { height: 8, width: 8, channels: 2 },
  classes: 3,
  timesteps: [4, 2],
  channels: [4, 4],
});
const classNames = ['a', 'b', 'c'];

async function windowsOf(count: number): Promise<PredictorWindow[]> {
  const frames = (await tf.relu(randomTensor([count, 4, 8, 8, 2], 'frames', 3)).data()) as Float32Array;
  const size = 4 * 8 * 8 * 2;
  return Array.from({ length: count }, (_, i) => ({
    frames: frames.slice(i * size, (i + 1) * size),
    startMicros: 1000 * i,
    endMicros: 1000 * (i + 1),
    events: i,
    bins: 4,
  }));
}

describe('createPredictor', () => {
  it('predicts window by window what the network says of the whole sequence, without leaking', async () => {
    const network = createNetwork(config, 1);
    const predictor = createPredictor(network, { classNames });
    const windows = await windowsOf(3);
    const sequence = tf.tensor(
      windows.flatMap(({ frames }) => [...frames]),
      [1, 12, 8, 8, 2],
    );
    const whole = (await network.forward(sequence).output.data()) as Float32Array;
    const before = tf.memory().numTensors;
    let state: Awaited<ReturnType<typeof predictor.step>>['state'] | undefined;
    for (const [index, window] of windows.entries()) {
      const result = await predictor.step(window, state);
      if (state !== undefined) predictor.disposeState(state);
      state = result.state;
      const { probabilities, probability, margin, classIndex, className, rates, ...rest } = result.prediction;
      const powers = [...whole.slice(3 * index, 3 * index + 3)].map(Math.exp);
      const sum = powers.reduce((total, power) => total + power);
      powers.forEach((power, i) => {
        expect(probabilities[i]).toBeCloseTo(power / sum, 12);
      });
      expect(probability).toBe(Math.max(...probabilities));
      expect(probabilities[classIndex]).toBe(probability);
      expect(margin).toBe(probability - [...probabilities].sort((a: number, b: number) => b - a)[1]!);
      expect(className).toBe(classNames[classIndex]);
      expect(Object.keys(rates)).toStrictEqual(['stage1', 'stage2']);
      expect(rates['stage1']).toBeGreaterThan(0);
      expect(rest).toStrictEqual({ startMicros: 1000 * index, endMicros: 1000 * (index + 1), events: index });
    }
    predictor.disposeState(state!);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('predicts a batch of streams as each alone, with what each did', async () => {
    const network = createNetwork(config, 1);
    const { step, stepBatch } = createPredictor(network, { classNames });
    const [first, second, third] = (await windowsOf(3)) as [
      PredictorWindow,
      PredictorWindow,
      PredictorWindow,
    ];
    const streams = [
      [first, second],
      [third, { ...first, bins: 3 }],
    ] as const;
    const alone: PredictorOutput[][] = [];
    for (const windows of streams) {
      const { prediction, state } = await step(windows[0]);
      alone.push([prediction, (await step(windows[1], state)).prediction]);
    }
    const begun = await stepBatch(streams.map(([window]) => window));
    const next = await stepBatch(
      streams.map(([, window]) => window),
      begun.state,
      { operations: true },
    );
    expect(begun.measures).toBeUndefined();
    for (const stream of [0, 1]) {
      [begun, next].forEach(({ predictions }, index) => {
        const { probabilities, rates, ...rest } = predictions[stream]!;
        const expected = alone[stream]![index]!;
        probabilities.forEach((p: number, i: number) => {
          expect(p).toBeCloseTo(expected.probabilities[i]!, 6);
        });
        for (const [layer, rate] of Object.entries(expected.rates)) expect(rates[layer]).toBeCloseTo(rate, 6);
        expect(rest).toMatchObject({ classIndex: expected.classIndex, events: expected.events });
      });
      expect(next.measures![stream]!.operations!.multiplies).toBeGreaterThan(0);
    }
  });

  it('counts only real bins in the rates', async () => {
    const network = createNetwork(config, 1);
    const { step } = createPredictor(network, { classNames });
    const [window] = (await windowsOf(1)) as [PredictorWindow];
    const { prediction } = await step({ ...window, bins: 2 });
    const seen: tf.Tensor[] = [];
    network.forward(tf.tensor(window.frames, [1, 4, 8, 8, 2]), {
      probe: (name, output) => {
        if (name === 'stage1') seen.push(tf.keep(tf.clone(output)));
      },
    });
    const real = tf.mean(tf.slice(seen[0]!, [0, 0, 0, 0, 0], [1, 2, 8, 8, 4]));
    expect(prediction.rates['stage1']).toBeCloseTo((await real.data())[0]!, 6);
  });

  it('wants a name for every class', () => {
    const network = createNetwork(config, 1);
    expect(() => createPredictor(network, { classNames: ['a'] })).toThrow(ShapeError);
  });
});
