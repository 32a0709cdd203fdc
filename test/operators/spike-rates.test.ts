import { from, lastValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { type Prediction, type SpikeRates, spikeRates } from '../../src/operators/index.ts';
import { describeOperatorCases } from './operator-cases.ts';
import { prediction } from './prediction-cases.ts';

describeOperatorCases<Prediction, SpikeRates>('spikeRates', {
  create: spikeRates,
  values: [prediction, prediction, prediction],
  outputs: { empty: 0, one: 1, many: 3 },
});

it('spikeRates: the rates and when they were', async () => {
  expect(await lastValueFrom(from([prediction]).pipe(spikeRates()))).toStrictEqual({
    startMicros: 10,
    endMicros: 20,
    rates: { stage1: 0.1, stage2: 0.02 },
  });
});
