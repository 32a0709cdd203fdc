/** Neurons over time: four neighbours walk through all steps with their state in registers. */
import { util } from '@tensorflow/tfjs-core';
import type { KernelForm } from '../../kernels/kernel.ts';
import type {
  Neuron,
  NeuronAttributes,
  NeuronDefinition,
  NeuronGradientInput,
  NeuronInput,
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
    const key = `${neuron.name}/${potentials}/${JSON.stringify(constants)}`;
    const program = device.processor.program(key, () => forwardProgram(neuron, constants, potentials));
    const tensors = [input, parameters, state, spikes, lastState, recorded ?? spikes];
    device.processor.run(program, batch * blocks, batch * steps * features, [
      ...tensors.map((tensor) => device.address(tensor)),
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
  return (inputs, { constants, potentials }) => {
    const { input, parameters, state, spikesGradient, stateGradient, potentialsGradient } = inputs;
    const { batch, steps, features, blocks } = extentOf(input.shape);
    const inputGradient = device.allocate(input.shape);
    const firstGradient = device.allocate(state.shape);
    const parametersGradient = device.allocate(parameters.shape);
    const units = batch * blocks;
    const history = steps * neuron.variables * 4;
    const scratch = device.processor.scratch(units * neuron.parameters + device.processor.threads * history);
    const key = `${neuron.name}Gradient/${potentials}/${JSON.stringify(constants)}`;
    const program = device.processor.program(key, () => backwardProgram(neuron, constants, potentials));
    const tensors = [input, parameters, state, spikesGradient, stateGradient, potentialsGradient];
    device.processor.run(program, units, 2 * batch * steps * features, [
      ...[...tensors, inputGradient, firstGradient].map((tensor) => device.address(tensor)),
      ...[scratch, scratch + 4 * units * neuron.parameters, steps, features, blocks],
    ]);
    const sums = new Float64Array(neuron.parameters);
    const partial = device.processor.view(scratch, units * neuron.parameters);
    partial.forEach((value, index) => {
      sums[index % neuron.parameters]! += value;
    });
    device.view(parametersGradient).set(sums);
    return [inputGradient, firstGradient, parametersGradient];
  };
}

/** Byte offsets of a unit's first neuron and how many it has. */
interface Unit {
  readonly count: Value;
  /** Of its first step in a sequence. */
  readonly sequence: Value;
  /** Of its first variable in a state. */
  readonly state: Value;
  /** From one step to the next, and from one variable to the next. */
  readonly row: Value;
}

function unitAt(
  builder: FunctionBuilder,
  unit: Value,
  [steps, features, blocks]: readonly [Value, Value, Value],
  variables: number,
): Unit {
  const sample = builder.run('i32.div_u', unit, blocks);
  const first = builder.multiply(builder.run('i32.rem_u', unit, blocks), BLOCK);
  const count = builder.minimum(builder.run('i32.sub', features, first), builder.integer(BLOCK));
  const offset = (rows: Value): Value =>
    builder.multiply(builder.add(builder.multiply(builder.multiply(sample, rows), features), first), 4);
  return {
    count,
    sequence: offset(steps),
    state: offset(builder.integer(variables)),
    row: builder.multiply(features, 4),
  };
}

/** Loads a neuron's variables, one a row apart, into variables of the function. */
function loadState(builder: FunctionBuilder, m: Lanes, count: number, address: Value, row: Value): Value[] {
  const from = builder.copy(address);
  return Array.from({ length: count }, () => {
    const variable = builder.copy(m.load(from));
    builder.advance(from, row);
    return variable;
  });
}

function storeState(builder: FunctionBuilder, values: readonly Value[], address: Value, row: Value): void {
  const to = builder.copy(address);
  for (const value of values) {
    builder.store(to, value);
    builder.advance(to, row);
  }
}

function assignAll(builder: FunctionBuilder, targets: readonly Value[], values: readonly Value[]): void {
  // Copied first: a value may be one of the targets.
  const copies = values.map((value) => builder.copy(value));
  for (const [index, value] of copies.entries()) builder.assign(targets[index]!, value);
}

function loadParameters<C>(m: Lanes, neuron: NeuronDefinition<C>, address: Value): Value[] {
  return Array.from({ length: neuron.parameters }, (_, index) => m.loadSplat(address, 4 * index));
}

function forwardProgram<C>(neuron: NeuronDefinition<C>, constants: C, potentials: boolean): FunctionBuilder {
  const builder = new FunctionBuilder([
    ...UNIT_PARAMETERS,
    ...Array.from({ length: 9 }, () => 'i32' as const),
  ]);
  const [begin, end, , input, parameters, state, spikes, lastState, recorded, ...extent] =
    builder.parameters as Value[];
  const [steps] = extent as [Value, Value, Value];
  builder.forEach(begin!, end!, (index) => {
    const unit = unitAt(builder, index, extent as [Value, Value, Value], neuron.variables);
    forEachValue(builder, unit.count, (m, offset) => {
      const place = builder.add(unit.sequence, offset);
      const statePlace = builder.add(unit.state, offset);
      const variables = loadState(builder, m, neuron.variables, builder.add(state!, statePlace), unit.row);
      const learned = loadParameters(m, neuron, parameters!);
      builder.forEach(0, steps, () => {
        const step = { input: m.load(builder.add(input!, place)), state: variables, parameters: learned };
        const output = neuron.forward(m, step, constants);
        builder.store(builder.add(spikes!, place), output.spikes);
        assignAll(builder, variables, output.state);
        if (potentials) builder.store(builder.add(recorded!, place), variables[0]!);
        builder.advance(place, unit.row);
      });
      storeState(builder, variables, builder.add(lastState!, statePlace), unit.row);
    });
  });
  return builder;
}

function backwardProgram<C>(neuron: NeuronDefinition<C>, constants: C, potentials: boolean): FunctionBuilder {
  const builder = new FunctionBuilder([
    ...UNIT_PARAMETERS,
    ...Array.from({ length: 13 }, () => 'i32' as const),
  ]);
  const [begin, end, thread, input, parameters, state, spikesGradient, stateGradient, ...more] =
    builder.parameters as Value[];
  const [potentialsGradient, inputGradient, firstGradient, partials, histories, ...extent] = more;
  const [steps] = extent as [Value, Value, Value];
  const { variables: count } = neuron;
  const historyStep = 16 * count;
  const history = builder.add(histories!, builder.multiply(builder.multiply(thread!, steps), historyStep));
  const historyRow = builder.integer(16);
  const lastStep = builder.add(steps, -1);
  builder.forEach(begin!, end!, (index) => {
    const unit = unitAt(builder, index, extent as [Value, Value, Value], count);
    const sums = {
      4: Array.from({ length: neuron.parameters }, () =>
        builder.copy(builder.run('f32x4.splat', builder.float(0))),
      ),
      1: Array.from({ length: neuron.parameters }, () => builder.copy(builder.float(0))),
    };
    forEachValue(builder, unit.count, (m, offset) => {
      const place = builder.add(unit.sequence, offset);
      const statePlace = builder.add(unit.state, offset);
      const variables = loadState(builder, m, count, builder.add(state!, statePlace), unit.row);
      const learned = loadParameters(m, neuron, parameters!);
      const past = builder.copy(history);
      builder.forEach(0, lastStep, () => {
        storeState(builder, variables, past, historyRow);
        builder.advance(past, historyStep);
        const step = { input: m.load(builder.add(input!, place)), state: variables, parameters: learned };
        const output = neuron.forward(m, step, constants);
        assignAll(builder, variables, output.state);
        builder.advance(place, unit.row);
      });
      storeState(builder, variables, past, historyRow);

      const gradients = loadState(builder, m, count, builder.add(stateGradient!, statePlace), unit.row);
      const backward = builder.run('i32.sub', builder.integer(0), unit.row);
      builder.forEach(0, steps, () => {
        if (potentials) {
          const recorded = m.load(builder.add(potentialsGradient!, place));
          builder.assign(gradients[0]!, m.add(gradients[0]!, recorded));
        }
        const result = neuron.backward(
          m,
          {
            input: m.load(builder.add(input!, place)),
            state: loadState(builder, m, count, past, historyRow),
            parameters: learned,
            spikesGradient: m.load(builder.add(spikesGradient!, place)),
            stateGradient: gradients,
          },
          constants,
        );
        builder.store(builder.add(inputGradient!, place), result.input);
        assignAll(builder, gradients, result.state);
        result.parameters.forEach((value, parameter) => {
          const sum = sums[m.count][parameter]!;
          builder.assign(sum, m.add(sum, value));
        });
        builder.advance(place, backward);
        builder.advance(past, -historyStep);
      });
      storeState(builder, gradients, builder.add(firstGradient!, statePlace), unit.row);
    });
    const partial = builder.add(partials!, builder.multiply(index, 4 * neuron.parameters));
    for (let parameter = 0; parameter < neuron.parameters; parameter++) {
      const whole = sumOfLanes(builder, sums[4][parameter]!);
      builder.store(partial, builder.run('f32.add', whole, sums[1][parameter]!), 4 * parameter);
    }
  });
  return builder;
}
