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
import {
  defineNeuron,
  type NeuronAttributes,
  type NeuronKernel,
  requireState,
  stateShape,
} from './neuron.ts';
import { type Surrogate, surrogateInPlace, surrogateOf } from './surrogate.ts';

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
  const attributes: NeuronAttributes<LifConstants> = { constants, potentials };
  const outputs = lifKernel.run({ input, parameters: learned, state: first }, attributes);
  const result = { spikes: outputs[0]!, state: outputs[1]! };
  return potentials ? { ...result, potentials: outputs[2]! } : result;
}

/**
 * The constants as factors, so that one loop without branches serves all kinds. The potential is float32, so above
 * the threshold is at or above the next float32 number.
 */
export interface Factors {
  readonly fires: number;
  readonly early: number;
  readonly late: number;
  /** The threshold if the reset subtracts it, else 0. */
  readonly subtract: number;
  /** 1 if the reset sets the potential, else 0. */
  readonly hard: number;
}

export function factorsOf({ threshold, inclusive, reset, resetTiming }: LifConstants): Factors {
  const limit = Math.fround(threshold);
  return {
    fires: inclusive ? limit : nextFloat32(limit),
    early: resetTiming === 'after' || reset === 'none' ? 0 : 1,
    late: resetTiming === 'before' || reset === 'none' ? 0 : 1,
    subtract: reset === 'subtract' ? limit : 0,
    hard: reset === 'zero' ? 1 : 0,
  };
}

/** The smallest float32 number above `value`. */
function nextFloat32(value: number): number {
  const floats = new Float32Array([value === 0 ? 0 : value]);
  const bits = new Int32Array(floats.buffer);
  bits[0]! += floats[0]! < 0 ? -1 : 1;
  return floats[0]!;
}

