/** Neurons over time: four neighbours walk through all steps with their state in registers. */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { KernelForm } from '../../kernels/kernel.ts';
import {
  type Named,
  type Neuron,
  type NeuronAttributes,
  type NeuronDefinition,
  type NeuronGradientInput,
  type NeuronInput,
  named,
} from '../../kernels/neuron.ts';
import { FunctionBuilder, type Value } from '../assembler.ts';
import type { WasmDevice } from '../device.ts';
import { UNIT_PARAMETERS } from '../processor.ts';
import { forEachValue, type Lanes, sumOfLanes } from '../vectors.ts';

/** Neurons of a unit of work. */
const BLOCK = 512;

/** Steps, neurons of a sample, and units of a sample. */
interface Extent {
  readonly batch: number;
  readonly steps: number;
  readonly features: number;
  readonly blocks: number;
}

function extentOf([batch, steps, ...features]: readonly number[]): Extent {
  const size = util.sizeFromShape(features);
  return { batch: batch!, steps: steps!, features: size, blocks: Math.ceil(size / BLOCK) };
}

/** A neuron with what a program for it is made for. */
interface Variant<C> {
  readonly neuron: NeuronDefinition<C>;
  readonly constants: C;
  readonly potentials: boolean;
  /** Whether each channel has learned numbers of its own, and so each neuron of a sample: they lie in rows. */
  readonly byChannel: boolean;
}

function keyOf<C>(kernel: string, { constants, potentials, byChannel }: Variant<C>): string {
  return `${kernel}/${potentials}/${byChannel}/${JSON.stringify(constants)}`;
}

/** Spikes, last state and potentials. */
export function neuronForm<C>(
  device: WasmDevice,
  neuron: Neuron<C>,
): KernelForm<NeuronInput, NeuronAttributes<C>> {
  return ({ input, parameters, state }, { constants, potentials }) => {
    const { batch, steps, features, blocks } = extentOf(input.shape);
    const spikes = device.allocate(input.shape);
    const lastState = device.allocate(state.shape);
    const recorded = potentials ? device.allocate(input.shape) : undefined;
    const variant = { neuron, constants, potentials, byChannel: parameters.shape.length > 1 };
    const program = device.processor.program(keyOf(neuron.name, variant), () => forwardProgram(variant));
    const learned = variant.byChannel
      ? repeatByNeuron(
          device,
          parameters,
          features,
          device.processor.scratch(neuron.parameters.length * features),
        )
      : device.address(parameters);
    const others = [state, spikes, lastState, recorded ?? spikes].map((tensor) => device.address(tensor));
    const addresses = [device.address(input), learned, ...others];
    device.processor.run(program, batch * blocks, batch * steps * features, [
      ...addresses,
      ...[steps, features, blocks],
    ]);
    return recorded === undefined ? [spikes, lastState] : [spikes, lastState, recorded];
  };
}

/** Gradients of input, first state and parameters. */
export function neuronGradientForm<C>(
  device: WasmDevice,
  neuron: Neuron<C>,
): KernelForm<NeuronGradientInput, NeuronAttributes<C>> {
  return (inputs, { constants, potentials, learns }) => {
    const { input, parameters, state, spikesGradient, stateGradient, potentialsGradient } = inputs;
    const { batch, steps, features, blocks } = extentOf(input.shape);
    const inputGradient = device.allocate(input.shape);
    const firstGradient = device.allocate(state.shape);
    const parametersGradient = device.allocate(parameters.shape);
    const variant = { neuron, constants, potentials, byChannel: parameters.shape.length > 1 };
    const count = neuron.parameters.length;
    const units = batch * blocks;
    const partials = count * (variant.byChannel ? batch * features : units);
    const histories = device.processor.threads * steps * neuron.variables.length * 4;
    const rows = variant.byChannel ? count * features : 0;
    const scratch = device.processor.scratch(partials + histories + rows);
    const learned = variant.byChannel
      ? repeatByNeuron(device, parameters, features, scratch + 4 * (partials + histories))
      : device.address(parameters);
    const key = keyOf(neuron.gradientKernel.name, variant);
    const program = device.processor.program(key, () => backwardProgram(variant));
    const gradients = [spikesGradient, stateGradient, potentialsGradient, inputGradient, firstGradient];
    device.processor.run(program, units, 2 * batch * steps * features, [
      ...[device.address(input), learned, device.address(state)],
      ...gradients.map((tensor) => device.address(tensor)),
      ...[scratch, scratch + 4 * partials, steps, features, blocks],
    ]);
    const parts = device.processor.view(scratch, partials);
    const sums = variant.byChannel
      ? sumsByChannel(parts, parameters.shape, features)
      : sumsByNumber(parts, count);
    device.view(parametersGradient).set(learns ? sums : sums.fill(0));
    return [inputGradient, firstGradient, parametersGradient];
  };
}

