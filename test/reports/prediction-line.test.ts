import { describe, expect, it } from 'vitest';
import { livePredictionLine, predictionLine } from '../../src/reports/prediction-line.ts';

const prediction = {
  startMicros: 2_010_000,
  endMicros: 2_020_000,
  className: 'walk',
  probability: 0.934,
  rates: { lif1: 0.02, lif2: 0.113 },
  events: 1234,
};
const layout = { firstMicros: 2_000_000, nameWidth: 6 };

describe('predictionLine', () => {
  it('shows time, class, events and spikes', () => {
    expect(predictionLine(prediction, layout)).toBe(
      '   0.010 to   0.020 s   walk    93.4%      1234 events   spikes lif1  2.0%  lif2 11.3%',
    );
  });
});

describe('livePredictionLine', () => {
  const live = { ...prediction, camera: 'sim:', decisionName: null, latencyMillis: 1.26, merged: 1 };

  it('shows the decision and the latency besides', () => {
    expect(livePredictionLine(live, { ...layout, cameraWidth: 0 })).toBe(
      '   0.010 to   0.020 s   walk    93.4%      1234 events   decided -           1.3 ms   spikes lif1  2.0%  lif2 11.3%',
    );
  });

  it('names the camera, counts operations, and says what was merged', () => {
    const full = { ...live, decisionName: 'run', merged: 3, operationsPerSecond: 12_345_678 };
    expect(livePredictionLine(full, { ...layout, cameraWidth: 6 })).toBe(
      'sim:        0.010 to   0.020 s   walk    93.4%      1234 events   decided run         1.3 ms      12.3 Mop/s   spikes lif1  2.0%  lif2 11.3%   3 windows merged',
    );
  });
});
