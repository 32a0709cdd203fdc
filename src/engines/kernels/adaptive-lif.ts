/**
 * The LIF neuron with an adaptive threshold, ALIF (Bellec et al., "Long short-term memory and learning-to-learn in
 * networks of spiking neurons", 2018; "A solution to the learning dilemma for recurrent networks of spiking neurons",
 * 2020). One step, with a the adaptation, kappa its strength and rho its decay, z the spike of the step before:
 *
 *   u = the potential v charged by the input, less z threshold
 *   A = threshold + kappa a
 *   s = H(u) at A, a' = rho a + s, v' = u, z' = s
 *
 * The reset by the spike before takes the threshold without its adaptation. Where it is detached no gradient flows
 * through z there.
 */
import type { Algebra } from './algebra.ts';
import { defineNeuron, type Neuron, type NeuronStep } from './neuron.ts';
import { type NeuronFunction, type NeuronParameters, neuronFunction } from './neuron-function.ts';
import {
  type ChargeConstants,
  charge,
  chargeGradients,
  fireSlope,
  fires,
  type ResetConstants,
  type ThresholdConstants,
} from './neuron-parts.ts';

/** What an ALIF neuron is, apart from its learned numbers. */
export interface AdaptiveLifConstants
  extends ChargeConstants,
    ThresholdConstants,
    Pick<ResetConstants, 'detachReset'> {}

/** Learned numbers of an ALIF neuron; `adaptationDecay` is rho, `adaptationStrength` kappa. */
export type AdaptiveLifNumber = 'decay' | 'threshold' | 'adaptationDecay' | 'adaptationStrength';

/** An ALIF neuron with its learned numbers. */
export type AdaptiveLifParameters = NeuronParameters<AdaptiveLifConstants, AdaptiveLifNumber>;

type Variable = 'potential' | 'adaptation' | 'spike';

/** The ALIF neuron's kernels. */
export const adaptiveLifNeuron: Neuron<AdaptiveLifConstants, Variable, AdaptiveLifNumber> = defineNeuron({
  name: 'AdaptiveLif',
  variables: ['potential', 'adaptation', 'spike'],
  parameters: ['decay', 'threshold', 'adaptationDecay', 'adaptationStrength'],
  initial: ({ rest }) => ({ potential: rest, adaptation: 0, spike: 0 }),

  forward: (m, step, constants) => {
    const { u, limit } = chargeAdapted(m, step, constants);
    const spikes = fires(m, u, limit, constants.inclusive);
    const adaptation = m.add(m.mul(step.parameters.adaptationDecay, step.state.adaptation), spikes);
    return { spikes, state: { potential: u, adaptation, spike: spikes } };
  },

  backward: (m, step, constants) => {
    const { input, state, parameters, spikesGradient, stateGradient } = step;
    const { decay, threshold, adaptationDecay, adaptationStrength } = parameters;
    const { u, limit } = chargeAdapted(m, step, constants);
    const spikeGradient = m.add(m.add(spikesGradient, stateGradient.spike), stateGradient.adaptation);
    const fired = m.mul(spikeGradient, fireSlope(m, u, limit, constants));
    const potential = m.add(stateGradient.potential, fired);
    const charged = chargeGradients(m, { potential: state.potential, input, decay }, potential, constants);
    const adapted = m.mul(adaptationDecay, stateGradient.adaptation);
    const reset = m.mul(potential, constants.detachReset ? m.constant(0) : threshold);
    return {
      input: charged.input,
      state: {
        potential: charged.potential,
        adaptation: m.sub(adapted, m.mul(adaptationStrength, fired)),
        spike: m.sub(m.constant(0), reset),
      },
      parameters: {
        decay: charged.decay,
        threshold: m.sub(m.constant(0), m.add(fired, m.mul(potential, state.spike))),
        adaptationDecay: m.mul(stateGradient.adaptation, state.adaptation),
        adaptationStrength: m.sub(m.constant(0), m.mul(fired, state.adaptation)),
      },
    };
  },
});

/** ALIF neurons over a sequence; their state is potential, adaptation and the last spike. */
export const adaptiveLif: NeuronFunction<AdaptiveLifConstants, AdaptiveLifNumber> = neuronFunction(
  'adaptiveLif',
  adaptiveLifNeuron,
);

/** The potential before the neuron fires, and where it does. */
function chargeAdapted<T>(
  m: Algebra<T>,
  { input, state, parameters }: NeuronStep<T, Variable, AdaptiveLifNumber>,
  constants: AdaptiveLifConstants,
): { readonly u: T; readonly limit: T } {
  const { decay, threshold, adaptationStrength } = parameters;
  const charged = charge(m, { potential: state.potential, input, decay }, constants);
  return {
    u: m.sub(charged, m.mul(state.spike, threshold)),
    limit: m.add(threshold, m.mul(adaptationStrength, state.adaptation)),
  };
}