/** Writes learned numbers [numbers, channels] as [numbers, neurons of a sample]; gives where they lie. */
function repeatByNeuron(
  device: WasmDevice,
  parameters: TensorInfo,
  features: number,
  address: number,
): number {
  const [count, channels] = parameters.shape as [number, number];
  const rows = device.processor.view(address, count * features);
  const values = device.view(parameters);
  for (let number = 0; number < count; number++) {
    const row = rows.subarray(number * features, (number + 1) * features);
    row.set(values.subarray(number * channels, (number + 1) * channels));
    for (let filled = channels; filled < features; filled *= 2) row.copyWithin(filled, 0, filled);
  }
  return address;
}

/** Sums of [units, numbers] by number. */
function sumsByNumber(parts: Float32Array, count: number): Float64Array {
  const sums = new Float64Array(count);
  for (let i = 0; i < parts.length; i++) sums[i % count]! += parts[i]!;
  return sums;
}

/** Sums of [batch, numbers, neurons of a sample] by number and channel. */
function sumsByChannel(
  parts: Float32Array,
  [count, channels]: readonly number[],
  features: number,
): Float64Array {
  const sums = new Float64Array(count! * channels!);
  for (let begin = 0, row = 0; begin < parts.length; begin += features, row = (row + 1) % count!) {
    for (let i = 0; i < features; i++) sums[row * channels! + (i % channels!)]! += parts[begin + i]!;
  }
  return sums;
}

/** Byte offsets of a unit's first neuron and how many it has. */
interface Unit {
  readonly count: Value;
  /** Of its first step in a sequence. */
  readonly sequence: Value;
  /** Of its first variable in a state. */
  readonly state: Value;
  /** Of its first neuron in a row of a sample's neurons. */
  readonly lane: Value;
  /** Of its first learned number in those of all samples' neurons. */
  readonly numbers: Value;
  /** From one step to the next, and from one variable to the next. */
  readonly row: Value;
}

function unitAt(
  builder: FunctionBuilder,
  unit: Value,
  [steps, features, blocks]: readonly [Value, Value, Value],
  { variables, parameters }: NeuronDefinition<unknown>,
): Unit {
  const sample = builder.run('i32.div_u', unit, blocks);
  const first = builder.multiply(builder.run('i32.rem_u', unit, blocks), BLOCK);
  const count = builder.minimum(builder.run('i32.sub', features, first), builder.integer(BLOCK));
  const offset = (rows: Value): Value =>
    builder.multiply(builder.add(builder.multiply(builder.multiply(sample, rows), features), first), 4);
  return {
    count,
    sequence: offset(steps),
    state: offset(builder.integer(variables.length)),
    lane: builder.multiply(first, 4),
    numbers: offset(builder.integer(parameters.length)),
    row: builder.multiply(features, 4),
  };
}

/** Loads a neuron's values, one a row apart, into variables of the function. */
function loadRows<N extends string>(
  builder: FunctionBuilder,
  m: Lanes,
  names: readonly N[],
  address: Value,
  row: Value,
): Named<N, Value> {
  const from = builder.copy(address);
  const values = names.map(() => {
    const variable = builder.copy(m.load(from));
    builder.advance(from, row);
    return variable;
  });
  return named(names, values);
}

function storeRows(builder: FunctionBuilder, values: readonly Value[], address: Value, row: Value): void {
  const to = builder.copy(address);
  for (const value of values) {
    builder.store(to, value);
    builder.advance(to, row);
  }
}

function assignAll<N extends string>(
  builder: FunctionBuilder,
  names: readonly N[],
  targets: Named<N, Value>,
  values: Named<N, Value>,
): void {
  // Copied first: a value may be one of the targets.
  const copies = names.map((name) => builder.copy(values[name]));
  for (const [index, name] of names.entries()) builder.assign(targets[name], copies[index]!);
}

/** A neuron's learned numbers at `address`: one for all, or rows of one for each neuron of a sample. */
function loadParameters<C>(
  builder: FunctionBuilder,
  m: Lanes,
  { neuron, byChannel }: Variant<C>,
  { address, lane, row }: { readonly address: Value; readonly lane: Value; readonly row: Value },
): Named<string, Value> {
  const names = neuron.parameters;
  if (byChannel) return loadRows(builder, m, names, builder.add(address, lane), row);
  return named(
    names,
    names.map((_, index) => m.loadSplat(address, 4 * index)),
  );
}

