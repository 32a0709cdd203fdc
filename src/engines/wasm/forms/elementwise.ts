import { util } from '@tensorflow/tfjs-core';
import type { Elementwise } from '../../kernels/elementwise.ts';
import type { KernelForm } from '../../kernels/kernel.ts';
import { FunctionBuilder, type Value } from '../assembler.ts';
import type { WasmDevice } from '../device.ts';
import { UNIT_PARAMETERS } from '../processor.ts';
import { forEachValue, type Lanes } from '../vectors.ts';

/** Elements of a unit of work. */
const BLOCK = 4096;

/** A formula over elements as one loop. */
export function elementwiseForm<I extends string, N extends string>(
  device: WasmDevice,
  definition: Elementwise<I, N>,
): KernelForm<I, Readonly<Record<N, number>>> {
  return (inputs, numbers) => {
    const { shape } = inputs[definition.inputs[0]!];
    const count = util.sizeFromShape(shape);
    const outputs = Array.from({ length: definition.outputs }, () => device.allocate(shape));
    const program = device.processor.program(definition.name, () => loop(definition));
    const tensors = [...definition.inputs.map((name) => inputs[name]), ...outputs];
    device.processor.run(program, Math.ceil(count / BLOCK), count * tensors.length, [
      ...tensors.map((tensor) => device.address(tensor)),
      count,
      ...definition.numbers.map((name) => numbers[name]),
    ]);
    return outputs;
  };
}

function loop<I extends string, N extends string>(definition: Elementwise<I, N>): FunctionBuilder {
  const tensors = definition.inputs.length + definition.outputs;
  const builder = new FunctionBuilder([
    ...UNIT_PARAMETERS,
    ...Array.from({ length: tensors + 1 }, () => 'i32' as const),
    ...definition.numbers.map(() => 'f32' as const),
  ]);
  const [begin, end, , ...own] = builder.parameters as [Value, Value, Value, ...Value[]];
  const addresses = own.slice(0, tensors);
  const total = own[tensors]!;
  const numbers = own.slice(tensors + 1);
  builder.forEach(begin, end, (unit) => {
    const first = builder.multiply(unit, BLOCK);
    const count = builder.minimum(builder.run('i32.sub', total, first), builder.integer(BLOCK));
    const start = builder.multiply(first, 4);
    const numbersIn = (m: Lanes): Record<N, Value> => {
      const splats = definition.numbers.map((name, index) => [name, m.splat(numbers[index]!)]);
      return Object.fromEntries(splats) as Record<N, Value>;
    };
    forEachValue(builder, count, (m, offset) => {
      const at = builder.add(start, offset);
      const values = definition.inputs.map((name, index) => [
        name,
        m.load(builder.add(addresses[index]!, at)),
      ]);
      const results = definition.formula(m, Object.fromEntries(values) as Record<I, Value>, numbersIn(m));
      for (const [index, result] of results.entries()) {
        builder.store(builder.add(addresses[definition.inputs.length + index]!, at), result);
      }
    });
  });
  return builder;
}
