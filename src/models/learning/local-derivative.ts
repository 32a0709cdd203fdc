import * as tf from '@tensorflow/tfjs-core';
import { tensorAlgebra } from '../../engines/kernels/algebra.ts';
import { type Surrogate, surrogateDerivative } from '../../engines/kernels/index.ts';

/** What stands for the derivative of a layer's spikes by its weights. */
export type LocalDerivative =
  /** The neurons' own surrogate at the potential, and the presynaptic trace. */
  | { kind: 'trace' }
  /** A surrogate at the drive x W + b, as if it were the potential, and the presynaptic spike. */
  | { kind: 'drive'; surrogate: Surrogate }
  /** The derivative of a LIF neuron's firing rate by a constant drive; times in milliseconds. */
  | { kind: 'rate'; tau: number; refractory: number };

/**
 * The gradient of the drive where only the drive counts.
 * @param drive [batch, steps, units]
 * @param outputGradient of the same shape
 */
export function localDrive(
  derivative: Exclude<LocalDerivative, { kind: 'trace' }>,
  drive: tf.Tensor,
  threshold: number,
  outputGradient: tf.Tensor,
): tf.Tensor {
  return tf.tidy(() => {
    const slope =
      derivative.kind === 'rate'
        ? rateDerivative(drive, threshold, derivative)
        : surrogateDerivative(tensorAlgebra, derivative.surrogate, tf.sub(drive, threshold));
    return tf.mul(outputGradient, slope);
  });
}

/** Keeps divisions finite where the drive meets the threshold. */
const EPSILON = 1e-8;

/**
 * For a drive a above the threshold h: h t tau / (a (a - h)) / (t + tau ln(a / (a - h)))^2 with the refractory period t;
 * 0 below, where the neuron never fires (snn definitions 3.5).
 */
function rateDerivative(
  drive: tf.Tensor,
  threshold: number,
  { tau, refractory }: { readonly tau: number; readonly refractory: number },
): tf.Tensor {
  const above = tf.maximum(tf.sub(drive, threshold), EPSILON);
  const a = tf.add(above, threshold);
  const interval = tf.add(tf.mul(tf.log(tf.div(a, above)), tau), refractory);
  const slope = tf.div(threshold * refractory * tau, tf.mul(tf.mul(a, above), tf.square(interval)));
  return tf.mul(slope, tf.cast(tf.greater(drive, threshold), 'float32'));
}
