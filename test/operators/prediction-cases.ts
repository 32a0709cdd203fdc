import type { Prediction } from '../../src/operators/index.ts';

/** What a window gave. */
export const prediction: Prediction = {
  startMicros: 10,
  endMicros: 20,
  classIndex: 1,
  className: 'dog',
  probability: 0.75,
  margin: 0.5,
  probabilities: [0.25, 0.75],
  rates: { stage1: 0.1, stage2: 0.02 },
  events: 99,
};
