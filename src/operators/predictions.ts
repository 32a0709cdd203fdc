import { map, type OperatorFunction } from 'rxjs';
import type { Prediction } from './predict.ts';

/** A prediction without the spike rates. */
export type ClassPrediction = Omit<Prediction, 'rates'>;

/** What is predicted for each window, without the spike rates. */
export function predictions(): OperatorFunction<Prediction, ClassPrediction> {
  return map(({ rates: _, ...prediction }) => prediction);
}
