import * as tf from '@tensorflow/tfjs-core';
import type { EvaluationRun } from '../trainer.ts';
import { exponentName, lyapunovEstimators, lyapunovExponents } from './exponents.ts';
import { traceMembranes } from './membrane-trace.ts';

/**
 * An evaluation that also estimates the exponent of every batch, by both estimators.
 * @param options epsilon: norm of the perturbation, default 1; samples: how many of a batch are followed, default all
 */
export function evaluateExponents({
  epsilon = 1,
  seed = 0,
  samples,
}: {
  readonly epsilon?: number;
  readonly seed?: number;
  readonly samples?: number | undefined;
}): EvaluationRun {
  return (network, sequence, forward) => {
    let kept: readonly tf.Tensor[] = [];
    const run = tf.tidy(() => {
      const { result, ...trace } = traceMembranes(network, sequence, forward, samples);
      kept = trace.tensors;
      const estimates = lyapunovEstimators.map((estimator) => {
        const exponents = lyapunovExponents(trace, { estimator, epsilon, seed });
        return [exponentName(estimator), tf.mean<tf.Scalar>(exponents)];
      });
      const quantities: Record<string, tf.Scalar> = Object.fromEntries(estimates);
      const evaluated = { result, quantities };
      return evaluated as typeof evaluated & tf.TensorContainerObject;
    });
    tf.dispose([...kept]);
    return run;
  };
}
