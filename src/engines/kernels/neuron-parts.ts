/**
 * What neurons are made of: charge, threshold and reset, each with its gradient, in the arithmetic of any engine. With
 * v the potential before the step, x the input, d the decay, s the spike:
 *
 *   u = rest + d (v - rest) + k x        charge; k is the gain, times 1 - d with a decayed input
 *   s = H(u - threshold)                 threshold; the derivative of s is the surrogate
 *   v' = u - s threshold                 reset 'subtract'
 *   v' = u + s (resetPotential - u)      reset 'zero'
 */
import type { Algebra } from './algebra.ts';
import { type Surrogate, surrogateDerivative } from './surrogate.ts';

/** How the input charges a neuron. */
export interface ChargeConstants {
  /** What the input counts; default 1. */
  readonly gain?: number;
  /** True: the input counts 1 - decay too, so that a constant input is what the potential tends to. */
  readonly inputDecayed: boolean;
  /** What the potential decays to. */
  readonly rest: number;
}

/** When a neuron fires, and what stands for the derivative of its spike. */
export interface ThresholdConstants {
  /** True: fires at potential >= threshold; false: only above. */
  readonly inclusive: boolean;
  readonly surrogate: Surrogate;
}

/** What a spike does to the potential in the step that fires. */
export interface ResetConstants {
  readonly reset: 'subtract' | 'zero' | 'none';
  /** What a reset to 'zero' sets the potential to. */
  readonly resetPotential: number;
  /** True: no gradient flows through the reset. */
  readonly detachReset: boolean;
}

/** What a charge is made from. */
export interface Charge<T> {
  readonly potential: T;
  readonly input: T;
  readonly decay: T;
}

/** The potential after a charge. */
export function charge<T>(
  m: Algebra<T>,
  { potential, input, decay }: Charge<T>,
  { gain = 1, inputDecayed, rest }: ChargeConstants,
): T {
  const driven = scaled(m, input, gain);
  const missing = inputDecayed || rest !== 0 ? m.sub(m.constant(1), decay) : undefined;
  const u = m.add(m.mul(decay, potential), inputDecayed ? m.mul(missing!, driven) : driven);
  return rest === 0 ? u : m.add(u, m.mul(missing!, m.constant(rest)));
}

/** The gradients of what a charge is made from. */
export function chargeGradients<T>(
  m: Algebra<T>,
  { potential, input, decay }: Charge<T>,
  gradient: T,
  { gain = 1, inputDecayed, rest }: ChargeConstants,
): Charge<T> {
  const above = rest === 0 ? potential : m.sub(potential, m.constant(rest));
  const driven = scaled(m, gradient, gain);
  return {
    potential: m.mul(decay, gradient),
    input: inputDecayed ? m.mul(m.sub(m.constant(1), decay), driven) : driven,
    decay: m.mul(gradient, inputDecayed ? m.sub(above, scaled(m, input, gain)) : above),
  };
}

/** 1 where the potential makes the neuron fire. */
export function fires<T>(m: Algebra<T>, potential: T, threshold: T, inclusive: boolean): T {
  return inclusive ? m.lessEqual(threshold, potential) : m.less(threshold, potential);
}

/** What stands for the derivative of the spike by the potential; its negative is that by the threshold. */
export function fireSlope<T>(
  m: Algebra<T>,
  potential: T,
  threshold: T,
  { surrogate }: ThresholdConstants,
): T {
  return surrogateDerivative(m, surrogate, m.sub(potential, threshold));
}

/** The potential after a reset where `spikes` is 1. */
export function resetBy<T>(
  m: Algebra<T>,
  spikes: T,
  potential: T,
  threshold: T,
  { reset, resetPotential }: ResetConstants,
): T {
  if (reset === 'none') return potential;
  if (reset === 'subtract') return m.sub(potential, m.mul(spikes, threshold));
  const kept = m.mul(potential, m.sub(m.constant(1), spikes));
  return resetPotential === 0 ? kept : m.add(kept, m.mul(spikes, m.constant(resetPotential)));
}

/** What a reset adds to the potential. */
export function jump<T>(
  m: Algebra<T>,
  potential: T,
  threshold: T,
  { reset, resetPotential }: Pick<ResetConstants, 'reset' | 'resetPotential'>,
): T {
  if (reset === 'subtract') return m.sub(m.constant(0), threshold);
  return m.sub(m.constant(resetPotential), potential);
}

/** The gradients of what a neuron is after it may have fired. */
export interface FiredGradients<T> {
  readonly potential: T;
  readonly threshold: T;
}

/**
 * The way back through reset and threshold: from the gradients of the spikes and of the potential after the reset to
 * those of the charged potential and the threshold.
 * @param step spikes of this step; ready: 1 where the neuron could fire, absent where all can
 */
export function fireGradients<T>(
  m: Algebra<T>,
  step: {
    readonly potential: T;
    readonly threshold: T;
    readonly spikes: T;
    readonly ready?: T;
    readonly spikesGradient: T;
    readonly potentialGradient: T;
  },
  constants: ThresholdConstants & ResetConstants,
): FiredGradients<T> {
  const { potential, threshold, spikes, ready, spikesGradient, potentialGradient } = step;
  const { reset, detachReset } = constants;
  const slope = fireSlope(m, potential, threshold, constants);
  const open = ready === undefined ? slope : m.mul(ready, slope);
  const throughReset = reset !== 'none' && !detachReset;
  const fromSpikes = throughReset
    ? m.add(spikesGradient, m.mul(potentialGradient, jump(m, potential, threshold, constants)))
    : spikesGradient;
  const fired = m.mul(fromSpikes, open);
  const direct =
    reset === 'zero' ? m.mul(potentialGradient, m.sub(m.constant(1), spikes)) : potentialGradient;
  const taken = reset === 'subtract' ? m.add(fired, m.mul(potentialGradient, spikes)) : fired;
  return { potential: m.add(direct, fired), threshold: m.sub(m.constant(0), taken) };
}

function scaled<T>(m: Algebra<T>, value: T, factor: number): T {
  return factor === 1 ? value : m.mul(value, m.constant(factor));
}
