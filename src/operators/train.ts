import type { RecordBatch } from 'apache-arrow';
import { concatMap, type OperatorFunction } from 'rxjs';

/**
 * Trains on one batch after the other, strictly one at a time, and emits what each step reports. Batches that come
 * while a step runs wait here: bound them upstream, by `inFlight(limit, load, train(trainStep))`.
 */
export function train<Batch = RecordBatch, Metrics = unknown>(
  trainStep: (batch: Batch) => Promise<Metrics>,
): OperatorFunction<Batch, Metrics> {
  return concatMap((batch) => trainStep(batch));
}
