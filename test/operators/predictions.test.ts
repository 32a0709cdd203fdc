import { from, lastValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { type ClassPrediction, type Prediction, predictions } from '../../src/operators/index.ts';
import { describeOperatorCases } from './operator-cases.ts';
import { prediction } from './prediction-cases.ts';

describeOperatorCases<Prediction, ClassPrediction>('predictions', {
  create: predictions,
  values: [prediction, prediction, prediction],
  outputs: { empty: 0, one: 1, many: 3 },
});

it('predictions: all but the spike rates', async () => {
  const { rates: _, ...rest } = prediction;
  expect(await lastValueFrom(from([prediction]).pipe(predictions()))).toStrictEqual(rest);
});
