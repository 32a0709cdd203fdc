/** Neurons by the names of the libraries: the LIF constants that each of them means. */
import * as tf from '@tensorflow/tfjs-core';
import type {
  AdaptiveLifParameters,
  CurrentLifParameters,
  LifConstants,
  Surrogate,
} from '../engines/kernels/index.ts';
import { atan, sigmoid, superSpike } from './surrogates.ts';

export {
  type AdaptiveLifConstants,
  type AdaptiveLifParameters,
  adaptiveLif,
  type CurrentLifConstants,
  type CurrentLifParameters,
  currentLif,
  type LeakyIntegratorParameters,
  type LifConstants,
  type LifParameters,
  leakyIntegrator,
  lif,
  type NeuronResult,
  type RefractoryLifConstants,
  type RefractoryLifParameters,
  refractoryLif,
} from '../engines/kernels/index.ts';

/** A LIF neuron whose decay and threshold are fixed: plain JSON. */
export interface FixedLif extends LifConstants {
  /** Share of the potential that is left after a step. */
  readonly decay: number;
  readonly threshold: number;
  /** Which of the two a layer of such neurons trains; default none. */
  readonly learn?: readonly ('decay' | 'threshold')[];
}

/** Parameters of which the learned numbers are fixed. */
type Fixed<T, P extends keyof T> = Omit<T, P> & Readonly<Record<P, number>>;

/** A current-based LIF neuron of fixed numbers: plain JSON. */
export type FixedCurrentLif = Fixed<CurrentLifParameters, 'decay' | 'currentDecay' | 'threshold'>;

/** An ALIF neuron of fixed numbers: plain JSON. */
export type FixedAdaptiveLif = Fixed<
  AdaptiveLifParameters,
  'decay' | 'threshold' | 'adaptationDecay' | 'adaptationStrength'
>;

/** Options of snnTorch's Leaky, by its names. */
export interface LeakyOptions {
  /** Decay of a step; values outside 0 to 1 are moved to the nearer end, as snnTorch does. */
  readonly beta: number;
  readonly threshold?: number;
  readonly resetMechanism?: 'subtract' | 'zero' | 'none';
  /** False: the reset comes in the step that fires. */
  readonly resetDelay?: boolean;
  readonly surrogate?: Surrogate;
}

/** snnTorch's Leaky: fires above the threshold, resets one step later and without gradient. */
export function leaky({
  beta,
  threshold = 1,
  resetMechanism = 'subtract',
  resetDelay = true,
  surrogate = atan(2),
}: LeakyOptions): FixedLif {
  return {
    decay: Math.min(1, Math.max(0, beta)),
    inputDecayed: false,
    threshold,
    inclusive: false,
    reset: resetMechanism,
    resetPotential: 0,
    rest: 0,
    resetTiming: resetDelay ? 'before' : 'both',
    detachReset: resetDelay,
    surrogate,
  };
}

/** Options of SpikingJelly's neurons, by its names. */
export interface NodeOptions {
  readonly threshold?: number;
  /** What the potential decays to and is reset to; null for a reset that subtracts the threshold. */
  readonly resetPotential?: number | null;
  readonly detachReset?: boolean;
  readonly surrogate?: Surrogate;
}

/** Options of SpikingJelly's LIFNode. */
export interface LifNodeOptions extends NodeOptions {
  /** Time constant in steps. */
  readonly tau?: number;
  readonly decayInput?: boolean;
}

/** SpikingJelly's LIFNode: fires at or above the threshold and resets in the same step. Its state begins at rest. */
export function lifNode({ tau = 2, decayInput = true, ...options }: LifNodeOptions = {}): FixedLif {
  return { ...node(options), decay: 1 - 1 / tau, inputDecayed: decayInput };
}

/** SpikingJelly's IFNode: a LIFNode that keeps all of its potential. */
export function ifNode(options: NodeOptions = {}): FixedLif {
  return { ...node(options), decay: 1, inputDecayed: false };
}

/** The decay of SpikingJelly's ParametricLIFNode from its learned number: 1 - sigmoid(w), so tau = 1 / sigmoid(w). */
export function parametricDecay(w: tf.Tensor): tf.Tensor {
  return tf.sub(1, tf.sigmoid(w));
}

