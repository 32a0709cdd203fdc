/** Neurons as functions over sequences: their learned numbers as one tensor, their state as the caller hands it on. */
import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../../errors.ts';
import type { Named, Neuron } from './neuron.ts';

/** A learned number: fixed, a tensor of one element, or one of an element for each channel. */
export type Learned = number | tf.Tensor;

/** What a neuron is told: its constants and its learned numbers. */
export type NeuronParameters<C, P extends string> = C & Named<P, Learned>;

/** What a sequence of steps gives. */
export interface NeuronResult {
  /** 0 or 1, [batch, time, …features]; of neurons that never fire, their potentials. */
  readonly spikes: tf.Tensor;
  /** Variables after the last step, [batch, …features], or [batch, variables, …features] if they are several. */
  readonly state: tf.Tensor;
}

/**
 * Neurons over a sequence [batch, time, …features], all steps in one operation with its exact backward. A chain of
 * calls that hand the state on is the same function as one call over the whole sequence.
 */
export interface NeuronFunction<C, P extends string> {
  /** What it computes. */
  readonly neuron: Neuron<C, string, P>;
  /**
   * @param state variables before the first step, as a call gives them; default: the neuron at rest
   * @param options potentials: also give the potential after every step, [batch, time, …features]
   */
  (
    input: tf.Tensor,
    parameters: NeuronParameters<C, P>,
    state: tf.Tensor | undefined,
    options: { readonly potentials: true },
  ): NeuronResult & { readonly potentials: tf.Tensor };
  (input: tf.Tensor, parameters: NeuronParameters<C, P>, state?: tf.Tensor): NeuronResult;
}

/** A neuron as a function; `title` is what its errors call it. */
export function neuronFunction<C extends object, V extends string, P extends string>(
  title: string,
  neuron: Neuron<C, V, P>,
): NeuronFunction<C, P> {
  const run = (
    input: tf.Tensor,
    parameters: NeuronParameters<C, P>,
    state?: tf.Tensor,
    { potentials = false }: { readonly potentials?: boolean } = {},
  ): NeuronResult & { readonly potentials?: tf.Tensor } => {
    if (input.rank < 2) {
      throw new ShapeError(`${title}: expected a sequence [batch, time, …features], found [${input.shape}]`);
    }
    const { learned, constants, learns } = splitParameters(title, neuron, parameters, input.shape.at(-1)!);
    const first = state ?? initialState(neuron, input.shape, constants);
    requireState(title, input, first, neuron.variables.length);
    const inputs = { input, parameters: learned, state: first };
    const outputs = neuron.kernel.run(inputs, { constants, potentials, learns });
    const result = { spikes: outputs[0]!, state: outputs[1]! };
    return potentials ? { ...result, potentials: outputs[2]! } : result;
  };
  return Object.assign(run, { neuron }) as unknown as NeuronFunction<C, P>;
}

/** A neuron's learned numbers as one tensor, [numbers] or [numbers, channels]; its constants; whether some are tensors. */
export function splitParameters<C extends object, V extends string, P extends string>(
  title: string,
  { parameters: names }: Pick<Neuron<C, V, P>, 'parameters'>,
  parameters: NeuronParameters<C, P>,
  channels: number,
): { readonly learned: tf.Tensor; readonly constants: C; readonly learns: boolean } {
  const constants = { ...parameters } as Record<string, unknown>;
  for (const name of names) delete constants[name];
  const values = names.map((name) => parameters[name] as Learned);
  const learns = values.some((value) => typeof value !== 'number');
  return { learned: learnedTensor(title, names, values, channels), constants: constants as C, learns };
}

function learnedTensor(
  title: string,
  names: readonly string[],
  values: readonly Learned[],
  channels: number,
): tf.Tensor {
  if (values.every((value) => typeof value === 'number')) return tf.tensor1d([...values]);
  const size = Math.max(...values.map((value) => (typeof value === 'number' ? 1 : value.size)));
  const shape = size === 1 ? [] : [channels];
  const whole = values.map((value, index) => {
    if (typeof value === 'number') return tf.fill(shape, value);
    if (value.size !== 1 && (value.size !== channels || value.rank !== 1)) {
      throw new ShapeError(
        `${title}: expected a ${names[index]} of 1 or [${channels}] values, one a channel, found [${value.shape}]`,
      );
    }
    return tf.broadcastTo(tf.reshape(value, value.size === 1 ? [] : shape), shape);
  });
  return tf.stack(whole);
}

/** The shape of a neuron's state for a sequence [batch, time, …features]. */
export function stateShape(sequence: readonly number[], variables: number): number[] {
  const [batch, , ...features] = sequence as [number, number, ...number[]];
  return variables === 1 ? [batch, ...features] : [batch, variables, ...features];
}

/** The state of neurons that nothing has happened to, for a sequence [batch, time, …features]. */
export function initialState<C, V extends string, P extends string>(
  neuron: Neuron<C, V, P>,
  sequence: readonly number[],
  constants: C,
): tf.Tensor {
  const initial = neuron.initial(constants);
  const values = neuron.variables.map((name) => initial[name]);
  const shape = stateShape(sequence, values.length);
  if (values.every((value) => value === values[0])) return tf.fill(shape, values[0]!);
  const single = stateShape(sequence, 1);
  return tf.stack(
    values.map((value) => tf.fill(single, value)),
    1,
  );
}

function requireState(title: string, input: tf.Tensor, state: tf.Tensor, variables: number): void {
  const expected = stateShape(input.shape, variables);
  if (state.shape.join() !== expected.join()) {
    throw new ShapeError(
      `${title}: expected a state [${expected}] for a sequence [${input.shape}], found [${state.shape}]`,
    );
  }
}
