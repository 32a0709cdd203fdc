/**
 * Surrogate gradients: what stands for the derivative of the spike's step. All are an amplitude times a shape of the
 * scaled distance to the threshold, so two of them can be compared at equal peak or equal area. Formulas and names
 * are those of Zenke and Vogels (2021), snnTorch and SpikingJelly; presets are in `models/surrogates.ts`.
 */
import * as tf from '@tensorflow/tfjs-core';

/** A surrogate derivative: amplitude * shape(slope * (potential - threshold)). */
export interface Surrogate {
  readonly kind: SurrogateKind;
  readonly amplitude: number;
  readonly slope: number;
}

interface Shape {
  /** Replaces each distance z by the shape's value. */
  readonly loop: (values: Float32Array, count: number, amplitude: number, slope: number) => void;
  /** The same in tfjs operations, of the scaled distance. */
  readonly tensor: (z: tf.Tensor) => tf.Tensor;
}

/** The shapes. Each loop is a function of its own, so that nothing inside it depends on the shape. */
const shapes = {
  /** 1 / (1 + z^2), the derivative of the arcus tangent. */
  atan: {
    loop: (values, count, amplitude, slope) => {
      for (let i = 0; i < count; i++) {
        const z = slope * values[i]!;
        values[i] = amplitude / (1 + z * z);
      }
    },
    tensor: (z) => tf.div(1, tf.add(1, tf.square(z))),
  },
  /** 1 / (1 + |z|)^2. */
  fastSigmoid: {
    loop: (values, count, amplitude, slope) => {
      for (let i = 0; i < count; i++) {
        const z = 1 + Math.abs(slope * values[i]!);
        values[i] = amplitude / (z * z);
      }
    },
    tensor: (z) => tf.div(1, tf.square(tf.add(1, tf.abs(z)))),
  },
  /** s (1 - s) with s the logistic function. */
  sigmoid: {
    loop: (values, count, amplitude, slope) => {
      for (let i = 0; i < count; i++) {
        // Of -|z|, where the exponential cannot overflow; the shape is even.
        const e = Math.exp(-Math.abs(slope * values[i]!));
        values[i] = (amplitude * e) / ((1 + e) * (1 + e));
      }
    },
    tensor: (z) => {
      const e = tf.exp(tf.neg(tf.abs(z)));
      return tf.div(e, tf.square(tf.add(1, e)));
    },
  },
  /** max(0, 1 - |z|). */
  triangle: {
    loop: (values, count, amplitude, slope) => {
      for (let i = 0; i < count; i++) {
        values[i] = amplitude * Math.max(0, 1 - Math.abs(slope * values[i]!));
      }
    },
    tensor: (z) => tf.maximum(0, tf.sub(1, tf.abs(z))),
  },
  /** 1 where |z| < 1. */
  rectangle: {
    loop: (values, count, amplitude, slope) => {
      for (let i = 0; i < count; i++) {
        values[i] = Math.abs(slope * values[i]!) < 1 ? amplitude : 0;
      }
    },
    tensor: (z) => tf.cast(tf.less(tf.abs(z), 1), 'float32'),
  },
  /** exp(-z^2). */
  gaussian: {
    loop: (values, count, amplitude, slope) => {
      for (let i = 0; i < count; i++) {
        const z = slope * values[i]!;
        values[i] = amplitude * Math.exp(-z * z);
      }
    },
    tensor: (z) => tf.exp(tf.neg(tf.square(z))),
  },
  /** exp(-|z|). */
  exponential: {
    loop: (values, count, amplitude, slope) => {
      for (let i = 0; i < count; i++) values[i] = amplitude * Math.exp(-Math.abs(slope * values[i]!));
    },
    tensor: (z) => tf.exp(tf.neg(tf.abs(z))),
  },
  /** 1, the straight-through estimator. */
  constant: {
    loop: (values, count, amplitude) => {
      values.fill(amplitude, 0, count);
    },
    tensor: (z) => tf.onesLike(z),
  },
  /** 1 below the threshold, -1 from it on: what snnTorch calls triangular. */
  sign: {
    loop: (values, count, amplitude, slope) => {
      for (let i = 0; i < count; i++) values[i] = slope * values[i]! < 0 ? amplitude : -amplitude;
    },
    tensor: (z) => tf.sub(tf.mul(2, tf.cast(tf.less(z, 0), 'float32')), 1),
  },
} satisfies Record<string, Shape>;

/** The name of a surrogate's shape. */
export type SurrogateKind = keyof typeof shapes;

/** All shapes' names. */
export const surrogateKinds: readonly SurrogateKind[] = Object.keys(shapes) as SurrogateKind[];

/** Replaces the first `count` distances to the threshold by the surrogate derivative there. */
export function surrogateInPlace(surrogate: Surrogate, distances: Float32Array, count: number): void {
  shapes[surrogate.kind].loop(distances, count, surrogate.amplitude, surrogate.slope);
}

/** The surrogate derivative at a distance to the threshold, in plain tfjs operations. */
export function surrogateOf(surrogate: Surrogate, distance: tf.Tensor): tf.Tensor {
  const shape: Shape = shapes[surrogate.kind];
  return tf.mul(surrogate.amplitude, shape.tensor(tf.mul(surrogate.slope, distance)));
}
