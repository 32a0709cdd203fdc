import * as tf from '@tensorflow/tfjs-core';
import { type Algebra, tensorAlgebra } from '../../engines/kernels/algebra.ts';

/** A value and its derivative by what a formula is a function of. */
export interface Dual {
  readonly value: tf.Tensor;
  /** Absent for constants. */
  readonly slope?: tf.Tensor | undefined;
}

/** Less than any distance to the threshold but 0. */
const LEAST = 1e-30;

/** Arithmetic of tensors that takes their derivatives along (forward differentiation). */
export const dualAlgebra: Algebra<Dual> = {
  constant: (value) => ({ value: tf.scalar(value) }),
  add: (a, b) => ({ value: tf.add(a.value, b.value), slope: sum(a.slope, b.slope) }),
  sub: (a, b) => ({ value: tf.sub(a.value, b.value), slope: sum(a.slope, b.slope && tf.neg(b.slope)) }),
  mul: (a, b) => ({
    value: tf.mul(a.value, b.value),
    slope: sum(times(a.slope, b.value), times(b.slope, a.value)),
  }),
  div: (a, b) => {
    const value = tf.div(a.value, b.value);
    const change = sum(a.slope, b.slope && tf.neg(tf.mul(b.slope, value)));
    return { value, slope: change && tf.div(change, b.value) };
  },
  abs: (a) => {
    const value = tf.abs(a.value);
    // The sign: 0 at 0.
    return { value, slope: times(a.slope, tf.div(a.value, tf.add(value, LEAST))) };
  },
  max: (a, b) => ({
    value: tf.maximum(a.value, b.value),
    slope: chosen(tensorAlgebra.lessEqual(b.value, a.value), a, b),
  }),
  min: (a, b) => ({
    value: tf.minimum(a.value, b.value),
    slope: chosen(tensorAlgebra.lessEqual(a.value, b.value), a, b),
  }),
  sqrt: (a) => {
    const value = tf.sqrt(a.value);
    return { value, slope: a.slope && tf.div(a.slope, tf.mul(value, 2)) };
  },
  exp: (a) => {
    const value = tf.exp(a.value);
    return { value, slope: times(a.slope, value) };
  },
  log: (a) => ({ value: tf.log(a.value), slope: a.slope && tf.div(a.slope, a.value) }),
  less: (a, b) => ({ value: tensorAlgebra.less(a.value, b.value) }),
  lessEqual: (a, b) => ({ value: tensorAlgebra.lessEqual(a.value, b.value) }),
};

function sum(a: tf.Tensor | undefined, b: tf.Tensor | undefined): tf.Tensor | undefined {
  return a === undefined || b === undefined ? (a ?? b) : tf.add(a, b);
}

function times(slope: tf.Tensor | undefined, value: tf.Tensor): tf.Tensor | undefined {
  return slope && tf.mul(slope, value);
}

/** The slope of the first where the condition is 1, else of the second. */
function chosen(first: tf.Tensor, a: Dual, b: Dual): tf.Tensor | undefined {
  return sum(times(a.slope, first), times(b.slope, tf.sub(1, first)));
}
