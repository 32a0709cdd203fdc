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
 * k is 1, or 1 - d with a decayed input. The derivative of s is the surrogate. `before` is snnTorch's Leaky,
 * `both` the same with reset_delay=False, `after` SpikingJelly's LIFNode (docs of both; snn definitions 3.1).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Algebra } from './algebra.ts';
import { defineNeuron, type Neuron, type NeuronStep, requireState, stateShape } from './neuron.ts';
import { type Surrogate, surrogateDerivative } from './surrogate.ts';

/** What a LIF neuron is, apart from its decay: plain values, fit for a configuration file. */
export interface LifConstants {
  /** True: the input counts 1 - decay, as in SpikingJelly's default. */
  readonly inputDecayed: boolean;
  readonly threshold: number;
  /** True: fires at potential >= threshold; false: only above. */
  readonly inclusive: boolean;
  readonly reset: 'subtract' | 'zero' | 'none';
  /** What a reset to 'zero' sets the potential to. */
  readonly resetPotential: number;
  /** What the potential decays to. */
  readonly rest: number;
  readonly resetTiming: 'before' | 'after' | 'both';
  /** True: no gradient flows through the reset (with 'both', never through the one that comes before). */
  readonly detachReset: boolean;
  readonly surrogate: Surrogate;
}

/** A LIF neuron. */
export interface LifParameters extends LifConstants {
  /** Share of the potential that is left after a step; a tensor of one element is learned. */
  readonly decay: number | tf.Tensor;
}

/** What a sequence of LIF steps gives. */
export interface LifResult {
  /** 0 or 1, [batch, time, …features]. */
  readonly spikes: tf.Tensor;
  /** Potential after the last step, [batch, …features]. */
  readonly state: tf.Tensor;
}

/**
 * LIF neurons over a sequence [batch, time, …features], all steps in one operation with its exact backward.
 * A chain of calls that hand the state on is the same function as one call over the whole sequence.
 * @param state potential before the first step, [batch, …features]; default: `rest` everywhere
 * @param options potentials: also give the potential after every step
 */
export function lif(
  input: tf.Tensor,
  parameters: LifParameters,
  state: tf.Tensor | undefined,
  options: { readonly potentials: true },
): LifResult & { readonly potentials: tf.Tensor };
export function lif(input: tf.Tensor, parameters: LifParameters, state?: tf.Tensor): LifResult;
export function lif(
  input: tf.Tensor,
  parameters: LifParameters,
  state?: tf.Tensor,
  { potentials = false }: { readonly potentials?: boolean } = {},
): LifResult & { readonly potentials?: tf.Tensor } {
  const { decay, ...constants } = parameters;
  const first = state ?? tf.fill(stateShape(input.shape, 1), constants.rest);
  requireState('lif', input, first, 1);
  const learned = typeof decay === 'number' ? tf.tensor1d([decay]) : tf.reshape(decay, [1]);
  const outputs = lifNeuron.kernel.run(
    { input, parameters: learned, state: first },
    { constants, potentials },
  );
  const result = { spikes: outputs[0]!, state: outputs[1]! };
  return potentials ? { ...result, potentials: outputs[2]! } : result;
}

