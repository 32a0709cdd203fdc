import * as tf from '@tensorflow/tfjs-core';
import { exponentName, type LyapunovEstimator, lyapunovExponents } from '../lyapunov/exponents.ts';
import { traceMembranes } from '../lyapunov/membrane-trace.ts';
import { backpropagate } from './backpropagation.ts';
import type { LearningRule } from './learning-rule.ts';

/** How training draws the Lyapunov exponent towards a target: alpha (lambda - target)^2 is added to the loss. */
export interface LyapunovRegulariser {
  readonly alpha: number;
  readonly target: number;
  readonly estimator: LyapunovEstimator;
  /** Norm of the perturbation. Default 1. */
  readonly epsilon?: number;
  /** Samples of a batch that the exponent is estimated from, its first; absent for all. */
  readonly samples?: number | undefined;
}

/** Backpropagation through time of the loss and of alpha (lambda - target)^2, lambda being the mean over samples. */
export function lyapunovRule({
  alpha,
  target,
  estimator,
  epsilon = 1,
  samples,
}: LyapunovRegulariser): LearningRule {
  return (call) =>
    backpropagate(call, (sequence) => {
      const { network, forward } = call;
      const trace = traceMembranes(network, sequence, forward, samples);
      const { seed = 0, step = 0 } = forward;
      const lambda: tf.Scalar = tf.mean(lyapunovExponents(trace, { estimator, epsilon, seed, draw: step }));
      const penalty: tf.Scalar = tf.mul(tf.square(tf.sub(lambda, target)), alpha);
      return {
        ...{ result: trace.result, penalty, others: trace.tensors },
        quantities: { [exponentName(estimator)]: lambda },
      };
    });
}
