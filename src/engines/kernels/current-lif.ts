/**
 * The current-based LIF neuron: the input charges a synaptic current, which charges the potential. One step, with i the
 * current, a its decay, and the charge of neuron-parts.ts:
 *
 *   j = i + x
 *   u = the potential v charged by j
 *   s = H(u), v' = u reset by s, i' = a j
 *
 * With d = 1 - dt / tauMembrane, a = 1 - dt / tauSynapse, a decayed input, a reset to a value without gradient and a
 * spike above the threshold only it is Norse's `lif_feed_forward_step`.
 */
import { defineNeuron, type Neuron } from './neuron.ts';
import { type NeuronFunction, type NeuronParameters, neuronFunction } from './neuron-function.ts';
import {
  type ChargeConstants,
  charge,
  chargeGradients,
  fireGradients,
  fires,
  type ResetConstants,
  resetBy,
  type ThresholdConstants,
} from './neuron-parts.ts';

/** What a current-based LIF neuron is, apart from its learned numbers. */
export interface CurrentLifConstants extends ChargeConstants, ThresholdConstants, ResetConstants {}

/** Learned numbers of a current-based LIF neuron: shares of potential and current that a step leaves; threshold. */
export type CurrentLifNumber = 'decay' | 'currentDecay' | 'threshold';

/** A current-based LIF neuron, its decays and its threshold. */
export type CurrentLifParameters = NeuronParameters<CurrentLifConstants, CurrentLifNumber>;

/** The current-based LIF neuron's kernels. */
export const currentLifNeuron: Neuron<CurrentLifConstants, 'potential' | 'current', CurrentLifNumber> =
  defineNeuron({
    name: 'CurrentLif',
    variables: ['potential', 'current'],
    parameters: ['decay', 'currentDecay', 'threshold'],
    initial: ({ rest }) => ({ potential: rest, current: 0 }),

    forward: (m, { input, state, parameters }, constants) => {
      const { decay, currentDecay, threshold } = parameters;
      const current = m.add(state.current, input);
      const u = charge(m, { potential: state.potential, input: current, decay }, constants);
      const spikes = fires(m, u, threshold, constants.inclusive);
      const potential = resetBy(m, spikes, u, threshold, constants);
      return { spikes, state: { potential, current: m.mul(currentDecay, current) } };
    },

    backward: (m, { input, state, parameters, spikesGradient, stateGradient }, constants) => {
      const { decay, currentDecay, threshold } = parameters;
      const current = m.add(state.current, input);
      const from = { potential: state.potential, input: current, decay };
      const u = charge(m, from, constants);
      const spikes = fires(m, u, threshold, constants.inclusive);
      const step = { potential: u, threshold, spikes, spikesGradient };
      const fired = fireGradients(m, { ...step, potentialGradient: stateGradient.potential }, constants);
      const charged = chargeGradients(m, from, fired.potential, constants);
      const currentGradient = m.add(charged.input, m.mul(currentDecay, stateGradient.current));
      return {
        input: currentGradient,
        state: { potential: charged.potential, current: currentGradient },
        parameters: {
          decay: charged.decay,
          currentDecay: m.mul(stateGradient.current, current),
          threshold: fired.threshold,
        },
      };
    },
  });

/** Current-based LIF neurons over a sequence; their state is potential and current. */
export const currentLif: NeuronFunction<CurrentLifConstants, CurrentLifNumber> = neuronFunction(
  'currentLif',
  currentLifNeuron,
);
