/**
 * The LIF neuron with a refractory period of N steps. Its state is the potential v and a counter c of the steps for
 * which it cannot fire; u is the charged potential (neuron-parts.ts), H the threshold.
 *
 *   form 'mask': s = H(u) where c = 0; c' = max(0, (N where s, else c) - 1)
 *   form 'hold': u is charged where c = 0, else v; s = H(u) where c = 0; c' = N where s, else max(0, c - 1)
 *   v' = u, reset by s
 *
 * With 'mask' the potential goes on integrating, and spikes are at least N steps apart (the counter drops in the step
 * that fires); with 'hold' it stays what the reset made it, without regard to the input, and spikes are at least N + 1
 * steps apart. No gradient flows through the counter.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Algebra } from './algebra.ts';
import { defineNeuron, type Neuron, requireState, stateShape } from './neuron.ts';
import {
  type Charge,
  type ChargeConstants,
  charge,
  chargeGradients,
  fireGradients,
  fires,
  type ResetConstants,
  resetBy,
  type ThresholdConstants,
} from './neuron-parts.ts';

/** What a LIF neuron with a refractory period is, apart from its learned numbers. */
export interface RefractoryLifConstants extends ChargeConstants, ThresholdConstants, ResetConstants {
  /** Steps of the period, a whole number of at least 0. */
  readonly refractorySteps: number;
  readonly refractoryForm: 'mask' | 'hold';
}

/** A LIF neuron with a refractory period. */
export interface RefractoryLifParameters extends RefractoryLifConstants {
  /** Share of the potential that is left after a step; a tensor of one element is learned. */
  readonly decay: number | tf.Tensor;
  /** A tensor of one element is learned. */
  readonly threshold: number | tf.Tensor;
}

/** What a sequence of steps gives. */
export interface RefractoryLifResult {
  /** 0 or 1, [batch, time, …features]. */
  readonly spikes: tf.Tensor;
  /** Potential and counter after the last step, [batch, 2, …features]. */
  readonly state: tf.Tensor;
}

/**
 * LIF neurons with a refractory period over a sequence [batch, time, …features], all steps in one operation with its
 * exact backward.
 * @param state potential and counter before the first step, [batch, 2, …features]; default: at rest and ready
 * @param options potentials: also give the potential after every step
 */
export function refractoryLif(
  input: tf.Tensor,
  parameters: RefractoryLifParameters,
  state: tf.Tensor | undefined,
  options: { readonly potentials: true },
): RefractoryLifResult & { readonly potentials: tf.Tensor };
export function refractoryLif(
  input: tf.Tensor,
  parameters: RefractoryLifParameters,
  state?: tf.Tensor,
): RefractoryLifResult;
export function refractoryLif(
  input: tf.Tensor,
  parameters: RefractoryLifParameters,
  state?: tf.Tensor,
  { potentials = false }: { readonly potentials?: boolean } = {},
): RefractoryLifResult & { readonly potentials?: tf.Tensor } {
  const { decay, threshold, ...constants } = parameters;
  const first = state ?? initialState(input.shape, constants.rest);
  requireState('refractoryLif', input, first, 2);
  const learned = tf.stack([decay, threshold].map((value) => tf.reshape(value, [])));
  const outputs = refractoryLifNeuron.kernel.run(
    { input, parameters: learned, state: first },
    { constants, potentials },
  );
  const result = { spikes: outputs[0]!, state: outputs[1]! };
  return potentials ? { ...result, potentials: outputs[2]! } : result;
}

function initialState(sequence: readonly number[], rest: number): tf.Tensor {
  if (rest === 0) return tf.zeros(stateShape(sequence, 2));
  const single = stateShape(sequence, 1);
  return tf.stack([tf.fill(single, rest), tf.zeros(single)], 1);
}

/** The kernels of the LIF neuron with a refractory period. */
export const refractoryLifNeuron: Neuron<RefractoryLifConstants> = defineNeuron<RefractoryLifConstants>({
  name: 'RefractoryLif',
  variables: 2,
  parameters: 2,

  forward: (m, { input, state, parameters }, constants) => {
    const [potential, counter] = state as [typeof input, typeof input];
    const [decay, threshold] = parameters as [typeof input, typeof input];
    const { refractorySteps, refractoryForm, inclusive } = constants;
    const { ready, u } = chargeReady(m, { potential, input, decay }, counter, constants);
    const spikes = m.mul(ready, fires(m, u, threshold, inclusive));
    const set = m.mul(spikes, m.constant(refractorySteps));
    const [zero, one] = [m.constant(0), m.constant(1)];
    const left =
      refractoryForm === 'mask'
        ? m.max(zero, m.sub(m.max(set, counter), one))
        : m.max(set, m.sub(counter, one));
    return { spikes, state: [resetBy(m, spikes, u, threshold, constants), left] };
  },

  backward: (m, step, constants) => {
    const { input } = step;
    const [potential, counter] = step.state as [typeof input, typeof input];
    const [decay, threshold] = step.parameters as [typeof input, typeof input];
    const from = { potential, input, decay };
    const { ready, held, u } = chargeReady(m, from, counter, constants);
    const spikes = m.mul(ready, fires(m, u, threshold, constants.inclusive));
    const fired = fireGradients(
      m,
      {
        ...{ potential: u, threshold, spikes, ready },
        spikesGradient: step.spikesGradient,
        potentialGradient: step.stateGradient[0]!,
      },
      constants,
    );
    const holds = constants.refractoryForm === 'hold';
    const charging = holds ? m.mul(ready, fired.potential) : fired.potential;
    const charged = chargeGradients(m, from, charging, constants);
    const kept = holds ? m.mul(held, fired.potential) : undefined;
    return {
      input: charged.input,
      state: [
        kept === undefined ? charged.potential : m.add(charged.potential, kept),
        m.mul(counter, m.constant(0)),
      ],
      parameters: [charged.decay, fired.threshold],
    };
  },
});

/** Whether each neuron can fire (1 or 0), its complement, and its potential after the charge. */
function chargeReady<T>(
  m: Algebra<T>,
  from: Charge<T>,
  counter: T,
  constants: RefractoryLifConstants,
): { readonly ready: T; readonly held: T; readonly u: T } {
  const held = m.min(m.constant(1), counter);
  const ready = m.sub(m.constant(1), held);
  const charged = charge(m, from, constants);
  if (constants.refractoryForm === 'mask') return { ready, held, u: charged };
  return { ready, held, u: m.add(m.mul(ready, charged), m.mul(held, from.potential)) };
}
