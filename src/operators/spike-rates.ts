import { map, type OperatorFunction } from 'rxjs';
import type { Prediction } from './predict.ts';

/** Share of spikes by layer in one window. */
export type SpikeRates = Pick<Prediction, 'startMicros' | 'endMicros' | 'rates'>;

/** The spike rate of each layer for each window. */
export function spikeRates(): OperatorFunction<Prediction, SpikeRates> {
  return map(({ startMicros, endMicros, rates }) => ({ startMicros, endMicros, rates }));
}