/** The LIF neuron's kernels. */
export const lifNeuron: Neuron<LifConstants> = defineNeuron<LifConstants>({
  name: 'Lif',
  variables: 1,
  parameters: 1,

  forward: (m, step, constants) => {
    const { r, u } = charge(m, step, constants);
    const spikes = fires(m, u, constants);
    if (!resetsLate(constants)) return { spikes, state: [u] };
    const reset = r === undefined ? spikes : m.sub(spikes, r);
    return { spikes, state: [resetBy(m, reset, u, constants)] };
  },

  backward: (m, step, constants) => {
    const { input, spikesGradient, stateGradient, parameters } = step;
    const { inputDecayed, threshold, rest, detachReset, surrogate } = constants;
    const v = step.state[0] as typeof input;
    const decay = parameters[0] as typeof input;
    const { r, kept, u } = charge(m, step, constants);
    const distance = m.sub(u, m.constant(threshold));
    let fromSpikes = spikesGradient;
    let direct = stateGradient[0] as typeof spikesGradient;
    if (resetsLate(constants)) {
      const s = fires(m, u, constants);
      const reset = r === undefined ? s : m.sub(s, r);
      if (!detachReset) fromSpikes = m.add(fromSpikes, m.mul(direct, jump(m, u, constants)));
      if (constants.reset === 'zero') direct = m.mul(direct, m.sub(m.constant(1), reset));
    }
    const gu = m.add(direct, m.mul(fromSpikes, surrogateDerivative(m, surrogate, distance)));
    const leaked = m.mul(decay, gu);
    let gv = leaked;
    if (r !== undefined && constants.reset === 'zero') gv = m.mul(gv, m.sub(m.constant(1), r));
    if (r !== undefined && !detachReset && !resetsLate(constants)) {
      const through = constants.reset === 'zero' ? leaked : gu;
      const early = surrogateDerivative(m, surrogate, m.sub(v, m.constant(threshold)));
      gv = m.add(gv, m.mul(m.mul(through, jump(m, v, constants)), early));
    }
    const above = rest === 0 ? kept : m.sub(kept, m.constant(rest));
    return {
      input: inputDecayed ? m.mul(m.sub(m.constant(1), decay), gu) : gu,
      state: [gv],
      parameters: [m.mul(gu, inputDecayed ? m.sub(above, input) : above)],
    };
  },
});

/** Whether the spikes of a step reset its own potential. */
function resetsLate({ reset, resetTiming }: LifConstants): boolean {
  return reset !== 'none' && resetTiming !== 'before';
}

/** 1 where the potential makes the neuron fire. */
function fires<T>(m: Algebra<T>, potential: T, { threshold, inclusive }: LifConstants): T {
  const limit = m.constant(threshold);
  return inclusive ? m.lessEqual(limit, potential) : m.less(limit, potential);
}

/** The potential after a reset where `reset` is 1. */
function resetBy<T>(m: Algebra<T>, reset: T, potential: T, constants: LifConstants): T {
  const { threshold, resetPotential } = constants;
  if (constants.reset === 'subtract') {
    return m.sub(potential, threshold === 1 ? reset : m.mul(reset, m.constant(threshold)));
  }
  const kept = m.mul(potential, m.sub(m.constant(1), reset));
  return resetPotential === 0 ? kept : m.add(kept, m.mul(reset, m.constant(resetPotential)));
}

/** What a reset adds to the potential. */
function jump<T>(m: Algebra<T>, potential: T, { reset, threshold, resetPotential }: LifConstants): T {
  if (reset === 'subtract') return m.constant(-threshold);
  return m.sub(m.constant(resetPotential), potential);
}

interface Charged<T> {
  /** The reset by the step before, where there is one. */
  readonly r: T | undefined;
  /** The old potential, set by that reset if it sets potentials. */
  readonly kept: T;
  /** The potential before the neuron fires. */
  readonly u: T;
}

function charge<T>(
  m: Algebra<T>,
  { input, state, parameters }: NeuronStep<T>,
  constants: LifConstants,
): Charged<T> {
  const { inputDecayed, reset, resetTiming, rest } = constants;
  const v = state[0] as T;
  const decay = parameters[0] as T;
  const r = reset === 'none' || resetTiming === 'after' ? undefined : fires(m, v, constants);
  const kept = r !== undefined && reset === 'zero' ? resetBy(m, r, v, constants) : v;
  const missing = inputDecayed || rest !== 0 ? m.sub(m.constant(1), decay) : undefined;
  let u = m.add(m.mul(decay, kept), inputDecayed ? m.mul(missing!, input) : input);
  if (rest !== 0) u = m.add(u, m.mul(missing!, m.constant(rest)));
  return { r, kept, u: r !== undefined && reset === 'subtract' ? resetBy(m, r, u, constants) : u };
}
