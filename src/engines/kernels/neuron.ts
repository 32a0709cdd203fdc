/**
 * The walk over time that all neurons share. A neuron is what one step does to a row of neurons, forward and
 * backward, as loops over typed arrays and as tfjs operations; this file makes it a kernel over whole sequences.
 *
 * - A sequence is [batch, time, …features]; the walk takes a block of neighbouring neurons through all steps, so
 *   that what it touches stays in the cache, and nothing is transposed.
 * - State is [batch, …features], or [batch, variables, …features] for a neuron with several variables: all that a
 *   step needs to know of the past. A chain of calls that hand it on is the same function as one call.
 * - The backward walk computes the steps again from the input and the first state, which costs less than to keep a
 *   potential for every step.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../../errors.ts';
import { defineKernel, type HostTensor, type Kernel } from './kernel.ts';

/** One step of a row of neurons. Offsets and counts are in elements. */
export interface ForwardRow {
  readonly input: Float32Array;
  /** Where the row begins in `input` and `spikes`. */
  offset: number;
  count: number;
  /** State variables of the row one after the other; the step replaces them. */
  state: Float32Array;
  readonly spikes: Float32Array;
  /** The neuron's learned numbers. */
  readonly parameters: Float32Array;
}

/** One step backward of a row of neurons. */
export interface BackwardRow {
  readonly input: Float32Array;
  readonly spikesGradient: Float32Array;
  readonly inputGradient: Float32Array;
  /** Where the row begins in the three arrays above. */
  offset: number;
  count: number;
  /** State before the step. */
  state: Float32Array;
  /** Gradient of the state after the step; the step replaces it by that of the state before. */
  readonly stateGradient: Float32Array;
  /** Room for the step's own use, twice the row. */
  readonly scratch: readonly [Float32Array, Float32Array];
  readonly parameters: Float32Array;
  /** The step adds to it. */
  readonly parametersGradient: Float64Array;
}

/** A kind of neuron; `A` are its constants. */
export interface NeuronDefinition<A> {
  readonly name: string;
  /** Variables of its state; the first is the membrane potential. */
  readonly variables: number;
  forward(row: ForwardRow, constants: A): void;
  backward(row: BackwardRow, constants: A): void;
  /** The step in tfjs operations: input and state [batch, …]. */
  referenceForward(input: tf.Tensor, state: tf.Tensor, parameters: tf.Tensor, constants: A): ReferenceStep;
  /** The backward step in tfjs operations. */
  referenceBackward(call: ReferenceBackward, constants: A): ReferenceGradients;
}

/** What a step gives in tfjs operations. */
export interface ReferenceStep {
  readonly spikes: tf.Tensor;
  readonly state: tf.Tensor;
}

/** What a backward step takes in tfjs operations. */
export interface ReferenceBackward {
  readonly input: tf.Tensor;
  readonly state: tf.Tensor;
  readonly parameters: tf.Tensor;
  readonly spikesGradient: tf.Tensor;
  /** Of the state after the step. */
  readonly stateGradient: tf.Tensor;
}

/** What a backward step gives in tfjs operations. */
export interface ReferenceGradients {
  readonly input: tf.Tensor;
  readonly state: tf.Tensor;
  readonly parameters: tf.Tensor;
}

/** Sequence, learned numbers and first state of a neuron. */
export type NeuronInput = 'input' | 'parameters' | 'state';

/** Constants of a call. */
export interface NeuronAttributes<A> {
  readonly constants: A;
  /** Whether the potential after every step is an output too. */
  readonly potentials: boolean;
}

/** Outputs: spikes, last state and, if asked for, potentials [batch, time, …features]. */
export type NeuronKernel<A> = Kernel<NeuronInput, NeuronAttributes<A>>;

/** Neurons that go through time together: input, spikes and states of a block stay within the cache. */
const BLOCK_ELEMENTS = 16384;

