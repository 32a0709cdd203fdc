import * as tf from '@tensorflow/tfjs-core';
import { RandomStream } from '../../random.ts';
import type { Parameter } from './layer.ts';

/** A trainable parameter from its initial values. */
export function createParameter(name: string, shape: number[], values: Float32Array): Parameter {
  return { name, variable: createVariable(shape, values), trainable: true, decay: true };
}

/** A running statistic: saved with the network, never trained. */
export function createBuffer(name: string, shape: number[], value: number): Parameter {
  const values = new Float32Array(sizeOf(shape)).fill(value);
  return { name, variable: createVariable(shape, values), trainable: false, decay: false };
}

function createVariable(shape: number[], values: Float32Array): tf.Variable {
  const initial = tf.tensor(values, shape, 'float32');
  const variable = tf.variable(initial);
  initial.dispose();
  return variable;
}

/** A shape's number of elements. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/** The same value everywhere. */
export function constantValues(shape: readonly number[], value: number): Float32Array {
  return new Float32Array(sizeOf(shape)).fill(value);
}

/** Uniform in [-bound, bound), from the numbers of the stream that bears the parameter's name. */
export function uniformValues(
  shape: readonly number[],
  bound: number,
  seed: number,
  name: string,
): Float32Array {
  const random = new RandomStream(seed, name);
  return Float32Array.from({ length: sizeOf(shape) }, (_, i) => bound * (2 * random.uniform(i) - 1));
}

/** Normal with mean 0, from the numbers of the stream that bears the parameter's name. */
export function normalValues(
  shape: readonly number[],
  deviation: number,
  seed: number,
  name: string,
): Float32Array {
  const random = new RandomStream(seed, name);
  return Float32Array.from({ length: sizeOf(shape) }, (_, i) => deviation * random.normal(i));
}

/**
 * PyTorch's default for the weights and biases of linear and convolution layers: uniform within 1 / sqrt(fan in)
 * (Kaiming uniform with a = sqrt 5).
 */
export function defaultValues(
  shape: readonly number[],
  fanIn: number,
  seed: number,
  name: string,
): Float32Array {
  return uniformValues(shape, 1 / Math.sqrt(fanIn), seed, name);
}
