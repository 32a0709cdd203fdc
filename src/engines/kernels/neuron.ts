/**
 * The walk over time that all neurons share. A neuron is one step forward and one backward, written once as
 * arithmetic; this file makes it a kernel over whole sequences, and engines walk in forms of their own.
 *
 * - A sequence is [batch, time, …features], the last feature the channel; nothing is transposed.
 * - State is [batch, …features], or [batch, variables, …features] for a neuron with several variables: all that a
 *   step needs to know of the past. A chain of calls that hand it on is the same function as one call.
 * - Learned numbers are [numbers], the same for all, or [numbers, channels].
 * - The backward walk computes the steps again from the input and the first state, which costs less than to keep a
 *   potential for every step.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Algebra, tensorAlgebra } from './algebra.ts';
import { defineKernel, type Kernel } from './kernel.ts';

/** Values by the names `N`. */
export type Named<N extends string, T> = Readonly<Record<N, T>>;

/** What a step takes: of every neuron one value each. */
export interface NeuronStep<T, V extends string = string, P extends string = string> {
  readonly input: T;
  /** The variables before the step. */
  readonly state: Named<V, T>;
  /** The neuron's learned numbers. */
  readonly parameters: Named<P, T>;
}

/** What a step gives. */
export interface NeuronOutput<T, V extends string = string> {
  /** 0 or 1; of a neuron that never fires, its potential. */
  readonly spikes: T;
  readonly state: Named<V, T>;
}

/** What a step backward takes. */
export interface NeuronBackwardStep<T, V extends string = string, P extends string = string>
  extends NeuronStep<T, V, P> {
  readonly spikesGradient: T;
  /** Of the variables after the step. */
  readonly stateGradient: Named<V, T>;
}

/** What a step backward gives; all have the shape of the input. */
export interface NeuronGradients<T, V extends string = string, P extends string = string> {
  readonly input: T;
  /** Of the variables before the step. */
  readonly state: Named<V, T>;
  /** What each neuron contributes to the gradients of the learned numbers. */
  readonly parameters: Named<P, T>;
}

/** A kind of neuron; `C` are its constants, plain JSON, `V` its variables, `P` its learned numbers. */
export interface NeuronDefinition<C, V extends string = string, P extends string = string> {
  readonly name: string;
  /** Variables of its state; the first is the membrane potential. */
  readonly variables: readonly V[];
  /** True for a neuron that never fires: its output is its potential. */
  readonly silent?: boolean;
  /** Learned numbers. */
  readonly parameters: readonly P[];
  /** The state of a neuron that nothing has happened to. */
  initial(constants: C): Named<V, number>;
  forward<T>(m: Algebra<T>, step: NeuronStep<T, V, P>, constants: C): NeuronOutput<T, V>;
  backward<T>(m: Algebra<T>, step: NeuronBackwardStep<T, V, P>, constants: C): NeuronGradients<T, V, P>;
}

/** Sequence, learned numbers and first state of a neuron. */
export type NeuronInput = 'input' | 'parameters' | 'state';

/** Inputs of the backward walk. Without potentials their gradient is not read. */
export type NeuronGradientInput = NeuronInput | 'spikesGradient' | 'stateGradient' | 'potentialsGradient';

/** Constants of a call. */
export interface NeuronAttributes<C> {
  readonly constants: C;
  /** Whether the potential after every step is an output too. */
  readonly potentials: boolean;
  /** Whether the gradients of the learned numbers are wanted; else they are zero. */
  readonly learns: boolean;
}

/** A neuron as kernels: forward to spikes, last state and potentials; backward to input, state and parameters. */
export interface Neuron<C, V extends string = string, P extends string = string>
  extends NeuronDefinition<C, V, P> {
  readonly kernel: Kernel<NeuronInput, NeuronAttributes<C>>;
  readonly gradientKernel: Kernel<NeuronGradientInput, NeuronAttributes<C>>;
}

// biome-ignore lint/suspicious/noExplicitAny: neurons of all constants and names share one list.
const neurons: Neuron<any, any, any>[] = [];

/** All neurons that are defined, for engines with a form of the walk of their own. */
export function definedNeurons(): readonly Neuron<unknown>[] {
  return neurons;
}