/** Makes a neuron a kernel. */
export function defineNeuron<A>(neuron: NeuronDefinition<A>): NeuronKernel<A> {
  const gradientKernel = defineGradientKernel(neuron);
  return defineKernel<NeuronInput, NeuronAttributes<A>>({
    name: neuron.name,
    shapes: ({ input, state }, { potentials }) => {
      const sequence = [...input.shape];
      return [sequence, [...state.shape], ...(potentials ? [sequence] : [])];
    },
    host: ({ input, parameters, state }, [spikes, lastState, potentials], { constants }) => {
      const block = blockOf(input.shape, neuron.variables);
      const row: ForwardRow = {
        input: input.values,
        offset: 0,
        count: 0,
        state: new Float32Array(neuron.variables * block.size),
        spikes: spikes!.values,
        parameters: parameters.values,
      };
      forEachBlock(input.shape, block.size, (batch, feature, count) => {
        row.count = count;
        const { features, steps } = block;
        copyState(neuron.variables, count, row.state, (variable) => {
          const from = (batch * neuron.variables + variable) * features + feature;
          return state.values.subarray(from, from + count);
        });
        for (let step = 0; step < steps; step++) {
          row.offset = (batch * steps + step) * features + feature;
          neuron.forward(row, constants);
          potentials?.values.set(row.state.subarray(0, count), row.offset);
        }
        storeState(neuron.variables, count, row.state, (variable) => {
          const to = (batch * neuron.variables + variable) * features + feature;
          return lastState!.values.subarray(to, to + count);
        });
      });
    },
    reference: ({ input, parameters, state }, { constants, potentials }) => {
      const spikes: tf.Tensor[] = [];
      const recorded: tf.Tensor[] = [];
      let present = state;
      for (const frame of tf.unstack(input, 1)) {
        const step = neuron.referenceForward(frame, present, parameters, constants);
        present = step.state;
        spikes.push(step.spikes);
        if (potentials) recorded.push(neuron.variables === 1 ? present : tf.unstack(present, 1)[0]!);
      }
      const outputs = [tf.stack(spikes, 1), tf.clone(present)];
      return potentials ? [...outputs, tf.stack(recorded, 1)] : outputs;
    },
    gradient: {
      saveInputs: ['input', 'parameters', 'state'],
      backward: ([spikesGradient, stateGradient, potentialsGradient], inputs, _, attributes) => {
        const [input, state, parameters] = gradientKernel.run(
          {
            ...inputs,
            spikesGradient: spikesGradient!,
            stateGradient: stateGradient!,
            // A kernel's inputs are all there; without potentials this one is not read.
            potentialsGradient: potentialsGradient ?? stateGradient!,
          },
          attributes,
        );
        return { input: () => input!, parameters: () => parameters!, state: () => state! };
      },
    },
  });
}

type GradientInput = NeuronInput | 'spikesGradient' | 'stateGradient' | 'potentialsGradient';

function defineGradientKernel<A>(neuron: NeuronDefinition<A>): Kernel<GradientInput, NeuronAttributes<A>> {
  return defineKernel<GradientInput, NeuronAttributes<A>>({
    name: `${neuron.name}Gradient`,
    shapes: ({ input, state, parameters }) => [[...input.shape], [...state.shape], [...parameters.shape]],
    host: (inputs, outputs, { constants, potentials }) =>
      walkBack(neuron, inputs, outputs, constants, potentials),
    reference: (inputs, { constants, potentials }) => {
      const frames = tf.unstack(inputs.input, 1);
      const spikesGradients = tf.unstack(inputs.spikesGradient, 1);
      const recorded = potentials ? tf.unstack(inputs.potentialsGradient, 1) : undefined;
      const states = [inputs.state];
      for (const frame of frames.slice(0, -1)) {
        states.push(neuron.referenceForward(frame, states.at(-1)!, inputs.parameters, constants).state);
      }
      let stateGradient = inputs.stateGradient;
      let parameters: tf.Tensor = tf.zerosLike(inputs.parameters);
      const inputGradients: tf.Tensor[] = [];
      for (let step = frames.length - 1; step >= 0; step--) {
        if (recorded !== undefined) {
          stateGradient = addToPotential(neuron.variables, stateGradient, recorded[step]!);
        }
        const gradients = neuron.referenceBackward(
          {
            input: frames[step]!,
            state: states[step]!,
            parameters: inputs.parameters,
            spikesGradient: spikesGradients[step]!,
            stateGradient,
          },
          constants,
        );
        stateGradient = gradients.state;
        parameters = tf.add(parameters, gradients.parameters);
        inputGradients.unshift(gradients.input);
      }
      return [tf.stack(inputGradients, 1), tf.clone(stateGradient), parameters];
    },
  });
}

function addToPotential(variables: number, stateGradient: tf.Tensor, potential: tf.Tensor): tf.Tensor {
  if (variables === 1) return tf.add(stateGradient, potential);
  const [first, ...others] = tf.unstack(stateGradient, 1);
  return tf.stack([tf.add(first!, potential), ...others], 1);
}

