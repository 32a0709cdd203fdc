/**
 * The largest Lyapunov exponent of a network's membranes over time: how fast two runs that differ a little in their
 * potentials part. lambda = mean over samples of (1/T) sum ln(|d_t| / |d_(t-1)|), d_t being the difference of all
 * membranes together after step t, scaled back to its first norm, jointly, after every step.
 *
 * - `perturbation`: d_t is the difference to a perturbed copy of the run, which sees the same input, dropout and batch
 *   statistics. Its norm is of the order of the threshold: where no spike changes, lambda is ln(decay) whatever the
 *   weights.
 * - `tangent`: d_t follows the linear map that the surrogates make of a step.
 *
 * Both are differentiable, by the surrogates.
 */

import * as tf from '@tensorflow/tfjs-core';
import { lif } from '../../engines/kernels/index.ts';
import { OptionError } from '../../errors.ts';
import { RandomStream } from '../../random.ts';
import { meanOverSteps } from '../layers/step-mask.ts';
import { lifTangent } from './lif-tangent.ts';
import type { LayerTrace, MembraneTrace } from './membrane-trace.ts';

/** The ways to estimate an exponent. */
export const lyapunovEstimators = ['perturbation', 'tangent'] as const;

/** A way to estimate an exponent. */
export type LyapunovEstimator = (typeof lyapunovEstimators)[number];

/** Name of an estimate among what is measured of a batch. */
export function exponentName(estimator: LyapunovEstimator): string {
  return `lambda (${estimator})`;
}

/** How an exponent is estimated. */
export interface LyapunovOptions {
  readonly estimator: LyapunovEstimator;
  /** Norm of the perturbation, of each sample over all layers. Default 1. */
  readonly epsilon?: number;
  /** Seed and number of the first difference's direction, which all samples share. Default 0. */
  readonly seed?: number;
  readonly draw?: number;
}

type Membranes = Pick<MembraneTrace, 'layers' | 'batch' | 'steps' | 'lengths'>;

/** The exponent of each sample, [batch]. */
export function lyapunovExponents(trace: Membranes, options: LyapunovOptions): tf.Tensor1D {
  return tf.tidy(() => {
    const direction = directions(trace, options);
    const gains =
      options.estimator === 'tangent'
        ? tangentGains(trace, direction)
        : perturbationGains(trace, direction, options.epsilon ?? 1);
    return meanOverSteps(tf.stack(gains, 1), trace.lengths) as tf.Tensor1D;
  });
}

/** ln(|d_t| / epsilon) of every step, [batch] each, of a perturbed copy of the run. */
function perturbationGains(
  { layers, steps }: Membranes,
  direction: readonly tf.Tensor[],
  epsilon: number,
): tf.Tensor[] {
  const inputs = layers[0]!.inputs();
  let potentials = layers.map((layer, index) =>
    tf.add(layer.potential(-1), tf.mul(direction[index]!, epsilon)),
  );
  return Array.from({ length: steps }, (_, step) => {
    let outputs: tf.Tensor | undefined;
    const differences = layers.map((layer, index) => {
      const input = outputs === undefined ? inputs[step]! : layer.inputFrom(outputs, step);
      const next = lif(tf.expandDims(input, 1), layer.neuron, potentials[index]!);
      outputs = tf.squeeze(next.spikes, [1]);
      return tf.sub(next.state, layer.potential(step));
    });
    const norm = tf.div(normOf(differences), epsilon);
    potentials = differences.map((difference, index) =>
      tf.add(layers[index]!.potential(step), tf.div(difference, norm)),
    );
    return logOf(norm);
  });
}

/** ln |d_t| of every step, [batch] each, by the tangent map. */
function tangentGains({ layers, steps }: Membranes, direction: readonly tf.Tensor[]): tf.Tensor[] {
  const linear = layers.map((layer, index) =>
    index === 0 ? undefined : linearPart(layer, layers[index - 1]!),
  );
  const inputs = layers.map((layer) => once(layer.inputs));
  let changes = [...direction];
  return Array.from({ length: steps }, (_, step) => {
    let outputs: tf.Tensor | undefined;
    const next = layers.map((layer, index) => {
      const at = {
        input: () => inputs[index]!()[step]!,
        before: layer.potential(step - 1),
        after: layer.potential(step),
      };
      const input = outputs === undefined ? undefined : linear[index]!(outputs, step);
      const tangent = lifTangent(layer.neuron, at, { input, potential: changes[index]! });
      outputs = tangent.spikes;
      return tangent.potential;
    });
    const norm = normOf(next);
    changes = next.map((change) => tf.div(change, norm));
    return logOf(norm);
  });
}

/** What a function gave when it was first called. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** What an affine map makes of a difference: its value there less that at zero. */
function linearPart(layer: LayerTrace, before: LayerTrace): LayerTrace['inputFrom'] {
  if (!layer.affine) {
    throw new OptionError(
      `lyapunov: the tangent estimator needs affine layers between neurons, found others before ${layer.name}`,
    );
  }
  const zero = tf.zeros([1, before.potential(-1).shape[1]!]);
  return (difference, step) => tf.sub(layer.inputFrom(difference, step), layer.inputFrom(zero, step));
}

/** Norm of each sample over all layers, [batch, 1]. */
function normOf(parts: readonly tf.Tensor[]): tf.Tensor {
  const squares = parts.map((part) => tf.sum(tf.square(part), 1, true));
  // The floor keeps the logarithm, and the root's gradient, finite where nothing is left of a difference.
  return tf.sqrt(tf.add(tf.addN(squares), FLOOR));
}

const FLOOR = 1e-24;

function logOf(norm: tf.Tensor): tf.Tensor {
  return tf.squeeze(tf.log(norm), [1]);
}

/** A random direction over all membranes, of norm 1, the same for every sample: [batch, neurons] by layer. */
function directions({ layers, batch }: Membranes, { seed = 0, draw = 0 }: LyapunovOptions): tf.Tensor[] {
  const values = layers.map(({ name, features }) => {
    const random = new RandomStream(seed, `lyapunov/${draw}/${name}`);
    const size = features.reduce((product, side) => product * side, 1);
    return Float32Array.from({ length: size }, (_, index) => random.normal(index));
  });
  const square = values.reduce((sum, part) => part.reduce((total, value) => total + value * value, sum), 0);
  const scale = 1 / Math.sqrt(square);
  return values.map((part) => {
    const row = part.map((value) => value * scale);
    return tf.tile(tf.tensor2d(row, [1, row.length]), [batch, 1]);
  });
}