export const lifKernel: NeuronKernel<LifConstants> = defineNeuron<LifConstants>({
  name: 'Lif',
  variables: 1,

  forward: ({ input, offset, count, state, spikes, parameters }, constants) => {
    const { fires, early, late, subtract, hard } = factorsOf(constants);
    const { inputDecayed, resetPotential, rest } = constants;
    const decay = parameters[0]!;
    const gain = inputDecayed ? 1 - decay : 1;
    const leak = (1 - decay) * rest;
    for (let i = 0; i < count; i++) {
      const v = state[i]!;
      const r = v >= fires ? early : 0;
      const kept = v + r * hard * (resetPotential - v);
      const u = Math.fround(decay * kept + gain * input[offset + i]! + leak - r * subtract);
      const s = u >= fires ? 1 : 0;
      const q = late * (s - r);
      spikes[offset + i] = s;
      state[i] = u - q * subtract + q * hard * (resetPotential - u);
    }
  },

  backward: (row, constants) => {
    const { input, spikesGradient, inputGradient, offset, count, state, stateGradient } = row;
    const { fires, early, late, subtract, hard } = factorsOf(constants);
    const { inputDecayed, threshold, resetPotential, rest, detachReset, surrogate } = constants;
    const decay = row.parameters[0]!;
    const gain = inputDecayed ? 1 - decay : 1;
    const leak = (1 - decay) * rest;
    const [derivative, earlyDerivative] = row.scratch;
    for (let i = 0; i < count; i++) {
      const v = state[i]!;
      const r = v >= fires ? early : 0;
      const kept = v + r * hard * (resetPotential - v);
      derivative[i] = Math.fround(decay * kept + gain * input[offset + i]! + leak - r * subtract) - threshold;
    }
    surrogateInPlace(surrogate, derivative, count);
    const throughLate = detachReset ? 0 : late;
    const throughEarly = detachReset || late === 1 ? 0 : early;
    if (throughEarly === 1) {
      for (let i = 0; i < count; i++) earlyDerivative[i] = state[i]! - threshold;
      surrogateInPlace(surrogate, earlyDerivative, count);
    }
    let decayGradient = 0;
    for (let i = 0; i < count; i++) {
      const v = state[i]!;
      const x = input[offset + i]!;
      const r = v >= fires ? early : 0;
      const kept = v + r * hard * (resetPotential - v);
      const u = Math.fround(decay * kept + gain * x + leak - r * subtract);
      const q = late * ((u >= fires ? 1 : 0) - r);
      const g = stateGradient[i]!;
      const throughReset = throughLate * g * (hard * (resetPotential - u) - subtract);
      const gu = g * (1 - q * hard) + (spikesGradient[offset + i]! + throughReset) * derivative[i]!;
      inputGradient[offset + i] = gain * gu;
      let gv = decay * gu * (1 - r * hard);
      if (throughEarly === 1) {
        gv += gu * (decay * hard * (resetPotential - v) - subtract) * earlyDerivative[i]!;
      }
      stateGradient[i] = gv;
      decayGradient += gu * (kept - rest - (inputDecayed ? x : 0));
    }
    row.parametersGradient[0]! += decayGradient;
  },

  referenceForward: (input, state, parameters, constants) => {
    const { fires, late, subtract, hard } = factorsOf(constants);
    const { r, u } = charge(input, state, parameters, constants);
    const spikes = tf.cast(tf.greaterEqual(u, fires), 'float32');
    if (late === 0) return { spikes, state: u };
    const q = tf.sub(spikes, r);
    const reset = tf.add(tf.mul(q, -subtract), tf.mul(tf.mul(q, hard), tf.sub(constants.resetPotential, u)));
    return { spikes, state: tf.add(u, reset) };
  },

  referenceBackward: ({ input, state, parameters, spikesGradient, stateGradient }, constants) => {
    const { fires, early, late, subtract, hard } = factorsOf(constants);
    const { inputDecayed, threshold, resetPotential, rest, detachReset, surrogate } = constants;
    const decay = tf.reshape(parameters, []);
    const { r, kept, u } = charge(input, state, parameters, constants);
    const derivative = surrogateOf(surrogate, tf.sub(u, threshold));
    let fromSpikes = spikesGradient;
    let direct = stateGradient;
    if (late === 1) {
      const q = tf.sub(tf.cast(tf.greaterEqual(u, fires), 'float32'), r);
      direct = tf.mul(stateGradient, tf.sub(1, tf.mul(q, hard)));
      if (!detachReset) {
        const jump = tf.sub(tf.mul(hard, tf.sub(resetPotential, u)), subtract);
        fromSpikes = tf.add(fromSpikes, tf.mul(stateGradient, jump));
      }
    }
    const gu = tf.add(direct, tf.mul(fromSpikes, derivative));
    let gv = tf.mul(tf.mul(decay, gu), tf.sub(1, tf.mul(r, hard)));
    if (early === 1 && late === 0 && !detachReset) {
      const jump = tf.sub(tf.mul(tf.mul(decay, hard), tf.sub(resetPotential, state)), subtract);
      gv = tf.add(gv, tf.mul(tf.mul(gu, jump), surrogateOf(surrogate, tf.sub(state, threshold))));
    }
    const change = inputDecayed ? tf.sub(tf.sub(kept, rest), input) : tf.sub(kept, rest);
    return {
      input: inputDecayed ? tf.mul(tf.sub(1, decay), gu) : gu,
      state: gv,
      parameters: tf.reshape(tf.sum(tf.mul(gu, change)), [1]),
    };
  },
});

/** The potential before it fires, in tfjs operations. */
function charge(
  input: tf.Tensor,
  state: tf.Tensor,
  parameters: tf.Tensor,
  constants: LifConstants,
): { r: tf.Tensor; kept: tf.Tensor; u: tf.Tensor } {
  const { fires, early, subtract, hard } = factorsOf(constants);
  const { inputDecayed, resetPotential, rest } = constants;
  const decay = tf.reshape(parameters, []);
  const r = early === 1 ? tf.cast(tf.greaterEqual(state, fires), 'float32') : tf.zerosLike(state);
  const kept = hard === 1 ? tf.add(state, tf.mul(r, tf.sub(resetPotential, state))) : state;
  const gained = inputDecayed ? tf.mul(tf.sub(1, decay), input) : input;
  const leak = tf.mul(tf.sub(1, decay), rest);
  const u = tf.sub(tf.add(tf.add(tf.mul(decay, kept), gained), leak), tf.mul(r, subtract));
  return { r, kept, u };
}