function walkBack<A>(
  neuron: NeuronDefinition<A>,
  inputs: Readonly<Record<GradientInput, HostTensor>>,
  [inputGradient, firstGradient, parametersGradient]: readonly HostTensor[],
  constants: A,
  potentials: boolean,
): void {
  const { variables } = neuron;
  const { shape } = inputs.input;
  const { size, features, steps } = blockOf(shape, variables);
  const states = Array.from({ length: steps + 1 }, () => new Float32Array(variables * size));
  const forward: ForwardRow = {
    input: inputs.input.values,
    offset: 0,
    count: 0,
    state: states[0]!,
    // The spikes of the steps that are computed again are not needed; the gradient's place is free until later.
    spikes: inputGradient!.values,
    parameters: inputs.parameters.values,
  };
  const row: BackwardRow = {
    input: inputs.input.values,
    spikesGradient: inputs.spikesGradient.values,
    inputGradient: inputGradient!.values,
    offset: 0,
    count: 0,
    state: states[0]!,
    stateGradient: new Float32Array(variables * size),
    scratch: [new Float32Array(size), new Float32Array(size)],
    parameters: inputs.parameters.values,
    parametersGradient: new Float64Array(inputs.parameters.values.length),
  };
  const recorded = inputs.potentialsGradient.values;
  forEachBlock(shape, size, (batch, feature, count) => {
    const part = (values: Float32Array, variable: number): Float32Array => {
      const from = (batch * variables + variable) * features + feature;
      return values.subarray(from, from + count);
    };
    forward.count = count;
    row.count = count;
    copyState(variables, count, states[0]!, (variable) => part(inputs.state.values, variable));
    for (let step = 0; step < steps - 1; step++) {
      states[step + 1]!.set(states[step]!);
      forward.state = states[step + 1]!;
      forward.offset = (batch * steps + step) * features + feature;
      neuron.forward(forward, constants);
    }
    copyState(variables, count, row.stateGradient, (variable) => part(inputs.stateGradient.values, variable));
    for (let step = steps - 1; step >= 0; step--) {
      row.offset = (batch * steps + step) * features + feature;
      row.state = states[step]!;
      if (potentials) addRow(row.stateGradient, recorded, row.offset, count);
      neuron.backward(row, constants);
    }
    storeState(variables, count, row.stateGradient, (variable) => part(firstGradient!.values, variable));
  });
  parametersGradient!.values.set(row.parametersGradient);
}

function addRow(sum: Float32Array, values: Float32Array, offset: number, count: number): void {
  for (let i = 0; i < count; i++) sum[i]! += values[offset + i]!;
}

function copyState(
  variables: number,
  count: number,
  row: Float32Array,
  part: (variable: number) => Float32Array,
): void {
  for (let variable = 0; variable < variables; variable++) row.set(part(variable), variable * count);
}

function storeState(
  variables: number,
  count: number,
  row: Float32Array,
  part: (variable: number) => Float32Array,
): void {
  for (let variable = 0; variable < variables; variable++) {
    part(variable).set(row.subarray(variable * count, (variable + 1) * count));
  }
}

interface Block {
  readonly steps: number;
  /** Neurons of one sample. */
  readonly features: number;
  /** Neurons of a block. */
  readonly size: number;
}

function blockOf(shape: readonly number[], variables: number): Block {
  const steps = shape[1]!;
  const features = tf.util.sizeFromShape(shape.slice(2));
  const size = Math.max(64, Math.floor(BLOCK_ELEMENTS / (steps * variables)));
  return { steps, features, size: Math.min(features, size) };
}

function forEachBlock(
  shape: readonly number[],
  size: number,
  visit: (batch: number, feature: number, count: number) => void,
): void {
  const features = tf.util.sizeFromShape(shape.slice(2));
  for (let batch = 0; batch < shape[0]!; batch++) {
    for (let feature = 0; feature < features; feature += size) {
      visit(batch, feature, Math.min(size, features - feature));
    }
  }
}

/** The shape of a neuron's state for a sequence [batch, time, …features]. */
export function stateShape(sequence: readonly number[], variables: number): number[] {
  const [batch, , ...features] = sequence as [number, number, ...number[]];
  return variables === 1 ? [batch, ...features] : [batch, variables, ...features];
}

/** Throws unless the state fits the sequence. */
export function requireState(name: string, input: tf.Tensor, state: tf.Tensor, variables: number): void {
  if (input.rank < 2) {
    throw new ShapeError(`${name}: expected a sequence [batch, time, …features], found [${input.shape}]`);
  }
  const expected = stateShape(input.shape, variables);
  if (state.shape.join() !== expected.join()) {
    throw new ShapeError(
      `${name}: expected a state [${expected}] for a sequence [${input.shape}], found [${state.shape}]`,
    );
  }
}
