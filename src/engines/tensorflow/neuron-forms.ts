import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelForms } from '../kernels/kernel.ts';
import {
  definedNeurons,
  type Named,
  type Neuron,
  type NeuronAttributes,
  type NeuronGradientInput,
  type NeuronInput,
  named,
} from '../kernels/neuron.ts';
import { EagerCall, type Value } from './eager.ts';

type AnyNeuron = Neuron<unknown>;
type Variables = Named<string, Value>;

/** All neurons in few operations: what the way back computes again is there already, since one call knows what it did. */
export function addNeuronForms(forms: KernelForms): void {
  for (const neuron of definedNeurons()) {
    forms.add(neuron.kernel, (inputs, attributes) => forward(neuron, inputs, attributes));
    forms.add(neuron.gradientKernel, (inputs, attributes) => backward(neuron, inputs, attributes));
  }
}

function forward(
  neuron: AnyNeuron,
  { input, parameters, state }: Readonly<Record<NeuronInput, TensorInfo>>,
  { constants, potentials }: NeuronAttributes<unknown>,
): Tensor[] {
  return EagerCall.run((call) => {
    const shape = frameShape(input);
    const learned = learnedOf(call, neuron, parameters);
    let variables = variablesOf(call, neuron, state);
    const spikes: Value[] = [];
    const recorded: Value[] = [];
    for (const frame of call.unstack(call.take(input), 1, input.shape[1]!)) {
      const output = neuron.forward<Value>(
        call.algebra,
        { input: frame, state: variables, parameters: learned },
        constants,
      );
      variables = settled(call, output.state);
      spikes.push(output.spikes);
      recorded.push(variables[neuron.variables[0]!]!);
    }
    const outputs = [call.stack(spikes, 1, shape), stateOf(call, neuron, variables, shape)];
    return potentials ? [...outputs, call.stack(recorded, 1, shape)] : outputs;
  });
}

function backward(
  neuron: AnyNeuron,
  inputs: Readonly<Record<NeuronGradientInput, TensorInfo>>,
  { constants, potentials, learns }: NeuronAttributes<unknown>,
): Tensor[] {
  return EagerCall.run((call) => {
    const steps = inputs.input.shape[1]!;
    const frame = frameShape(inputs.input);
    const sequence = (tensor: TensorInfo): Value[] => call.unstack(call.take(tensor), 1, steps);
    const frames = sequence(inputs.input);
    const spikesGradients = sequence(inputs.spikesGradient);
    const potentialsGradients = potentials ? sequence(inputs.potentialsGradient) : undefined;
    const parameters = learnedOf(call, neuron, inputs.parameters);
    const states = [variablesOf(call, neuron, inputs.state)];
    for (const frame of frames.slice(0, -1)) {
      const step = { input: frame, state: states.at(-1)!, parameters };
      states.push(settled(call, neuron.forward<Value>(call.algebra, step, constants).state));
    }
    let stateGradient = variablesOf(call, neuron, inputs.stateGradient);
    const [potential] = neuron.variables as readonly [string];
    const contributions = neuron.parameters.map((): Value[] => []);
    const inputGradients: Value[] = [];
    for (let step = steps - 1; step >= 0; step--) {
      if (potentialsGradients !== undefined) {
        const whole = call.algebra.add(stateGradient[potential]!, potentialsGradients[step]!);
        stateGradient = { ...stateGradient, [potential]: whole };
      }
      const gradients = neuron.backward<Value>(
        call.algebra,
        {
          ...{ input: frames[step]!, state: states[step]!, parameters },
          ...{ spikesGradient: spikesGradients[step]!, stateGradient },
        },
        constants,
      );
      stateGradient = settled(call, gradients.state);
      inputGradients.unshift(gradients.input);
      for (const [index, name] of neuron.parameters.entries())
        contributions[index]!.push(gradients.parameters[name]!);
    }
    const { shape } = inputs.parameters;
    const learned = contributions.map((each) => (learns ? total(call, each, frame, shape) : 0));
    return [
      call.stack(inputGradients, 1, frame),
      stateOf(call, neuron, stateGradient, frame),
      call.stack(learned, 0, shape.slice(1)),
    ];
  });
}

/** What all steps and neurons, or those of each channel, contribute. */
function total(
  call: EagerCall,
  contributions: readonly Value[],
  frame: readonly number[],
  parameters: readonly number[],
): Value {
  const whole = call.sumOf(contributions.map((each) => call.whole(each, frame)));
  const axes = frame.map((_, axis) => axis);
  return call.sum(whole, parameters.length === 1 ? axes : axes.slice(0, -1));
}

/** Computes variables that hang on one step alone, so that nothing hangs on a whole sequence. */
function settled(call: EagerCall, state: Variables): Variables {
  for (const value of Object.values(state)) call.compute(value);
  return state;
}

function learnedOf(call: EagerCall, { parameters }: AnyNeuron, tensor: TensorInfo): Named<string, Value> {
  return named<string, Value>(parameters, call.unstack(call.take(tensor), 0, tensor.shape[0]!));
}

function variablesOf(call: EagerCall, { variables }: AnyNeuron, state: TensorInfo): Variables {
  const whole = call.take(state);
  return named<string, Value>(
    variables,
    variables.length === 1 ? [whole] : call.unstack(whole, 1, variables.length),
  );
}

function stateOf(
  call: EagerCall,
  { variables }: AnyNeuron,
  state: Variables,
  frame: readonly number[],
): Value {
  const values = variables.map((name) => state[name]!);
  return values.length === 1 ? call.whole(values[0]!, frame) : call.stack(values, 1, frame);
}

/** The shape of one step, [batch, …features], of a sequence [batch, time, …features]. */
function frameShape({ shape: [batch, , ...features] }: TensorInfo): number[] {
  return [batch!, ...features];
}
