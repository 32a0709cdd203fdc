import { numberAlgebra } from '../../../src/engines/kernels/algebra.ts';
import { type NeuronDefinition, named } from '../../../src/engines/kernels/neuron.ts';
import { type Plain, plain, sizeOf } from './plain.ts';

/** What a neuron is given: sequence [batch, steps, …features], state [batch, variables, …features], learned numbers. */
export interface WalkInputs {
  readonly input: Plain;
  readonly state: Plain;
  /** [parameters], or [parameters, channels]. */
  readonly parameters: Plain;
}

/** Weights of a scalar loss: the sum of outputs, potentials and last state times these. */
export interface WalkWeights {
  readonly spikes: Plain;
  readonly potentials: Plain;
  readonly last: Plain;
}

/** What a neuron gives, and the gradients of the loss. */
export interface Walked {
  readonly spikes: Plain;
  readonly potentials: Plain;
  readonly last: Plain;
  readonly inputGradient: Plain;
  readonly stateGradient: Plain;
  readonly parametersGradient: Plain;
}

/** One neuron after the other through all steps and back, in double precision. */
export function walk<C>(
  neuron: NeuronDefinition<C>,
  constants: C,
  { input, state, parameters }: WalkInputs,
  weights: WalkWeights,
): Walked {
  const [batch, steps, ...features] = input.shape as [number, number, ...number[]];
  const size = sizeOf(features);
  const variables = neuron.variables.length;
  const channels = parameters.shape[1] ?? 1;
  const zeros = ({ shape }: Plain): Plain => plain(shape, () => 0);
  const result = {
    ...{ spikes: zeros(input), potentials: zeros(input), last: zeros(state) },
    ...{ inputGradient: zeros(input), stateGradient: zeros(state), parametersGradient: zeros(parameters) },
  };
  for (let index = 0; index < batch * size; index++) {
    const [sample, feature] = [Math.floor(index / size), index % size];
    const at = (step: number): number => (sample * steps + step) * size + feature;
    const stateAt = (variable: number): number => (sample * variables + variable) * size + feature;
    const parameterAt = (parameter: number): number => parameter * channels + (feature % channels);
    const learned = named(
      neuron.parameters,
      neuron.parameters.map((_, p) => parameters.values[parameterAt(p)]!),
    );
    const states = [
      named(
        neuron.variables,
        neuron.variables.map((_, v) => state.values[stateAt(v)]!),
      ),
    ];
    for (let step = 0; step < steps; step++) {
      const place = { input: input.values[at(step)]!, state: states[step]!, parameters: learned };
      const output = neuron.forward(numberAlgebra, place, constants);
      result.spikes.values[at(step)] = output.spikes;
      result.potentials.values[at(step)] = output.state[neuron.variables[0]!]!;
      states.push(output.state);
    }
    let carried = named(
      neuron.variables,
      neuron.variables.map((_, v) => weights.last.values[stateAt(v)]!),
    );
    for (let step = steps - 1; step >= 0; step--) {
      const potential = neuron.variables[0]!;
      carried = { ...carried, [potential]: carried[potential]! + weights.potentials.values[at(step)]! };
      const gradients = neuron.backward(
        numberAlgebra,
        {
          ...{ input: input.values[at(step)]!, state: states[step]!, parameters: learned },
          ...{ spikesGradient: weights.spikes.values[at(step)]!, stateGradient: carried },
        },
        constants,
      );
      result.inputGradient.values[at(step)] = gradients.input;
      carried = gradients.state;
      for (const [p, name] of neuron.parameters.entries()) {
        result.parametersGradient.values[parameterAt(p)]! += gradients.parameters[name]!;
      }
    }
    for (const [v, name] of neuron.variables.entries()) {
      result.last.values[stateAt(v)] = states[steps]![name]!;
      result.stateGradient.values[stateAt(v)] = carried[name]!;
    }
  }
  return result;
}
