/**
 * Arithmetic that a formula is written in once and read in several ways: on tensors (the reference form of a
 * kernel), on plain numbers (checks in double precision), and as SIMD instructions (the wasm engine).
 */
import * as tf from '@tensorflow/tfjs-core';

/** Element-wise arithmetic over values of type `T`. Conditions are 0 or 1, so formulas need no branches. */
export interface Algebra<T> {
  constant(value: number): T;
  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T): T;
  div(a: T, b: T): T;
  abs(a: T): T;
  max(a: T, b: T): T;
  min(a: T, b: T): T;
  sqrt(a: T): T;
  exp(a: T): T;
  /** The natural logarithm of a positive number. */
  log(a: T): T;
  /** 1 where a < b, else 0. */
  less(a: T, b: T): T;
  /** 1 where a <= b, else 0. */
  lessEqual(a: T, b: T): T;
}

/** Arithmetic of tensors, by tfjs operations. */
export const tensorAlgebra: Algebra<tf.Tensor> = {
  constant: (value) => tf.scalar(value),
  add: (a, b) => tf.add(a, b),
  sub: (a, b) => tf.sub(a, b),
  mul: (a, b) => tf.mul(a, b),
  div: (a, b) => tf.div(a, b),
  abs: (a) => tf.abs(a),
  max: (a, b) => tf.maximum(a, b),
  min: (a, b) => tf.minimum(a, b),
  sqrt: (a) => tf.sqrt(a),
  exp: (a) => tf.exp(a),
  log: (a) => tf.log(a),
  less: (a, b) => tf.cast(tf.less(a, b), 'float32'),
  lessEqual: (a, b) => tf.cast(tf.lessEqual(a, b), 'float32'),
};

/** Arithmetic of numbers in double precision. */
export const numberAlgebra: Algebra<number> = {
  constant: (value) => value,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  abs: Math.abs,
  max: Math.max,
  min: Math.min,
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  less: (a, b) => (a < b ? 1 : 0),
  lessEqual: (a, b) => (a <= b ? 1 : 0),
};
