/** Neurons by the names of the libraries: the LIF constants that each of them means. */
import * as tf from '@tensorflow/tfjs-core';
import type { LifConstants, Surrogate } from '../engines/kernels/index.ts';
import { atan, sigmoid } from './surrogates.ts';

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
}

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
