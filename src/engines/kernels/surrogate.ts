/**
 * Surrogate gradients: what stands for the derivative of the spike's step. All are an amplitude times a shape of the
 * scaled distance to the threshold, so two of them can be compared at equal peak or equal area. Presets by the names
 * of the literature and the libraries are in `models/surrogates.ts`.
 */
import type { Algebra } from './algebra.ts';

/** A surrogate derivative: amplitude * shape(slope * (potential - threshold)). */
export interface Surrogate {
  readonly kind: SurrogateKind;
  readonly amplitude: number;
  readonly slope: number;
  /** A number that the shape itself has: of `rate` the refractory period over the time constant. Default 1. */
  readonly shape?: number;
}

/** The name of a surrogate's shape. */
export type SurrogateKind =
  | 'atan'
  | 'fastSigmoid'
  | 'sigmoid'
  | 'triangle'
  | 'rectangle'
  | 'gaussian'
  | 'exponential'
  | 'constant'
  | 'sign'
  | 'rate';

/** The least distance at which the rate's derivative is taken: it has no limit at the threshold. */
const NEAREST = 2 ** -20;

/** The shapes, as functions of the scaled distance z and of the surrogate's own number. */
const shapes: Record<SurrogateKind, <T>(m: Algebra<T>, z: T, shape: number) => T> = {
  /** 1 / (1 + z^2), the derivative of the arcus tangent. */
  atan: (m, z) => m.div(m.constant(1), m.add(m.constant(1), m.mul(z, z))),
  /** 1 / (1 + |z|)^2. */
  fastSigmoid: (m, z) => {
    const root = m.div(m.constant(1), m.add(m.constant(1), m.abs(z)));
    return m.mul(root, root);
  },
  /** s (1 - s) with s the logistic function; even, so taken of -|z|, where nothing overflows. */
  sigmoid: (m, z) => {
    const e = m.exp(m.sub(m.constant(0), m.abs(z)));
    const sum = m.add(m.constant(1), e);
    return m.div(e, m.mul(sum, sum));
  },
  /** max(0, 1 - |z|). */
  triangle: (m, z) => m.max(m.constant(0), m.sub(m.constant(1), m.abs(z))),
  /** 1 where |z| < 1. */
  rectangle: (m, z) => m.less(m.abs(z), m.constant(1)),
  /** exp(-z^2). */
  gaussian: (m, z) => m.exp(m.sub(m.constant(0), m.mul(z, z))),
  /** exp(-|z|). */
  exponential: (m, z) => m.exp(m.sub(m.constant(0), m.abs(z))),
  /** 1, the straight-through estimator. */
  constant: (m, z) => m.add(m.constant(1), m.mul(z, m.constant(0))),
  /** 1 below the threshold, -1 from it on: what snnTorch calls triangular. */
  sign: (m, z) => m.sub(m.mul(m.constant(2), m.less(z, m.constant(0))), m.constant(1)),
  /** r / (z (1 + z) (r + ln(1 + 1 / z))^2) above the threshold, 0 below: how a LIF neuron's rate grows with its drive. */
  rate: (m, z, shape) => {
    const away = m.max(z, m.constant(NEAREST));
    const above = m.add(m.constant(1), away);
    const period = m.add(m.constant(shape), m.log(m.div(above, away)));
    const slope = m.div(m.constant(shape), m.mul(m.mul(away, above), m.mul(period, period)));
    return m.mul(m.less(m.constant(0), z), slope);
  },
};

/** All shapes' names. */
export const surrogateKinds: readonly SurrogateKind[] = Object.keys(shapes) as SurrogateKind[];

/** The surrogate derivative at a distance to the threshold. */
export function surrogateDerivative<T>(
  m: Algebra<T>,
  { kind, amplitude, slope, shape = 1 }: Surrogate,
  distance: T,
): T {
  const z = slope === 1 ? distance : m.mul(m.constant(slope), distance);
  const value = shapes[kind](m, z, shape);
  return amplitude === 1 ? value : m.mul(m.constant(amplitude), value);
}
