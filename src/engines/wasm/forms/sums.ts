/** Sums and means over neighbouring axes; the backend transposes first where the last axes are kept. */
import { type KernelFunc, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { FunctionBuilder, type Value } from '../assembler.ts';
import type { WasmDevice } from '../device.ts';
import { UNIT_PARAMETERS } from '../processor.ts';
import { forEachValue, lanes, sumOfLanes } from '../vectors.ts';

/** Values that are added up in float32 before their sum is added to another: keeps rounding small. */
const BLOCK = 512;

/** Sums of float32 tensors that take the place of the backend's own, which get what is left. */
export const sums: Readonly<Record<string, (device: WasmDevice, original: KernelFunc) => KernelFunc>> = {
  Sum: (device, original) => (call) => sum(device, call, () => 1) ?? original(call),
  Mean: (device, original) => (call) => sum(device, call, (count) => 1 / count) ?? original(call),
};

function sum(
  device: WasmDevice,
  { inputs, attrs }: Parameters<KernelFunc>[0],
  factorOf: (count: number) => number,
): TensorInfo | undefined {
  const { x } = inputs as { x: TensorInfo };
  const { axis, keepDims } = attrs as { axis: number | number[]; keepDims: boolean };
  const axes = util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
  const [first = 0, last = -1] = [axes[0], axes.at(-1)];
  // Axes of length 1 between the reduced ones are as good as reduced.
  const inRow = x.shape.every(
    (length, index) => index < first || index > last || axes.includes(index) || length === 1,
  );
  const size = util.sizeFromShape(x.shape);
  if (x.dtype !== 'float32' || !inRow || size === 0) return undefined;
  const outer = util.sizeFromShape(x.shape.slice(0, first));
  const inner = util.sizeFromShape(x.shape.slice(last + 1));
  const count = size / (outer * inner);
  const kept = x.shape.map((length, index) => (axes.includes(index) ? 1 : length));
  const output = device.allocate(keepDims ? kept : kept.filter((_, index) => !axes.includes(index)));
  const program = device.processor.program(`sum/${inner === 1}`, inner === 1 ? sumOfRuns : sumOfRows);
  device.processor.run(program, outer, size, [
    device.address(x),
    device.address(output),
    count,
    inner,
    factorOf(count),
  ]);
  return output;
}

type Body = (
  builder: FunctionBuilder,
  place: Record<'from' | 'to' | 'count' | 'inner' | 'factor', Value>,
) => void;

function sumProgram(body: Body): FunctionBuilder {
  const builder = new FunctionBuilder([...UNIT_PARAMETERS, 'i32', 'i32', 'i32', 'i32', 'f32']);
  const [begin, end, , input, output, count, inner, factor] = builder.parameters as [
    ...[Value, Value, Value, Value, Value, Value, Value, Value],
  ];
  const rowBytes = builder.multiply(inner, 4);
  const inputBytes = builder.multiply(rowBytes, count);
  builder.forEach(begin, end, (unit) => {
    const from = builder.add(input, builder.multiply(unit, inputBytes));
    const to = builder.add(output, builder.multiply(unit, rowBytes));
    body(builder, { from, to, count, inner, factor });
  });
  return builder;
}

/** Cuts a count into blocks. */
function forEachBlock(builder: FunctionBuilder, count: Value, body: (length: Value) => void): void {
  const left = builder.copy(count);
  builder.whileBelow(builder.integer(0), left, () => {
    const length = builder.minimum(left, builder.integer(BLOCK));
    body(length);
    builder.assign(left, builder.run('i32.sub', left, length));
  });
}

/** Neighbouring values into one. */
function sumOfRuns(): FunctionBuilder {
  return sumProgram((builder, { from, to, count, factor }) => {
    const total = builder.copy(builder.float(0));
    forEachBlock(builder, count, (length) => {
      const parts = { 4: lanes(builder, 4).zero(), 1: lanes(builder, 1).zero() };
      forEachValue(builder, length, (m, at) => {
        const part = parts[m.count];
        builder.assign(part, m.add(part, m.load(builder.add(from, at))));
      });
      const block = builder.run('f32.add', sumOfLanes(builder, parts[4]), parts[1]);
      builder.assign(total, builder.run('f32.add', total, block));
      builder.advance(from, builder.multiply(length, 4));
    });
    builder.store(to, builder.run('f32.mul', total, factor));
  });
}

/** Neighbouring rows into one. */
function sumOfRows(): FunctionBuilder {
  return sumProgram((builder, { from, to, count, inner, factor }) => {
    const rowBytes = builder.multiply(inner, 4);
    forEachValue(builder, inner, (m, at) => {
      const place = builder.add(from, at);
      const total = m.zero();
      forEachBlock(builder, count, (length) => {
        const block = m.zero();
        builder.forEach(0, length, () => {
          builder.assign(block, m.add(block, m.load(place)));
          builder.advance(place, rowBytes);
        });
        builder.assign(total, m.add(total, block));
      });
      builder.store(builder.add(to, at), m.mul(total, m.splat(factor)));
    });
  });
}
