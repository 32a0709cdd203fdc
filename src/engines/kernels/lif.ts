/**
 * The leaky integrate-and-fire neuron, with the parameters that tell the libraries apart. One step, with v the
 * potential, x the input, d the decay, H the spike condition and r, s spikes of the step before and of this one:
 *
 *   r = H(v)                                      if the reset comes before (timing 'before', 'both')
 *   u = rest + d (v* - rest) + k x - r threshold  (reset 'subtract'; v* = v)
 *   u = rest + d (v* - rest) + k x                (reset 'zero'; v* = resetPotential where r, else v)
 *   s = H(u)
 *   v = u, reset by s                             if the reset comes after ('after'); by s - r if 'both'
 *
 * k is the gain, times 1 - d with a decayed input. The derivative of s is the surrogate. `before` is snnTorch's Leaky,
 * `both` the same with reset_delay=False, `after` SpikingJelly's LIFNode (docs of both; snn definitions 3.1).
 */
import type { Algebra } from './algebra.ts';
import { defineNeuron, type Neuron, type NeuronStep } from './neuron.ts';
import { type NeuronFunction, type NeuronParameters, neuronFunction } from './neuron-function.ts';
import {
  type ChargeConstants,
  charge,
  chargeGradients,
  fireGradients,
  fireSlope,
  fires,
  jump,
  type ResetConstants,
  resetBy,
  type ThresholdConstants,
} from './neuron-parts.ts';

/** What a LIF neuron is, apart from its learned numbers: plain values, fit for a configuration file. */
export interface LifConstants extends ChargeConstants, ThresholdConstants, ResetConstants {
  /** With 'both' no gradient flows through the reset that comes before, detached or not. */
  readonly resetTiming: 'before' | 'after' | 'both';
}

/** A LIF neuron: its constants, the share of the potential that is left after a step, and its threshold. */
export type LifParameters = NeuronParameters<LifConstants, LifNumber>;

/** Learned numbers of a LIF neuron. */
export type LifNumber = 'decay' | 'threshold';

/** The LIF neuron's kernels. */
export const lifNeuron: Neuron<LifConstants, 'potential', LifNumber> = defineNeuron({
  name: 'Lif',
  variables: ['potential'],
  parameters: ['decay', 'threshold'],
  initial: ({ rest }) => ({ potential: rest }),

  forward: (m, step, constants) => {
    const { threshold } = step.parameters;
    const { r, u } = chargeReset(m, step, constants);
    const spikes = fires(m, u, threshold, constants.inclusive);
    const potential = resetBy(m, lateReset(m, spikes, r, constants), u, threshold, late(constants));
    return { spikes, state: { potential } };
  },

  backward: (m, step, constants) => {
    const { input, state, parameters, spikesGradient, stateGradient } = step;
    const { decay, threshold } = parameters;
    const { reset } = constants;
    const { r, kept, u } = chargeReset(m, step, constants);
    const spikes = lateReset(m, fires(m, u, threshold, constants.inclusive), r, constants);
    const fired = fireGradients(
      m,
      { potential: u, threshold, spikes, spikesGradient, potentialGradient: stateGradient.potential },
      late(constants),
    );
    const charged = chargeGradients(m, { potential: kept, input, decay }, fired.potential, constants);
    const gradients = { potential: charged.potential, threshold: fired.threshold };
    if (r !== undefined) {
      const through = reset === 'zero' ? charged.potential : fired.potential;
      if (reset === 'zero') gradients.potential = m.mul(charged.potential, m.sub(m.constant(1), r));
      else gradients.threshold = m.sub(gradients.threshold, m.mul(fired.potential, r));
      if (!constants.detachReset && constants.resetTiming === 'before') {
        const slope = fireSlope(m, state.potential, threshold, constants);
        const early = m.mul(m.mul(through, jump(m, state.potential, threshold, constants)), slope);
        gradients.potential = m.add(gradients.potential, early);
        gradients.threshold = m.sub(gradients.threshold, early);
      }
    }
    return {
      input: charged.input,
      state: { potential: gradients.potential },
      parameters: { decay: charged.decay, threshold: gradients.threshold },
    };
  },
});

/** LIF neurons over a sequence; their state is the potential. */
export const lif: NeuronFunction<LifConstants, LifNumber> = neuronFunction('lif', lifNeuron);

/** The constants of what happens after the neuron has fired. */
function late<C extends LifConstants>(constants: C): C {
  return constants.resetTiming === 'before' ? { ...constants, reset: 'none' } : constants;
}

/** What resets the potential after the charge: the spikes, less those that did before. */
function lateReset<T>(m: Algebra<T>, spikes: T, r: T | undefined, { resetTiming }: LifConstants): T {
  return r === undefined || resetTiming !== 'both' ? spikes : m.sub(spikes, r);
}

interface Charged<T> {
  /** The reset by the step before, where there is one. */
  readonly r: T | undefined;
  /** The old potential, set by that reset if it sets potentials. */
  readonly kept: T;
  /** The potential before the neuron fires. */
  readonly u: T;
}

function chargeReset<T>(
  m: Algebra<T>,
  { input, state, parameters }: NeuronStep<T, 'potential', LifNumber>,
  constants: LifConstants,
): Charged<T> {
  const { reset, resetTiming, inclusive } = constants;
  const { decay, threshold } = parameters;
  if (reset === 'none' || resetTiming === 'after') {
    const kept = state.potential;
    return { r: undefined, kept, u: charge(m, { potential: kept, input, decay }, constants) };
  }
  const r = fires(m, state.potential, threshold, inclusive);
  const kept = reset === 'zero' ? resetBy(m, r, state.potential, threshold, constants) : state.potential;
  const charged = charge(m, { potential: kept, input, decay }, constants);
  return { r, kept, u: reset === 'subtract' ? resetBy(m, r, charged, threshold, constants) : charged };
}