/** The learned number of a decay, the inverse of `parametricDecay`; a decay of 0 or 1 would have none that is finite. */
export function parametricNumber(decay: number): number {
  const inside = Math.min(1 - 1e-6, Math.max(1e-6, decay));
  return Math.log((1 - inside) / inside);
}

/** Options of Norse's current-based LIF, by its names; rates in 1/s, `dt` in s. */
export interface NorseLifOptions {
  readonly tauMembraneInverse?: number;
  readonly tauSynapseInverse?: number;
  readonly dt?: number;
  readonly threshold?: number;
  readonly leak?: number;
  readonly reset?: number;
  readonly surrogate?: Surrogate;
}

/** Norse's `lif_feed_forward_step`: current-based, by Euler's method, fires above the threshold. */
export function norseLif({
  tauMembraneInverse = 100,
  tauSynapseInverse = 200,
  dt = 0.001,
  threshold = 1,
  leak = 0,
  reset = 0,
  surrogate = superSpike(100),
}: NorseLifOptions = {}): FixedCurrentLif {
  return {
    decay: 1 - dt * tauMembraneInverse,
    currentDecay: 1 - dt * tauSynapseInverse,
    threshold,
    inputDecayed: true,
    rest: leak,
    inclusive: false,
    surrogate,
    reset: 'zero',
    resetPotential: reset,
    detachReset: true,
  };
}

/** Options of an ALIF neuron; time constants in steps. */
export interface AlifOptions {
  readonly tau?: number;
  readonly tauAdaptation?: number;
  readonly threshold?: number;
  /** What a spike adds to the threshold. */
  readonly strength?: number;
  /** Peak of the surrogate, in spikes per threshold. */
  readonly dampening?: number;
}

/** Bellec's ALIF neuron (2018, 2020), its surrogate a triangle as wide as the threshold, damped. */
export function alif({
  tau = 20,
  tauAdaptation = 200,
  threshold = 1,
  strength = 1.6,
  dampening = 0.3,
}: AlifOptions = {}): FixedAdaptiveLif {
  return {
    decay: Math.exp(-1 / tau),
    threshold,
    adaptationDecay: Math.exp(-1 / tauAdaptation),
    adaptationStrength: strength,
    inputDecayed: false,
    rest: 0,
    inclusive: true,
    detachReset: true,
    surrogate: { kind: 'triangle', amplitude: dampening / threshold, slope: 1 / threshold },
  };
}

/** Options of NIR's LIF, by its names; `tau` and `dt` in s. */
export interface NirLifOptions {
  readonly tau: number;
  readonly dt: number;
  readonly r?: number;
  readonly vLeak?: number;
  readonly vThreshold: number;
  /** What a spike resets the potential to; null subtracts the threshold instead. */
  readonly vReset?: number | null;
  /** `exact`: the solution for an input that is constant over a step; `euler`: its first order. */
  readonly method?: 'exact' | 'euler';
  readonly surrogate?: Surrogate;
}

/** NIR's LIF, tau v' = (v_leak - v) + R I, in steps of dt; fires above the threshold. */
export function nirLif({
  tau,
  dt,
  r = 1,
  vLeak = 0,
  vThreshold,
  vReset = 0,
  method = 'exact',
  surrogate = superSpike(100),
}: NirLifOptions): FixedLif {
  return {
    decay: method === 'exact' ? Math.exp(-dt / tau) : 1 - dt / tau,
    gain: r,
    inputDecayed: true,
    threshold: vThreshold,
    inclusive: false,
    reset: vReset === null ? 'subtract' : 'zero',
    resetPotential: vReset ?? 0,
    rest: vLeak,
    resetTiming: 'after',
    detachReset: true,
    surrogate,
  };
}

function node({
  threshold = 1,
  resetPotential = 0,
  detachReset = false,
  surrogate = sigmoid(4),
}: NodeOptions): Omit<FixedLif, 'decay' | 'inputDecayed'> {
  return {
    threshold,
    inclusive: true,
    reset: resetPotential === null ? 'subtract' : 'zero',
    resetPotential: resetPotential ?? 0,
    rest: resetPotential ?? 0,
    resetTiming: 'after',
    detachReset,
    surrogate,
  };
}
