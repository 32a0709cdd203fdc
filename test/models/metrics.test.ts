import { describe, expect, it } from 'vitest';
import { ConfusionCounter, MetricsAccumulator, type StepMetrics } from '../../src/models/metrics.ts';

const steps: StepMetrics[] = [
  {
    samples: 3,
    loss: 0.7,
    correct: 1,
    rates: { a: { rate: 0.1, elements: 100 }, b: { rate: 0.5, elements: 10 } },
    labels: Int32Array.of(0, 1, 2),
    predicted: Int32Array.of(2, 1, 1),
  },
  {
    samples: 1,
    loss: 0.1,
    correct: 1,
    rates: { a: { rate: 0.3, elements: 50 }, b: { rate: 0.1, elements: 5 } },
    labels: Int32Array.of(0),
    predicted: Int32Array.of(0),
  },
];

describe('MetricsAccumulator', () => {
  it('weighs samples and outputs once each', () => {
    const metrics = new MetricsAccumulator();
    for (const step of steps) metrics.add(step);
    const { samples, loss, accuracy, spikeRate, layerRates } = metrics.result();
    expect(samples).toBe(4);
    expect(loss).toBeCloseTo((3 * 0.7 + 0.1) / 4, 14);
    expect(accuracy).toBe(0.5);
    expect(layerRates['a']).toBeCloseTo(25 / 150, 14);
    expect(layerRates['b']).toBeCloseTo(5.5 / 15, 14);
    expect(spikeRate).toBeCloseTo(30.5 / 165, 14);
  });

  it('goes on from its JSON with the same bits', () => {
    const whole = new MetricsAccumulator();
    for (const step of steps) whole.add(step);
    const first = new MetricsAccumulator();
    first.add(steps[0]!);
    const second = new MetricsAccumulator(JSON.parse(JSON.stringify(first.state())));
    second.add(steps[1]!);
    expect(second.result()).toStrictEqual(whole.result());
  });

  it('is zero of nothing', () => {
    expect(new MetricsAccumulator().result()).toStrictEqual({
      samples: 0,
      loss: 0,
      accuracy: 0,
      spikeRate: 0,
      layerRates: {},
    });
  });
});

describe('ConfusionCounter', () => {
  it('counts samples by class and class found', () => {
    const confusion = new ConfusionCounter(3);
    for (const step of steps) confusion.add(step);
    expect(confusion.matrix()).toStrictEqual([
      [1, 0, 1],
      [0, 1, 0],
      [0, 1, 0],
    ]);
  });
});
