/** Running averages, as normalisation keeps them, all of them in one kernel. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { defineElementwise, type Elementwise } from './elementwise.ts';

/** An average and what it is moved towards, of the same shape. */
export interface AverageStep {
  readonly average: Tensor;
  readonly value: Tensor;
}

/**
 * The averages after a step: average (1 - share) + value share.
 * @param share how far an average moves, from 0 to 1
 */
export function runningAverages(steps: readonly AverageStep[], share: number): Tensor[] {
  const numbers = { kept: 1 - share, share };
  const uses = steps.map(({ average, value }) => ({ inputs: { average, value }, numbers }));
  return averages.runAll(uses).map(([moved]) => moved!);
}

const averages: Elementwise<'average' | 'value', 'kept' | 'share'> = defineElementwise({
  name: 'RunningAverage',
  inputs: ['average', 'value'],
  outputs: 1,
  numbers: ['kept', 'share'],
  formula: (m, { average, value }, { kept, share }) => [m.add(m.mul(average, kept), m.mul(value, share))],
});
