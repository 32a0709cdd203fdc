/** Neurons over time: a thread walks one neuron through all steps, written from the neuron's one definition. */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { KernelForm } from '../../kernels/kernel.ts';
import {
  type Neuron,
  type NeuronAttributes,
  type NeuronDefinition,
  type NeuronGradientInput,
  type NeuronInput,
  named,
} from '../../kernels/neuron.ts';
import { sumRows } from '../columns.ts';
import { type Shader, THREADS, type WebGpuDevice } from '../device.ts';
import { WgslAlgebra } from '../wgsl.ts';

/** Values of a neuron's past that fit in a thread's registers; more go to memory. */
const REGISTERS = 64;

/** Sizes of a sequence [batch, steps, …features]. */
interface Extent {
  readonly batch: number;
  readonly steps: number;
  readonly features: number;
  /** Neurons of the batch. */
  readonly count: number;
}

function extentOf([batch, steps, ...features]: readonly number[]): Extent {
  const size = util.sizeFromShape(features);
  return { batch: batch!, steps: steps!, features: size, count: batch! * size };
}

const extentTypes = {
  count: 'u32',
  steps: 'u32',
  features: 'u32',
  channels: 'u32',
} as const;

function extentNumbers({ count, steps, features }: Extent, parameters: TensorInfo): number[] {
  return [count, steps, features, parameters.shape[1] ?? 1];
}

/** Where a neuron lies: `place` in the sequence, `statePlace` its first variable; and its learned numbers `pN`. */
export function neuronPlace({ variables, parameters }: NeuronDefinition<unknown>): string {
  const learned = parameters.map(
    (_, index) => `let p${index} = learned[${index}u * n.channels + feature % n.channels];`,
  );
  return `
if (thread >= n.count) { return; }
let sample = thread / n.features;
let feature = thread % n.features;
let firstPlace = sample * n.steps * n.features + feature;
let statePlace = sample * ${variables.length}u * n.features + feature;
${learned.join('\n')}`;
}

/** Spikes, last state and potentials. */
export function neuronForm<C>(
  device: WebGpuDevice,
  neuron: Neuron<C>,
): KernelForm<NeuronInput, NeuronAttributes<C>> {
  return ({ input, parameters, state }, { constants, potentials }) => {
    const extent = extentOf(input.shape);
    const spikes = device.output(input.shape);
    const last = device.output(state.shape);
    const recorded = potentials ? [device.output(input.shape)] : [];
    device.run(
      neuron.name,
      `${potentials} ${JSON.stringify(constants)}`,
      () => forwardShader(neuron, constants, potentials),
      {
        reads: [input, parameters, state],
        writes: [spikes, last, ...recorded],
        numbers: extentNumbers(extent, parameters),
        groups: Math.ceil(extent.count / THREADS),
      },
    );
    return [spikes, last, ...recorded];
  };
}

function forwardShader<C>(neuron: Neuron<C>, constants: C, potentials: boolean): Shader {
  const m = new WgslAlgebra();
  const { variables, parameters } = neuron;
  const learned = named(
    parameters,
    parameters.map((_, index) => `p${index}`),
  );
  const names = variables.map((_, index) => `s${index}`);
  const step = { input: 'x', state: named(variables, names), parameters: learned };
  const output = neuron.forward(m, step, constants);
  const next = variables.map((name) => output.state[name]!);
  return {
    reads: ['input', 'learned', 'state'],
    writes: ['spikes', 'last', ...(potentials ? ['recorded'] : [])],
    numbers: extentTypes,
    body: `${neuronPlace(neuron as NeuronDefinition<unknown>)}
${names.map((name, index) => `var ${name} = state[statePlace + ${index}u * n.features];`).join('\n')}
var place = firstPlace;
for (var t = 0u; t < n.steps; t++) {
  let x = input[place];
${m.take()}
  spikes[place] = ${output.spikes};
${assignments(names, next)}
${potentials ? '  recorded[place] = s0;' : ''}
  place += n.features;
}
${names.map((name, index) => `last[statePlace + ${index}u * n.features] = ${name};`).join('\n')}`,
  };
}

/** Assigns all at once: a value may be one of the variables. */
export function assignments(targets: readonly string[], values: readonly string[]): string {
  const copies = values.map((value, index) => `  let next${index} = ${value};`);
  return [...copies, ...targets.map((target, index) => `  ${target} = next${index};`)].join('\n');
}

