/**
 * The walk over time that all neurons share. A neuron is one step forward and one backward, written once as
 * arithmetic; this file makes it a kernel over whole sequences, and engines walk in forms of their own.
 *
 * - A sequence is [batch, time, …features]; nothing is transposed.
 * - State is [batch, …features], or [batch, variables, …features] for a neuron with several variables: all that a
 *   step needs to know of the past. A chain of calls that hand it on is the same function as one call.
 * - The backward walk computes the steps again from the input and the first state, which costs less than to keep a
 *   potential for every step.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../../errors.ts';
import { type Algebra, tensorAlgebra } from './algebra.ts';
import { defineKernel, type Kernel } from './kernel.ts';

/** What a step takes; for each neuron one value of each, the parameters being the same for all. */
export interface NeuronStep<T> {
  readonly input: T;
  /** The variables before the step; the first is the membrane potential. */
  readonly state: readonly T[];
  /** The neuron's learned numbers. */
  readonly parameters: readonly T[];
}

/** What a step gives. */
export interface NeuronOutput<T> {
  /** 0 or 1. */
  readonly spikes: T;
  readonly state: readonly T[];
}

/** What a step backward takes. */
export interface NeuronBackwardStep<T> extends NeuronStep<T> {
  readonly spikesGradient: T;
  /** Of the variables after the step. */
  readonly stateGradient: readonly T[];
}

/** What a step backward gives. */
export interface NeuronGradients<T> {
  readonly input: T;
  /** Of the variables before the step. */
  readonly state: readonly T[];
  /** What each neuron contributes to the gradients of the parameters. */
  readonly parameters: readonly T[];
}

/** A kind of neuron; `C` are its constants, plain JSON. */
export interface NeuronDefinition<C> {
  readonly name: string;
  /** Variables of its state. */
  readonly variables: number;
  /** Learned numbers. */
  readonly parameters: number;
  forward<T>(m: Algebra<T>, step: NeuronStep<T>, constants: C): NeuronOutput<T>;
  backward<T>(m: Algebra<T>, step: NeuronBackwardStep<T>, constants: C): NeuronGradients<T>;
}

/** Sequence, learned numbers [parameters] and first state of a neuron. */
export type NeuronInput = 'input' | 'parameters' | 'state';

/** Inputs of the backward walk. Without potentials their gradient is not read. */
export type NeuronGradientInput = NeuronInput | 'spikesGradient' | 'stateGradient' | 'potentialsGradient';

/** Constants of a call. */
export interface NeuronAttributes<C> {
  readonly constants: C;
  /** Whether the potential after every step is an output too. */
  readonly potentials: boolean;
}

/** A neuron as kernels: forward to spikes, last state and potentials; backward to input, state and parameters. */
export interface Neuron<C> extends NeuronDefinition<C> {
  readonly kernel: Kernel<NeuronInput, NeuronAttributes<C>>;
  readonly gradientKernel: Kernel<NeuronGradientInput, NeuronAttributes<C>>;
}

// biome-ignore lint/suspicious/noExplicitAny: neurons of all constants share one list.
const neurons: Neuron<any>[] = [];

/** All neurons that are defined, for engines with a form of the walk of their own. */
export function definedNeurons(): readonly Neuron<unknown>[] {
  return neurons;
}

/** Makes a neuron a kernel. */
export function defineNeuron<C>(definition: NeuronDefinition<C>): Neuron<C> {
  const gradientKernel = defineGradientKernel(definition);
  const kernel = defineKernel<NeuronInput, NeuronAttributes<C>>({
    name: definition.name,
    reference: ({ input, parameters, state }, { constants, potentials }) => {
      const learned = tf.unstack(parameters);
      let variables = unstackState(definition, state);
      const spikes: tf.Tensor[] = [];
      const recorded: tf.Tensor[] = [];
      for (const frame of tf.unstack(input, 1)) {
        const step = { input: frame, state: variables, parameters: learned };
        const output = definition.forward(tensorAlgebra, step, constants);
        variables = output.state;
        spikes.push(output.spikes);
        recorded.push(variables[0]!);
      }
      const outputs = [tf.stack(spikes, 1), stackState(variables)];
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
            potentialsGradient: potentialsGradient ?? stateGradient!,
          },
          attributes,
        );
        return { input: () => input!, parameters: () => parameters!, state: () => state! };
      },
    },
  });
  const neuron = { ...definition, kernel, gradientKernel };
  neurons.push(neuron);
  return neuron;
}

function defineGradientKernel<C>(
  definition: NeuronDefinition<C>,
): Kernel<NeuronGradientInput, NeuronAttributes<C>> {
  return defineKernel<NeuronGradientInput, NeuronAttributes<C>>({
    name: `${definition.name}Gradient`,
    reference: (inputs, { constants, potentials }) => {
      const frames = tf.unstack(inputs.input, 1);
      const spikesGradients = tf.unstack(inputs.spikesGradient, 1);
      const potentialsGradients = potentials ? tf.unstack(inputs.potentialsGradient, 1) : undefined;
      const parameters = tf.unstack(inputs.parameters);
      const states = [unstackState(definition, inputs.state)];
      for (const frame of frames.slice(0, -1)) {
        const step = { input: frame, state: states.at(-1)!, parameters };
        states.push(definition.forward(tensorAlgebra, step, constants).state);
      }
      let stateGradient = unstackState(definition, inputs.stateGradient);
      let learned: readonly tf.Tensor[] = parameters.map((parameter) => tf.zerosLike(parameter));
      const inputGradients: tf.Tensor[] = [];
      for (let step = frames.length - 1; step >= 0; step--) {
        if (potentialsGradients !== undefined) {
          const [first, ...others] = stateGradient;
          stateGradient = [tf.add(first!, potentialsGradients[step]!), ...others];
        }
        const gradients = definition.backward(
          tensorAlgebra,
          {
            input: frames[step]!,
            state: states[step]!,
            parameters,
            spikesGradient: spikesGradients[step]!,
            stateGradient,
          },
          constants,
        );
        stateGradient = gradients.state;
        learned = learned.map((sum, index) => tf.add(sum, tf.sum(gradients.parameters[index]!)));
        inputGradients.unshift(gradients.input);
      }
      return [tf.stack(inputGradients, 1), stackState(stateGradient), tf.stack([...learned])];
    },
  });
}

function unstackState<C>({ variables }: NeuronDefinition<C>, state: tf.Tensor): readonly tf.Tensor[] {
  return variables === 1 ? [state] : tf.unstack(state, 1);
}

function stackState(variables: readonly tf.Tensor[]): tf.Tensor {
  return variables.length === 1 ? tf.clone(variables[0]!) : tf.stack([...variables], 1);
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
