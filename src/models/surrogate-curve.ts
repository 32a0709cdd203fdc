import { numberAlgebra } from '../engines/kernels/algebra.ts';
import { type Surrogate, surrogateDerivative } from '../engines/kernels/surrogate.ts';

/** A surrogate as curves over the distance x to the threshold. */
export interface SurrogateCurve {
  readonly x: readonly number[];
  /** What stands for the derivative of the spike. */
  readonly derivative: readonly number[];
  /** The function that has this derivative: 1/2 at the threshold, or 0 where nothing below it counts. */
  readonly value: readonly number[];
  /** Largest derivative. */
  readonly peak: number;
  /** Integral of the derivative between the ends. */
  readonly area: number;
}

/** Steps of the integral between two points. */
const SUBSTEPS = 32;

/**
 * Samples a surrogate from -range to range.
 * @param points how many, odd, so that 0 is one of them
 */
export function surrogateCurve(surrogate: Surrogate, range: number, points: number): SurrogateCurve {
  const middle = (points - 1) / 2;
  const x = Array.from({ length: points }, (_, index) => (range * (index - middle)) / middle);
  const at = (distance: number): number => surrogateDerivative(numberAlgebra, surrogate, distance);
  const derivative = x.map(at);
  const width = range / middle;
  // By midpoints, which meet no step of a surrogate that has some.
  const gains = x.slice(1).map((end) => {
    let sum = 0;
    for (let step = 0; step < SUBSTEPS; step++) sum += at(end - width + (width * (step + 0.5)) / SUBSTEPS);
    return (sum * width) / SUBSTEPS;
  });
  const below = gains.slice(0, middle).reduce((sum, gain) => sum + gain, 0);
  let level = (below === 0 ? 0 : 0.5) - below;
  const value = [level];
  for (const gain of gains) {
    level += gain;
    value.push(level);
  }
  return {
    x,
    derivative,
    value: value.map(withoutNoise),
    peak: Math.max(...derivative),
    area: withoutNoise(gains.reduce((sum, gain) => sum + gain, 0)),
  };
}

/** A sum that is 0 but for rounding becomes 0. */
function withoutNoise(value: number): number {
  return Number(value.toFixed(9)) + 0;
}