/** Gradients of input, first state and learned numbers. */
export function neuronGradientForm<C>(
  device: WebGpuDevice,
  neuron: Neuron<C>,
): KernelForm<NeuronGradientInput, NeuronAttributes<C>> {
  return (inputs, { constants, potentials, learns }) => {
    const { input, parameters, state, spikesGradient, stateGradient, potentialsGradient } = inputs;
    const extent = extentOf(input.shape);
    const { count, steps } = extent;
    const variables = neuron.variables.length;
    const inRegisters = steps * variables <= REGISTERS;
    const inputGradient = device.output(input.shape);
    // What else is written lies in one buffer: devices bind few.
    const [firstGradient, past, contributions] = device.backend.slabOutputs([
      state.shape,
      [inRegisters ? 1 : count * steps * variables],
      [learns ? neuron.parameters.length * count : 1],
    ]) as [TensorInfo, TensorInfo, TensorInfo];
    const variant = { potentials, learns, steps: inRegisters ? steps : 0 };
    device.run(
      `${neuron.name}Gradient`,
      `${JSON.stringify(variant)} ${JSON.stringify(constants)}`,
      () => backwardShader(neuron, constants, variant),
      {
        reads: [
          ...[input, parameters, state, spikesGradient, stateGradient],
          ...(potentials ? [potentialsGradient] : []),
        ],
        writes: [inputGradient, device.whole([firstGradient, past, contributions])],
        numbers: [
          ...extentNumbers(extent, parameters),
          device.offsetOf(past),
          device.offsetOf(contributions),
        ],
        groups: Math.ceil(count / THREADS),
      },
    );
    const channels = parameters.shape[1] ?? 1;
    let learned: TensorInfo;
    if (learns) {
      learned = device.output(parameters.shape);
      const rows = { outer: neuron.parameters.length, rows: count / channels, columns: channels };
      sumRows(device, `${neuron.name}Gradient`, contributions, learned, rows);
    } else {
      learned = device.zeros(parameters.shape);
    }
    for (const { dataId } of [past, contributions]) device.backend.disposeData(dataId);
    return [inputGradient, firstGradient, learned];
  };
}

interface BackwardVariant {
  readonly potentials: boolean;
  readonly learns: boolean;
  /** Steps whose past a thread keeps in registers; 0 where it goes to memory. */
  readonly steps: number;
}

function backwardShader<C>(
  neuron: Neuron<C>,
  constants: C,
  { potentials, learns, steps }: BackwardVariant,
): Shader {
  const { variables, parameters } = neuron;
  const count = variables.length;
  const learned = named(
    parameters,
    parameters.map((_, index) => `p${index}`),
  );
  const states = variables.map((_, index) => `s${index}`);
  const carried = variables.map((_, index) => `c${index}`);
  const past = (t: string, index: number): string =>
    steps > 0
      ? `past[${t} * ${count}u + ${index}u]`
      : `work[n.pastAt + (${t} * ${count}u + ${index}u) * n.count + thread]`;
  const forward = new WgslAlgebra('f');
  const given = { input: 'x', state: named(variables, states), parameters: learned };
  const after = neuron.forward(forward, given, constants);
  const backward = new WgslAlgebra('b');
  const gradients = neuron.backward(
    backward,
    { ...given, spikesGradient: 'dSpikes', stateGradient: named(variables, carried) },
    constants,
  );
  const load = states.map((name, index) => `  let ${name} = ${past('t', index)};`).join('\n');
  const sums = learns ? parameters : [];
  return {
    reads: [
      ...['input', 'learned', 'state', 'spikesGradient', 'stateGradient'],
      ...(potentials ? ['potentialsGradient'] : []),
    ],
    writes: ['inputGradient', 'work'],
    numbers: { ...extentTypes, pastAt: 'u32', learnedAt: 'u32' },
    body: `${neuronPlace(neuron as NeuronDefinition<unknown>)}
${steps > 0 ? `var past : array<f32, ${steps * count}>;` : ''}
${states.map((_, index) => `${past('0u', index)} = state[statePlace + ${index}u * n.features];`).join('\n')}
var place = firstPlace;
for (var t = 0u; t + 1u < n.steps; t++) {
  let x = input[place];
${load}
${forward.take()}
${variables.map((name, index) => `  ${past('(t + 1u)', index)} = ${after.state[name]!};`).join('\n')}
  place += n.features;
}
${carried.map((name, index) => `var ${name} = stateGradient[statePlace + ${index}u * n.features];`).join('\n')}
${sums.map((_, index) => `var sum${index} = 0f;`).join('\n')}
for (var back = 0u; back < n.steps; back++) {
  let t = n.steps - 1u - back;
  let x = input[place];
  let dSpikes = spikesGradient[place];
${load}
${potentials ? '  c0 += potentialsGradient[place];' : ''}
${backward.take()}
  inputGradient[place] = ${gradients.input};
${sums.map((name, index) => `  sum${index} += ${gradients.parameters[name]!};`).join('\n')}
${assignments(
  carried,
  variables.map((name) => gradients.state[name]!),
)}
  place -= select(0u, n.features, t > 0u);
}
${carried.map((name, index) => `work[statePlace + ${index}u * n.features] = ${name};`).join('\n')}
${sums.map((_, index) => `work[n.learnedAt + ${index}u * n.count + thread] = sum${index};`).join('\n')}`,
  };
}