function forwardProgram<C>(variant: Variant<C>): FunctionBuilder {
  const { neuron, constants, potentials } = variant;
  const names = neuron.variables;
  const builder = new FunctionBuilder([
    ...UNIT_PARAMETERS,
    ...Array.from({ length: 9 }, () => 'i32' as const),
  ]);
  const [begin, end, , input, parameters, state, spikes, lastState, recorded, ...extent] =
    builder.parameters as Value[];
  const [steps] = extent as [Value, Value, Value];
  builder.forEach(begin!, end!, (index) => {
    const unit = unitAt(builder, index, extent as [Value, Value, Value], neuron);
    const { row } = unit;
    forEachValue(builder, unit.count, (m, offset) => {
      const place = builder.add(unit.sequence, offset);
      const statePlace = builder.add(unit.state, offset);
      const lane = builder.add(unit.lane, offset);
      const variables = loadRows(builder, m, names, builder.add(state!, statePlace), row);
      const learned = loadParameters(builder, m, variant, { address: parameters!, lane, row });
      builder.forEach(0, steps, () => {
        const step = { input: m.load(builder.add(input!, place)), state: variables, parameters: learned };
        const output = neuron.forward(m, step, constants);
        builder.store(builder.add(spikes!, place), output.spikes);
        assignAll(builder, names, variables, output.state);
        if (potentials) builder.store(builder.add(recorded!, place), variables[names[0]!]!);
        builder.advance(place, row);
      });
      const last = names.map((name) => variables[name]!);
      storeRows(builder, last, builder.add(lastState!, statePlace), row);
    });
  });
  return builder;
}

function backwardProgram<C>(variant: Variant<C>): FunctionBuilder {
  const { neuron, constants, potentials, byChannel } = variant;
  const names = neuron.variables;
  const builder = new FunctionBuilder([
    ...UNIT_PARAMETERS,
    ...Array.from({ length: 13 }, () => 'i32' as const),
  ]);
  const [begin, end, thread, input, parameters, state, spikesGradient, stateGradient, ...more] =
    builder.parameters as Value[];
  const [potentialsGradient, inputGradient, firstGradient, partials, histories, ...extent] = more;
  const [steps] = extent as [Value, Value, Value];
  const historyStep = 16 * names.length;
  const history = builder.add(histories!, builder.multiply(builder.multiply(thread!, steps), historyStep));
  const historyRow = builder.integer(16);
  const lastStep = builder.add(steps, -1);
  const valuesOf = (values: Named<string, Value>): Value[] => names.map((name) => values[name]!);
  builder.forEach(begin!, end!, (index) => {
    const unit = unitAt(builder, index, extent as [Value, Value, Value], neuron);
    const { row } = unit;
    const sums = {
      4: neuron.parameters.map(() => builder.copy(builder.run('f32x4.splat', builder.float(0)))),
      1: neuron.parameters.map(() => builder.copy(builder.float(0))),
    };
    forEachValue(builder, unit.count, (m, offset) => {
      const place = builder.add(unit.sequence, offset);
      const statePlace = builder.add(unit.state, offset);
      const lane = builder.add(unit.lane, offset);
      const variables = loadRows(builder, m, names, builder.add(state!, statePlace), row);
      const learned = loadParameters(builder, m, variant, { address: parameters!, lane, row });
      const past = builder.copy(history);
      builder.forEach(0, lastStep, () => {
        storeRows(builder, valuesOf(variables), past, historyRow);
        builder.advance(past, historyStep);
        const step = { input: m.load(builder.add(input!, place)), state: variables, parameters: learned };
        const output = neuron.forward(m, step, constants);
        assignAll(builder, names, variables, output.state);
        builder.advance(place, row);
      });
      storeRows(builder, valuesOf(variables), past, historyRow);

      const gradients = loadRows(builder, m, names, builder.add(stateGradient!, statePlace), row);
      const potential = gradients[names[0]!]!;
      const backward = builder.run('i32.sub', builder.integer(0), row);
      // A neuron's own sums where each channel has numbers of its own, else those of the unit.
      const totals = byChannel ? neuron.parameters.map(() => m.zero()) : sums[m.count];
      builder.forEach(0, steps, () => {
        if (potentials) {
          const recorded = m.load(builder.add(potentialsGradient!, place));
          builder.assign(potential, m.add(potential, recorded));
        }
        const result = neuron.backward(
          m,
          {
            input: m.load(builder.add(input!, place)),
            state: loadRows(builder, m, names, past, historyRow),
            parameters: learned,
            spikesGradient: m.load(builder.add(spikesGradient!, place)),
            stateGradient: gradients,
          },
          constants,
        );
        builder.store(builder.add(inputGradient!, place), result.input);
        for (const [number, name] of neuron.parameters.entries()) {
          builder.assign(totals[number]!, m.add(totals[number]!, result.parameters[name]!));
        }
        assignAll(builder, names, gradients, result.state);
        builder.advance(place, backward);
        builder.advance(past, -historyStep);
      });
      storeRows(builder, valuesOf(gradients), builder.add(firstGradient!, statePlace), row);
      const numbers = builder.add(unit.numbers, offset);
      if (byChannel) storeRows(builder, totals, builder.add(partials!, numbers), row);
    });
    if (byChannel) return;
    const count = neuron.parameters.length;
    const partial = builder.add(partials!, builder.multiply(index, 4 * count));
    for (let number = 0; number < count; number++) {
      const whole = sumOfLanes(builder, sums[4][number]!);
      builder.store(partial, builder.run('f32.add', whole, sums[1][number]!), 4 * number);
    }
  });
  return builder;
}
