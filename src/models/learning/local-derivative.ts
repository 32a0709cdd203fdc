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
    const surrogate =
      derivative.kind === 'rate' ? rateSurrogate(threshold, derivative) : derivative.surrogate;
    const slope = surrogateDerivative(tensorAlgebra, surrogate, tf.sub(drive, threshold));
    return tf.mul(outputGradient, slope);
  });
}

/** How a LIF neuron's rate grows with a drive that stays (snn definitions 3.5); 0 below the threshold. */
function rateSurrogate(
  threshold: number,
  { tau, refractory }: { readonly tau: number; readonly refractory: number },
): Surrogate {
  return { kind: 'rate', amplitude: 1 / threshold, slope: 1 / threshold, shape: refractory / tau };
}
