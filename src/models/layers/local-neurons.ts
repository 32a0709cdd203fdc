/**
 * Neurons as a layer-local rule sees them: a step forward over a block of time, and a step back that ends at the
 * layer's own input and first state. No gradient flows through a reset, so a linear reset leaves the way back of a
 * block as presynaptic traces have it: the sum over steps of trace x surrogate x error.
 */
import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import {
  leakyIntegratorNeuron,
  lifNeuron,
  refractoryLifNeuron,
  type Surrogate,
} from '../../engines/kernels/index.ts';
import type { FixedLif } from '../neurons.ts';
import { lifSchema, surrogateSchema } from './lif-layer.ts';

/** A kind of neuron as plain JSON. */
export type LocalNeuron =
  /** A LIF neuron without a refractory period. */
  | { kind: 'lif'; neuron: FixedLif }
  /**
   * A LIF neuron with a decayed input that fires at or above its threshold, is reset to 0, and then cannot fire for
   * some steps, in which it integrates (`mask`) or not (`hold`).
   */
  | {
      kind: 'refractory';
      decay: number;
      threshold: number;
      refractorySteps: number;
      refractoryForm: 'mask' | 'hold';
      surrogate: Surrogate;
    }
  /** A leaky sum that never fires: v <- decay v + x. */
  | { kind: 'readout'; decay: number };

const finite = v.pipe(v.number(), v.finite());

/** The schema of a neuron in a configuration. */
export const localNeuronSchema: v.GenericSchema<unknown, LocalNeuron> = v.variant('kind', [
  v.strictObject({ kind: v.literal('lif'), neuron: lifSchema }),
  v.strictObject({
    kind: v.literal('refractory'),
    decay: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
    threshold: finite,
    refractorySteps: v.pipe(v.number(), v.integer(), v.minValue(0)),
    refractoryForm: v.picklist(['mask', 'hold']),
    surrogate: surrogateSchema,
  }),
  v.strictObject({
    kind: v.literal('readout'),
    decay: v.pipe(v.number(), v.minValue(0), v.ltValue(1)),
  }),
]);

/** The neurons of a layer. */
export interface LocalNeurons {
  /** Whether the output is spikes, 0 or 1; else it is the potential. */
  readonly spiking: boolean;
  readonly threshold: number;
  /** Share of the potential that a step leaves, and share of the input that it adds: what a trace follows. */
  readonly decay: number;
  readonly gain: number;
  initialState(batch: number, units: number): tf.Tensor;
  /**
   * @param drive [batch, steps, units]
   * @param potentials also give the potential after every step
   */
  forward(drive: tf.Tensor, state: tf.Tensor, potentials?: boolean): NeuronSteps;
  /** Gradients of the drive, [batch, steps, units], and of the potential before the first step, [batch, units]. */
  backward(
    given: { readonly drive: tf.Tensor; readonly state: tf.Tensor },
    outputGradient: tf.Tensor,
    potentialGradient: tf.Tensor,
  ): { readonly drive: tf.Tensor; readonly potential: tf.Tensor };
}

/** What a block of steps gave. */
export interface NeuronSteps {
  /** [batch, steps, units]. */
  readonly output: tf.Tensor;
  readonly state: tf.Tensor;
  /** [batch, steps, units], where asked for. */
  readonly potentials?: tf.Tensor;
}

/** Neurons from their configuration. */
export function localNeurons(config: LocalNeuron): LocalNeurons {
  switch (config.kind) {
    case 'lif':
      return lifNeurons(config.neuron);
    case 'refractory':
      return refractoryNeurons(config);
    case 'readout':
      return readoutNeurons(config.decay);
  }
}

function lifNeurons({ decay, threshold, ...given }: FixedLif): LocalNeurons {
  const constants = { ...given, detachReset: true };
  const parameters = (): tf.Tensor => tf.tensor1d([decay, threshold]);
  const { gain = 1, inputDecayed } = given;
  return {
    spiking: true,
    threshold,
    decay,
    gain: gain * (inputDecayed ? 1 - decay : 1),
    initialState: (batch, units) => tf.fill([batch, units], given.rest),
    forward: (input, state, potentials = false) => {
      const call = { input, parameters: parameters(), state };
      return neuronSteps(lifNeuron.kernel.run(call, { constants, potentials, learns: false }));
    },
    backward: ({ drive: input, state }, spikesGradient, stateGradient) => {
      const call = {
        ...{ input, parameters: parameters(), state },
        ...{ spikesGradient, stateGradient, potentialsGradient: stateGradient },
      };
      const [drive, potential] = lifNeuron.gradientKernel.run(call, {
        constants,
        potentials: false,
        learns: false,
      });
      return { drive: drive!, potential: potential! };
    },
  };
}

function neuronSteps([output, state, potentials]: readonly tf.Tensor[]): NeuronSteps {
  return { output: output!, state: state!, ...(potentials && { potentials }) };
}

type Refractory = Extract<LocalNeuron, { kind: 'refractory' }>;

function refractoryNeurons(config: Refractory): LocalNeurons {
  const { decay, threshold, refractorySteps, refractoryForm, surrogate } = config;
  const constants = {
    ...{ gain: 1, inputDecayed: true, rest: 0, inclusive: true },
    ...{ reset: 'zero' as const, resetPotential: 0, detachReset: true },
    ...{ refractorySteps, refractoryForm, surrogate },
  };
  const parameters = (): tf.Tensor => tf.tensor1d([decay, threshold]);
  return {
    spiking: true,
    threshold,
    decay,
    gain: 1 - decay,
    initialState: (batch, units) => tf.zeros([batch, 2, units]),
    forward: (input, state, potentials = false) => {
      const call = { input, parameters: parameters(), state };
      return neuronSteps(refractoryLifNeuron.kernel.run(call, { constants, potentials, learns: false }));
    },
    backward: ({ drive: input, state }, spikesGradient, potentialGradient) => {
      const stateGradient = tf.stack([potentialGradient, tf.zerosLike(potentialGradient)], 1);
      const call = {
        ...{ input, parameters: parameters(), state },
        ...{ spikesGradient, stateGradient, potentialsGradient: stateGradient },
      };
      const [drive, before] = refractoryLifNeuron.gradientKernel.run(call, {
        constants,
        potentials: false,
        learns: false,
      });
      return { drive: drive!, potential: tf.unstack(before!, 1)[0]! };
    },
  };
}

function readoutNeurons(decay: number): LocalNeurons {
  const attributes = { constants: { inputDecayed: false, rest: 0 }, potentials: false, learns: false };
  const parameters = (): tf.Tensor => tf.tensor1d([decay]);
  return {
    spiking: false,
    threshold: Number.POSITIVE_INFINITY,
    decay,
    gain: 1,
    initialState: (batch, units) => tf.zeros([batch, units]),
    forward: (input, first) => {
      const call = { input, parameters: parameters(), state: first };
      const [potentials, state] = leakyIntegratorNeuron.kernel.run(call, attributes);
      return { output: potentials!, state: state!, potentials: potentials! };
    },
    backward: ({ drive: input, state }, spikesGradient, stateGradient) => {
      const call = {
        ...{ input, parameters: parameters(), state },
        ...{ spikesGradient, stateGradient, potentialsGradient: spikesGradient },
      };
      const [drive, potential] = leakyIntegratorNeuron.gradientKernel.run(call, attributes);
      return { drive: drive!, potential: potential! };
    },
  };
}
