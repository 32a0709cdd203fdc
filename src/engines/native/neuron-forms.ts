/** Native forms of neurons: what the addon's neurons are told, in the order of native/src/vector/neuron-definitions.h. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { AdaptiveLifConstants } from '../kernels/adaptive-lif.ts';
import type { KernelForm, KernelForms } from '../kernels/kernel.ts';
import type { LifConstants } from '../kernels/lif.ts';
import {
  definedNeurons,
  type NeuronAttributes,
  type NeuronGradientInput,
  type NeuronInput,
} from '../kernels/neuron.ts';
import type { ChargeConstants, ResetConstants, ThresholdConstants } from '../kernels/neuron-parts.ts';
import type { RefractoryLifConstants } from '../kernels/refractory-lif.ts';
import { type Surrogate, surrogateKinds } from '../kernels/surrogate.ts';
import type { NativeBackend } from './backend.ts';
import { sizeOf } from './layout.ts';

/** Constants of the addon's neurons. */
const CONSTANTS = 10;

type Parts = ChargeConstants & Partial<ThresholdConstants & ResetConstants>;

/** Conditions are 0 or 1, so that one loop without branches serves all kinds. */
function parts({ gain = 1, inputDecayed, rest, ...fires }: Parts): number[] {
  const { inclusive = false, reset = 'none', resetPotential = 0, detachReset = true } = fires;
  const resets = [reset === 'subtract', reset === 'zero'].map(Number);
  return [
    gain,
    Number(inputDecayed),
    rest,
    Number(inclusive),
    ...resets,
    resetPotential,
    Number(!detachReset),
  ];
}

/** The constants of each neuron that the addon has. */
const constantsOf: Readonly<Record<string, (constants: never) => number[]>> = {
  Lif: (constants: LifConstants) => {
    const { reset, resetTiming } = constants;
    const early = reset !== 'none' && resetTiming !== 'after';
    const late = reset !== 'none' && resetTiming !== 'before';
    return [...parts(constants), Number(early), Number(late)];
  },
  RefractoryLif: (constants: RefractoryLifConstants) => [
    ...parts(constants),
    constants.refractorySteps,
    Number(constants.refractoryForm === 'hold'),
  ],
  CurrentLif: parts,
  AdaptiveLif: (constants: AdaptiveLifConstants) => parts(constants),
  LeakyIntegrator: parts,
};

/** A neuron's learned numbers and constants as operands. */
export function neuronOperands(
  backend: NativeBackend,
  name: string,
  parameters: TensorInfo,
  constants: unknown,
): number[] {
  const numbers = constantsOf[name]!(constants as never);
  const fill = Array<number>(CONSTANTS - numbers.length).fill(0);
  const byChannel = Number(parameters.shape.length > 1);
  return [backend.address(parameters), byChannel, ...numbers, ...fill];
}

/** What the way back takes beside: the surrogate, and whether the gradients of the learned numbers are wanted. */
export function backwardOperands({
  constants,
  learns,
}: {
  readonly constants: { readonly surrogate?: Surrogate };
  readonly learns: boolean;
}): number[] {
  // A neuron that never fires has no surrogate, and the addon does not look at it then.
  const {
    kind,
    slope,
    amplitude,
    shape = 1,
  } = constants.surrogate ?? { kind: 'constant', slope: 1, amplitude: 1 };
  return [surrogateKinds.indexOf(kind), slope, amplitude, shape, Number(learns)];
}

/** A sequence's sizes in the addon's order: features as one row of columns, each input shown once, no pool. */
function sequenceSizes([batch, steps, ...features]: readonly number[], channels: number): number[] {
  return [batch!, steps!, 1, sizeOf(features) / channels, channels, 1, 1, 0];
}

/** Adds the neurons that the addon has; the others stay in their reference forms. */
export function addNeuronForms(forms: KernelForms, backend: NativeBackend): void {
  for (const neuron of definedNeurons()) {
    if (!Object.hasOwn(constantsOf, neuron.name)) continue;
    forms.add(neuron.kernel, neuronForm(backend, neuron.name));
    forms.add(neuron.gradientKernel, neuronGradientForm(backend, neuron.name));
  }
}

function neuronForm(
  backend: NativeBackend,
  name: string,
): KernelForm<NeuronInput, NeuronAttributes<unknown>> {
  return ({ input, parameters, state }, attributes) => {
    const spikes = backend.output(input.shape);
    const lastState = backend.output(state.shape);
    const recorded = attributes.potentials ? [backend.output(input.shape)] : [];
    backend.submit(
      `${name}Forward`,
      ...[input, state, spikes, lastState].map((tensor) => backend.address(tensor)),
      recorded[0] === undefined ? 0 : backend.address(recorded[0]),
      ...[0, 0, 0],
      ...sequenceSizes(input.shape, parameters.shape[1] ?? 1),
      ...neuronOperands(backend, name, parameters, attributes.constants),
    );
    return [spikes, lastState, ...recorded];
  };
}

function neuronGradientForm(
  backend: NativeBackend,
  name: string,
): KernelForm<NeuronGradientInput, NeuronAttributes<{ readonly surrogate?: Surrogate }>> {
  return (inputs, attributes) => {
    const { input, state, parameters, spikesGradient, stateGradient, potentialsGradient } = inputs;
    const outputs = [input, state, parameters].map(({ shape }) => backend.output(shape));
    const given = [input, state, spikesGradient, stateGradient];
    backend.submit(
      `${name}Backward`,
      ...[...outputs, ...given].map((tensor) => backend.address(tensor)),
      attributes.potentials ? backend.address(potentialsGradient) : 0,
      ...[0, 0, 0],
      ...sequenceSizes(input.shape, parameters.shape[1] ?? 1),
      ...neuronOperands(backend, name, parameters, attributes.constants),
      ...backwardOperands(attributes),
    );
    return outputs;
  };
}