/** Makes a neuron a kernel. */
export function defineNeuron<C, V extends string, P extends string>(
  definition: NeuronDefinition<C, V, P>,
): Neuron<C, V, P> {
  const gradientKernel = defineGradientKernel(definition);
  const kernel = defineKernel<NeuronInput, NeuronAttributes<C>>({
    name: definition.name,
    reference: ({ input, parameters, state }, { constants, potentials }) => {
      const learned = named(definition.parameters, tf.unstack(parameters));
      let variables = unstackState(definition, state);
      const spikes: tf.Tensor[] = [];
      const recorded: tf.Tensor[] = [];
      for (const frame of tf.unstack(input, 1)) {
        const step = { input: frame, state: variables, parameters: learned };
        const output = definition.forward(tensorAlgebra, step, constants);
        variables = output.state;
        spikes.push(output.spikes);
        recorded.push(variables[definition.variables[0]!]);
      }
      const outputs = [tf.stack(spikes, 1), stackState(definition, variables)];
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

function defineGradientKernel<C, V extends string, P extends string>(
  definition: NeuronDefinition<C, V, P>,
): Kernel<NeuronGradientInput, NeuronAttributes<C>> {
  return defineKernel<NeuronGradientInput, NeuronAttributes<C>>({
    name: `${definition.name}Gradient`,
    reference: (inputs, { constants, potentials, learns }) => {
      const frames = tf.unstack(inputs.input, 1);
      const spikesGradients = tf.unstack(inputs.spikesGradient, 1);
      const potentialsGradients = potentials ? tf.unstack(inputs.potentialsGradient, 1) : undefined;
      const numbers = tf.unstack(inputs.parameters);
      const parameters = named(definition.parameters, numbers);
      const states = [unstackState(definition, inputs.state)];
      for (const frame of frames.slice(0, -1)) {
        const step = { input: frame, state: states.at(-1)!, parameters };
        states.push(definition.forward(tensorAlgebra, step, constants).state);
      }
      let stateGradient = unstackState(definition, inputs.stateGradient);
      let sums: readonly tf.Tensor[] = numbers.map((number) => tf.zerosLike(number));
      const inputGradients: tf.Tensor[] = [];
      const [potential] = definition.variables as readonly [V];
      for (let step = frames.length - 1; step >= 0; step--) {
        if (potentialsGradients !== undefined) {
          const whole = tf.add(stateGradient[potential], potentialsGradients[step]!);
          stateGradient = { ...stateGradient, [potential]: whole };
        }
        const gradients = definition.backward(
          tensorAlgebra,
          {
            ...{ input: frames[step]!, state: states[step]!, parameters },
            ...{ spikesGradient: spikesGradients[step]!, stateGradient },
          },
          constants,
        );
        stateGradient = gradients.state;
        if (learns)
          sums = sums.map((sum, index) => {
            const contributions = gradients.parameters[definition.parameters[index]!];
            return tf.add(sum, sumLike(contributions, sum));
          });
        inputGradients.unshift(gradients.input);
      }
      return [tf.stack(inputGradients, 1), stackState(definition, stateGradient), tf.stack([...sums])];
    },
  });
}

/** Sums over all neurons, or over those of each channel. */
function sumLike(contributions: tf.Tensor, { shape }: tf.Tensor): tf.Tensor {
  return shape.length === 0 ? tf.sum(contributions) : tf.sum(tf.reshape(contributions, [-1, shape[0]!]), 0);
}

/** Values in the order of their names. */
export function named<N extends string, T>(names: readonly N[], values: readonly T[]): Named<N, T> {
  return Object.fromEntries(names.map((name, index) => [name, values[index]!])) as Record<N, T>;
}

function unstackState<C, V extends string, P extends string>(
  { variables }: NeuronDefinition<C, V, P>,
  state: tf.Tensor,
): Named<V, tf.Tensor> {
  return named(variables, variables.length === 1 ? [state] : tf.unstack(state, 1));
}

function stackState<C, V extends string, P extends string>(
  { variables }: NeuronDefinition<C, V, P>,
  state: Named<V, tf.Tensor>,
): tf.Tensor {
  const values = variables.map((name) => state[name]);
  return values.length === 1 ? tf.clone(values[0]!) : tf.stack(values, 1);
}
