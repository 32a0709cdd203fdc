import { from, lastValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { type ClassPrediction, type Prediction, predictions } from '../../src/operators/index.ts';
import { describeOperatorCases } from './operator-cases.ts';

const prediction: Prediction = {
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

describeOperatorCases<Prediction, ClassPrediction>('predictions', {
  create: predictions,
  values: [prediction, prediction, prediction],
  outputs: { empty: 0, one: 1, many: 3 },
});

it('predictions: all but the spike rates', async () => {
  const { rates: _, ...rest } = prediction;
  expect(await lastValueFrom(from([prediction]).pipe(predictions()))).toStrictEqual(rest);
});
