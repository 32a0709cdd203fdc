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
import type { Algebra } from './algebra.ts';
import type { LifNumber } from './lif.ts';
import { defineNeuron, type Neuron } from './neuron.ts';
import { type NeuronFunction, type NeuronParameters, neuronFunction } from './neuron-function.ts';
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

/** A LIF neuron with a refractory period, its decay and its threshold. */
export type RefractoryLifParameters = NeuronParameters<RefractoryLifConstants, LifNumber>;

/** The kernels of the LIF neuron with a refractory period. */
export const refractoryLifNeuron: Neuron<RefractoryLifConstants, 'potential' | 'counter', LifNumber> =
  defineNeuron({
    name: 'RefractoryLif',
    variables: ['potential', 'counter'],
    parameters: ['decay', 'threshold'],
    initial: ({ rest }) => ({ potential: rest, counter: 0 }),

    forward: (m, { input, state, parameters }, constants) => {
      const { decay, threshold } = parameters;
      const { refractorySteps, refractoryForm, inclusive } = constants;
      const from = { potential: state.potential, input, decay };
      const { ready, u } = chargeReady(m, from, state.counter, constants);
      const spikes = m.mul(ready, fires(m, u, threshold, inclusive));
      const set = m.mul(spikes, m.constant(refractorySteps));
      const [zero, one] = [m.constant(0), m.constant(1)];
      const counter =
        refractoryForm === 'mask'
          ? m.max(zero, m.sub(m.max(set, state.counter), one))
          : m.max(set, m.sub(state.counter, one));
      return { spikes, state: { potential: resetBy(m, spikes, u, threshold, constants), counter } };
    },

    backward: (m, { input, state, parameters, spikesGradient, stateGradient }, constants) => {
      const { decay, threshold } = parameters;
      const from = { potential: state.potential, input, decay };
      const { ready, held, u } = chargeReady(m, from, state.counter, constants);
      const spikes = m.mul(ready, fires(m, u, threshold, constants.inclusive));
      const potentialGradient = stateGradient.potential;
      const step = { potential: u, threshold, spikes, ready, spikesGradient, potentialGradient };
      const fired = fireGradients(m, step, constants);
      const holds = constants.refractoryForm === 'hold';
      const charging = holds ? m.mul(ready, fired.potential) : fired.potential;
      const charged = chargeGradients(m, from, charging, constants);
      const potential = holds ? m.add(charged.potential, m.mul(held, fired.potential)) : charged.potential;
      return {
        input: charged.input,
        state: { potential, counter: m.mul(state.counter, m.constant(0)) },
        parameters: { decay: charged.decay, threshold: fired.threshold },
      };
    },
  });

/** LIF neurons with a refractory period over a sequence; their state is potential and counter. */
export const refractoryLif: NeuronFunction<RefractoryLifConstants, LifNumber> = neuronFunction(
  'refractoryLif',
  refractoryLifNeuron,
);

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
