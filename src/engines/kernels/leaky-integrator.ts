/**
 * The leaky integrator, LI: a membrane that never fires, as a readout has it. Its output is its potential,
 * v' = rest + d (v - rest) + k x (neuron-parts.ts).
 */
import { defineNeuron, type Neuron } from './neuron.ts';
import { type NeuronFunction, type NeuronParameters, neuronFunction } from './neuron-function.ts';
import { type ChargeConstants, charge, chargeGradients } from './neuron-parts.ts';

/** A leaky integrator and its decay. */
export type LeakyIntegratorParameters = NeuronParameters<ChargeConstants, 'decay'>;

/** The leaky integrator's kernels. */
export const leakyIntegratorNeuron: Neuron<ChargeConstants, 'potential', 'decay'> = defineNeuron({
  name: 'LeakyIntegrator',
  silent: true,
  variables: ['potential'],
  parameters: ['decay'],
  initial: ({ rest }) => ({ potential: rest }),

  forward: (m, { input, state, parameters }, constants) => {
    const potential = charge(m, { ...state, input, ...parameters }, constants);
    return { spikes: potential, state: { potential } };
  },

  backward: (m, { input, state, parameters, spikesGradient, stateGradient }, constants) => {
    const gradient = m.add(spikesGradient, stateGradient.potential);
    const charged = chargeGradients(m, { ...state, input, ...parameters }, gradient, constants);
    const { potential, decay } = charged;
    return { input: charged.input, state: { potential }, parameters: { decay } };
  },
});

/** Leaky integrators over a sequence; their output is the potential, and their state the last one. */
export const leakyIntegrator: NeuronFunction<ChargeConstants, 'decay'> = neuronFunction(
  'leakyIntegrator',
  leakyIntegratorNeuron,
);
