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
import { type LifCourse, lifTangent } from './lif-tangent.ts';
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
    return meanOverSteps(gains, trace.lengths) as tf.Tensor1D;
  });
}

/** ln(|d_t| / epsilon) of every step, [batch, steps], of a perturbed copy of the run. */
function perturbationGains(
  { layers }: Membranes,
  direction: readonly tf.Tensor[],
  epsilon: number,
): tf.Tensor {
  const inputs = tf.unstack(layers[0]!.inputs(), 1);
  const maps = layers.map((layer) => layer.inputMap());
  const courses = layers.map(({ potentials }) => tf.unstack(potentials, 1));
  let potentials = layers.map(({ first }, index) => tf.add(first, tf.mul(direction[index]!, epsilon)));
  const gains = inputs.map((seen, step) => {
    let outputs: tf.Tensor | undefined;
    const differences = layers.map(({ neuron }, index) => {
      const input = outputs === undefined ? tf.expandDims(seen, 1) : maps[index]!(outputs, step);
      const next = lif(input, neuron, potentials[index]!);
      outputs = next.spikes;
      return tf.sub(next.state, courses[index]![step]!);
    });
    const norms = tf.div(tf.sqrt(squaresOf(differences, 1)), epsilon);
    potentials = differences.map((difference, index) =>
      tf.add(courses[index]![step]!, tf.div(difference, spread(norms, difference))),
    );
    return tf.log(norms);
  });
  return tf.stack(gains, 1);
}

/** ln(|d_t| / |d_(t-1)|) of every step, [batch, steps], by the tangent map. */
function tangentGains({ layers, steps }: Membranes, direction: readonly tf.Tensor[]): tf.Tensor {
  const maps = layers.map((layer, index) => (index === 0 ? undefined : changeMapOf(layer)));
  let changes = [...direction];
  const gains: tf.Tensor[] = [];
  // A linear map need not be scaled after every step, only before its numbers leave their range.
  for (let from = 0; from < steps; from += UNSCALED_STEPS) {
    const count = Math.min(UNSCALED_STEPS, steps - from);
    let spikes: (() => tf.Tensor) | undefined;
    const courses = layers.map((layer, index) => {
      const inputs = spikes === undefined ? undefined : maps[index]!(spikes(), from);
      const change = { inputs, potential: changes[index]! };
      const tangent = lifTangent(layer.neuron, courseFrom(layer, from, count), change);
      spikes = tangent.spikes;
      return tangent.potentials;
    });
    const logarithms = tf.mul(tf.log(squaresOf(courses, 2)), 0.5);
    const before = tf.pad(tf.slice(logarithms, [0, 0], [-1, count - 1]), [
      [0, 0],
      [1, 0],
    ]);
    gains.push(tf.sub(logarithms, before));
    if (from + count < steps) {
      const last = courses.map((course) => stepOf(course, count - 1));
      const norm = tf.sqrt(squaresOf(last, 1));
      changes = last.map((change) => tf.div(change, spread(norm, change)));
    }
  }
  return tf.concat(gains, 1);
}

/** In so many steps a difference may grow or shrink 150-fold a step, and its square stays within float32. */
const UNSCALED_STEPS = 8;

/** The linear part of what hangs between a layer of neurons and the one before. */
function changeMapOf(layer: LayerTrace): NonNullable<ReturnType<LayerTrace['changeMap']>> {
  const map = layer.changeMap();
  if (map === undefined) {
    throw new OptionError(
      `lyapunov: the tangent estimator needs affine layers between neurons, found others before ${layer.name}`,
    );
  }
  return map;
}

/** Some steps of a course. */
function courseFrom({ inputs, first, potentials }: LifCourse, from: number, count: number): LifCourse {
  const part = (sequence: tf.Tensor): tf.Tensor =>
    count === sequence.shape[1] ? sequence : tf.slice(sequence, [0, from], [sequence.shape[0]!, count]);
  return {
    inputs: () => part(inputs()),
    first: from === 0 ? first : stepOf(potentials, from - 1),
    potentials: part(potentials),
  };
}

/** One step of a sequence, [batch, …features]. */
function stepOf(sequence: tf.Tensor, step: number): tf.Tensor {
  return tf.squeeze(tf.slice(sequence, [0, step], [sequence.shape[0]!, 1]), [1]);
}

/** Sum of squares over all layers together, of [batch, …] or, where `kept` is 2, of [batch, steps, …]. */
function squaresOf(parts: readonly tf.Tensor[], kept: 1 | 2): tf.Tensor {
  const squares = parts.map((part) => {
    const rows = tf.reshape(part, [...part.shape.slice(0, kept), -1]);
    return tf.sum(tf.square(rows), kept);
  });
  // The floor keeps the logarithm, and the root's gradient, finite where nothing is left of a difference.
  return tf.add(tf.addN(squares), FLOOR);
}

const FLOOR = 1e-36;

/** A number a sample, [batch], beside [batch, …features]. */
function spread(numbers: tf.Tensor, beside: tf.Tensor): tf.Tensor {
  return tf.reshape(numbers, [-1, ...beside.shape.slice(1).map(() => 1)]);
}

/** A random direction over all membranes, of norm 1, the same for every sample: [batch, …features] by layer. */
function directions({ layers, batch }: Membranes, { seed = 0, draw = 0 }: LyapunovOptions): tf.Tensor[] {
  const values = layers.map(({ name, features }) => {
    const random = new RandomStream(seed, `lyapunov/${draw}/${name}`);
    const size = features.reduce((product, side) => product * side, 1);
    return Float32Array.from({ length: size }, (_, index) => random.normal(index));
  });
  const square = values.reduce((sum, part) => part.reduce((total, value) => total + value * value, sum), 0);
  const scale = 1 / Math.sqrt(square);
  return values.map((part, index) => {
    const { features } = layers[index]!;
    const row = tf.tensor(
      part.map((value) => value * scale),
      [1, ...features],
    );
    return tf.tile(row, [batch, ...features.map(() => 1)]);
  });
}
