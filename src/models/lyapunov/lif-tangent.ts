import * as tf from '@tensorflow/tfjs-core';
import { type LifParameters, leakyIntegrator } from '../../engines/kernels/index.ts';
import { surrogateProduct } from './surrogate-product.ts';

/** Where LIF neurons are in every step of a run: [batch, steps, …features]. */
export interface LifCourse {
  /** Asked for only by neurons that are reset in the step in which they fire. */
  readonly inputs: () => tf.Tensor;
  /** Potential before the first step, [batch, …features]. */
  readonly first: tf.Tensor;
  /** Potential after every step. */
  readonly potentials: tf.Tensor;
}

/** A small change of the inputs of all steps and of the first potential. */
export interface LifChange {
  /** Absent where no input changes. */
  readonly inputs: tf.Tensor | undefined;
  /** [batch, …features]. */
  readonly potential: tf.Tensor;
}

/** What that changes in every step, [batch, steps, …features]. */
export interface LifTangent {
  readonly potentials: tf.Tensor;
  readonly spikes: () => tf.Tensor;
}

/**
 * LIF neurons, linear about a run: what small changes become, the spike's step having its surrogate for a derivative.
 * These are the equations of `engines/kernels/lif.ts`, differentiated forward, so for each step
 *
 *   du = kept dv + k dx,  ds = surrogate'(u - threshold) du,  dv' = left du
 *
 * where `kept` is the decay and what the reset by the step before makes of it, and `left` what the reset by this step's
 * spike leaves. Itself differentiable.
 */
export function lifTangent(neuron: LifParameters, course: LifCourse, change: LifChange): LifTangent {
  const { kept, charged, left } = stepMap(neuron, course);
  const spikesOf = (charges: tf.Tensor): tf.Tensor =>
    surrogateProduct(neuron.surrogate, tf.sub(charged, neuron.threshold), charges);
  if (kept === undefined && left === undefined) {
    // A membrane without reset: the leaky integrator, whose output is its potential.
    const inputs = change.inputs ?? tf.zeros(course.potentials.shape);
    const potentials = leakyIntegrator(inputs, { ...neuron, rest: 0 }, change.potential).spikes;
    return { potentials, spikes: () => spikesOf(potentials) };
  }
  const [changes, keptOf, leftOf] = [change.inputs, kept, left].map((all) => all && tf.unstack(all, 1));
  const gain = gainOf(neuron);
  const charges: tf.Tensor[] = [];
  const potentials: tf.Tensor[] = [];
  let potential = change.potential;
  for (let step = 0; step < course.potentials.shape[1]!; step++) {
    const stays = tf.mul(keptOf?.[step] ?? neuron.decay, potential);
    const charge = changes === undefined ? stays : tf.add(stays, tf.mul(gain, changes[step]!));
    potential = leftOf === undefined ? charge : tf.mul(leftOf[step]!, charge);
    charges.push(charge);
    potentials.push(potential);
  }
  return { potentials: tf.stack(potentials, 1), spikes: () => spikesOf(tf.stack(charges, 1)) };
}

/** What resets make of a step, [batch, steps, …features]. */
interface StepMap {
  /** Share of a potential's change that reaches the next charge; absent for the decay. */
  readonly kept: tf.Tensor | undefined;
  /** The potential that the threshold saw. */
  readonly charged: tf.Tensor;
  /** Share of a charge's change that its reset leaves; absent for all of it. */
  readonly left: tf.Tensor | undefined;
}

function stepMap(neuron: LifParameters, { inputs, first, potentials }: LifCourse): StepMap {
  const { decay, threshold, reset, resetPotential, rest, resetTiming, detachReset } = neuron;
  const zero = reset === 'zero';
  const early = reset !== 'none' && resetTiming !== 'after';
  const late = reset !== 'none' && resetTiming !== 'before';
  // With 'both' no gradient flows through the reset by the step before.
  const attached = early && !late && !detachReset;
  const before = late || (early && (zero || attached)) ? potentialsBefore(first, potentials) : potentials;
  const r = early && (late || zero) ? fires(neuron, before) : undefined;
  let kept: tf.Tensor | undefined;
  if (early && zero) {
    const stays = tf.sub(1, r!);
    kept = tf.mul(decay, attached ? tf.add(stays, resetTangent(neuron, before)) : stays);
  } else if (attached) kept = tf.add(decay, resetTangent(neuron, before));

  // What is left after the step is what the threshold saw, where no reset comes after it.
  if (!late) return { kept, charged: potentials, left: undefined };
  const old = r !== undefined && zero ? tf.add(before, tf.mul(r, tf.sub(resetPotential, before))) : before;
  const driven = tf.add(tf.mul(decay, tf.sub(old, rest)), tf.mul(gainOf(neuron), inputs()));
  const charged = tf.sub(tf.add(rest, driven), r !== undefined && !zero ? tf.mul(r, threshold) : 0);
  const through = detachReset ? undefined : resetTangent(neuron, charged);
  if (!zero) return { kept, charged, left: through && tf.add(1, through) };
  const fired = fires(neuron, charged);
  const stays = tf.sub(1, r === undefined ? fired : tf.sub(fired, r));
  return { kept, charged, left: through === undefined ? stays : tf.add(stays, through) };
}

/** 1 where a potential makes its neuron fire. */
function fires({ inclusive, threshold }: LifParameters, potential: tf.Tensor): tf.Tensor {
  const fired = inclusive ? tf.greaterEqual(potential, threshold) : tf.greater(potential, threshold);
  return tf.cast(fired, 'float32');
}

/** What a change of a potential becomes by way of the spike that resets it. */
function resetTangent(neuron: LifParameters, potential: tf.Tensor): tf.Tensor {
  const { threshold, reset, resetPotential, surrogate } = neuron;
  const lowered = (): tf.Tensor => tf.mul(tf.ones(potential.shape), tf.neg(threshold));
  const jump = reset === 'zero' ? tf.sub(resetPotential, potential) : lowered();
  return surrogateProduct(surrogate, tf.sub(potential, threshold), jump);
}

/** Potential before every step, from those after it. */
function potentialsBefore(first: tf.Tensor, potentials: tf.Tensor): tf.Tensor {
  const [batch, steps, ...features] = potentials.shape as [number, number, ...number[]];
  const start = tf.reshape(first, [batch, 1, ...features]);
  if (steps === 1) return start;
  return tf.concat([start, tf.slice(potentials, [0, 0], [batch, steps - 1])], 1);
}

/** What an input counts. */
function gainOf({ decay, inputDecayed, gain = 1 }: LifParameters): number | tf.Tensor {
  return inputDecayed ? tf.mul(tf.sub(1, decay), gain) : gain;
}
