import * as tf from '@tensorflow/tfjs-core';
import { tensorAlgebra } from '../../engines/kernels/algebra.ts';
import type { LifParameters } from '../../engines/kernels/index.ts';
import { surrogateDerivative } from '../../engines/kernels/surrogate.ts';

/** Where neurons are in a step. */
export interface LifPlace {
  /** Asked for only by neurons that are reset in the step in which they fire. */
  readonly input: () => tf.Tensor;
  /** Potential before the step, and after it. */
  readonly before: tf.Tensor;
  readonly after: tf.Tensor;
}

/** A small change of a neuron's input and potential, and of what it then gives. */
export interface LifTangent {
  readonly spikes: tf.Tensor;
  readonly potential: tf.Tensor;
}

/**
 * One step of LIF neurons, linear about where they are: what small changes of input and potential become, the spike's
 * step having its surrogate for a derivative (the equations of `engines/kernels/lif.ts`, differentiated forward). Itself
 * differentiable.
 */
export function lifTangent(
  neuron: LifParameters,
  at: LifPlace,
  change: { readonly input: tf.Tensor | undefined; readonly potential: tf.Tensor },
): LifTangent {
  const { decay, inputDecayed, threshold, reset, resetPotential, rest, resetTiming, detachReset } = neuron;
  const fires = (potential: tf.Tensor): tf.Tensor =>
    tf.cast(
      neuron.inclusive ? tf.greaterEqual(potential, threshold) : tf.greater(potential, threshold),
      'float32',
    );
  const slope = (potential: tf.Tensor): tf.Tensor =>
    surrogateDerivative(tensorAlgebra, neuron.surrogate, tf.sub(potential, threshold));
  const early = reset !== 'none' && resetTiming !== 'after';
  const late = reset !== 'none' && resetTiming !== 'before';

  // The reset by the step before. With 'both' no gradient flows through it.
  const r = early && (late || reset === 'zero') ? fires(at.before) : undefined;
  const dr = !early || detachReset || late ? undefined : tf.mul(slope(at.before), change.potential);
  let kept = at.before;
  let dKept = change.potential;
  if (r !== undefined && reset === 'zero') {
    const stays = tf.sub(1, r);
    dKept = tf.mul(stays, dKept);
    if (dr !== undefined) dKept = tf.add(dKept, tf.mul(tf.sub(resetPotential, kept), dr));
    kept = tf.add(tf.mul(stays, kept), tf.mul(r, resetPotential));
  }
  const gain: number | tf.Tensor = inputDecayed
    ? tf.mul(tf.sub(1, decay), neuron.gain ?? 1)
    : (neuron.gain ?? 1);
  let du = tf.mul(decay, dKept);
  if (change.input !== undefined) du = tf.add(du, gain === 1 ? change.input : tf.mul(gain, change.input));
  if (dr !== undefined && reset === 'subtract') du = tf.sub(du, tf.mul(dr, threshold));

  // What is left after the step is what the threshold saw, where no reset comes after it.
  if (!late) return { spikes: tf.mul(slope(at.after), du), potential: du };
  let u = tf.add(rest, tf.add(tf.mul(decay, tf.sub(kept, rest)), tf.mul(gain, at.input())));
  if (r !== undefined && reset === 'subtract') u = tf.sub(u, tf.mul(r, threshold));
  const spikes = tf.mul(slope(u), du);
  const s = r === undefined ? fires(u) : tf.sub(fires(u), r);
  const jump = reset === 'subtract' ? tf.neg(threshold) : tf.sub(resetPotential, u);
  const left = reset === 'subtract' ? du : tf.mul(tf.sub(1, s), du);
  return { spikes, potential: detachReset ? left : tf.add(left, tf.mul(jump, spikes)) };
}
