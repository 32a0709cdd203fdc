import { from, lastValueFrom, toArray } from 'rxjs';
import { expect, it } from 'vitest';
import {
  type ClassPrediction,
  type Prediction,
  predictions,
  type SpikeRates,
  spikeRates,
} from '../../src/operators/index.ts';
import { describeOperatorCases } from './operator-cases.ts';

const prediction: Prediction = {
  startMicros: 10,
  endMicros: 20,
  classIndex: 1,
  className: 'dog',
  probability: 0.75,
  probabilities: [0.25, 0.75],
  rates: { stage1: 0.1, stage2: 0.02 },
  events: 99,
};
const three = { values: [prediction, prediction, prediction], outputs: { empty: 0, one: 1, many: 3 } };

describeOperatorCases<Prediction, ClassPrediction>('predictions', { create: predictions, ...three });
describeOperatorCases<Prediction, SpikeRates>('spikeRates', { create: spikeRates, ...three });

it('splits what a network says into what it predicts and how it spikes', async () => {
  const { rates, ...rest } = prediction;
  expect(await lastValueFrom(from([prediction]).pipe(predictions(), toArray()))).toStrictEqual([rest]);
  expect(await lastValueFrom(from([prediction]).pipe(spikeRates(), toArray()))).toStrictEqual([
    { startMicros: 10, endMicros: 20, rates },
  ]);
});
