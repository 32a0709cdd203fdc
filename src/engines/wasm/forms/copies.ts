/**
 * Tensors laid out anew: slices, padding, repetition and transposition are all one copy between two strided views,
 * which the backend makes element by element.
 */
import { type KernelFunc, slice_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { FunctionBuilder, type Value } from '../assembler.ts';
import type { WasmDevice } from '../device.ts';
import { UNIT_PARAMETERS } from '../processor.ts';
import { forEachValue } from '../vectors.ts';

/** Elements along an axis, and from one to the next in both views. */
interface Axis {
  readonly length: number;
  readonly source: number;
  readonly target: number;
}

/** Axes that a copy can have once neighbours are joined. */
const AXES = 5;

/** Copies of float32 tensors that take the place of the backend's own, which get what is left. */
export const copies: Readonly<Record<string, (device: WasmDevice, original: KernelFunc) => KernelFunc>> = {
  // tfjs clones whatever a gradient needs later; nobody writes to a tensor, so a clone can share its memory.
  Identity: (device) => (call) => device.share((call.inputs as { x: TensorInfo }).x),

  Slice: (device, original) => (call) => {
    const { x } = call.inputs as { x: TensorInfo };
    const { begin, size } = call.attrs as { begin: number[]; size: number[] };
    if (x.dtype !== 'float32') return original(call);
    const [starts, sizes] = slice_util.parseSliceParams(x as never, begin, size) as [number[], number[]];
    const [from, to] = [util.computeStrides(x.shape).concat(1), util.computeStrides(sizes).concat(1)];
    const axes = sizes.map((length, axis) => ({ length, source: from[axis]!, target: to[axis]! }));
    return copyTo(device, x, sizes, axes, { source: offset(starts, from) }) ?? original(call);
  },

  PadV2: (device, original) => (call) => {
    const { x } = call.inputs as { x: TensorInfo };
    const { paddings, constantValue } = call.attrs as unknown as {
      paddings: [number, number][];
      constantValue: number;
    };
    if (x.dtype !== 'float32') return original(call);
    const shape = x.shape.map((length, axis) => length + paddings[axis]![0] + paddings[axis]![1]);
    const [from, to] = [util.computeStrides(x.shape).concat(1), util.computeStrides(shape).concat(1)];
    const axes = x.shape.map((length, axis) => ({ length, source: from[axis]!, target: to[axis]! }));
    const before = paddings.map(([zeros]) => zeros);
    const place = { target: offset(before, to), fill: constantValue };
    return copyTo(device, x, shape, axes, place) ?? original(call);
  },

  Tile: (device, original) => (call) => {
    const { x } = call.inputs as { x: TensorInfo };
    const { reps } = call.attrs as { reps: number[] };
    if (x.dtype !== 'float32') return original(call);
    const shape = x.shape.map((length, axis) => length * reps[axis]!);
    const [from, to] = [util.computeStrides(x.shape).concat(1), util.computeStrides(shape).concat(1)];
    const axes = x.shape.flatMap((length, axis) => [
      { length: reps[axis]!, source: 0, target: to[axis]! * length },
      { length, source: from[axis]!, target: to[axis]! },
    ]);
    return copyTo(device, x, shape, axes) ?? original(call);
  },

  Transpose: (device, original) => (call) => {
    const { x } = call.inputs as { x: TensorInfo };
    const { perm } = call.attrs as { perm: number[] };
    if (x.dtype !== 'float32') return original(call);
    const shape = perm.map((axis) => x.shape[axis]!);
    const [from, to] = [util.computeStrides(x.shape).concat(1), util.computeStrides(shape).concat(1)];
    const axes = shape.map((length, axis) => ({ length, source: from[perm[axis]!]!, target: to[axis]! }));
    return copyTo(device, x, shape, axes) ?? original(call);
  },
};

function offset(place: readonly number[], strides: readonly number[]): number {
  return place.reduce((sum, index, axis) => sum + index * strides[axis]!, 0);
}

interface Place {
  /** First elements of the views. */
  readonly source?: number;
  readonly target?: number;
  /** What is where nothing is copied to. */
  readonly fill?: number;
}

/** A new tensor with the elements of another, or undefined where the views have too many axes. */
function copyTo(
  device: WasmDevice,
  input: TensorInfo,
  shape: number[],
  axes: readonly Axis[],
  { source = 0, target = 0, fill }: Place = {},
): TensorInfo | undefined {
  const joined = joinAxes(axes);
  if (joined.length > AXES) return undefined;
  const output = device.allocate(shape);
  if (fill !== undefined) device.view(output).fill(fill);
  const count = util.sizeFromShape(axes.map(({ length }) => length));
  if (count === 0) return output;
  const padded = [
    ...Array.from({ length: AXES - joined.length }, () => ({ length: 1, source: 0, target: 0 })),
    ...joined,
  ];
  const run = padded.at(-1)!;
  const rows = padded.at(-2)!;
  const straight = run.source === 1 && run.target === 1;
  const program = device.processor.program(`copy/${straight}`, () => copyProgram(straight));
  device.processor.run(program, count / (run.length * rows.length), count, [
    device.address(input) + 4 * source,
    device.address(output) + 4 * target,
    ...padded.flatMap((axis) => [axis.length, 4 * axis.source, 4 * axis.target]),
  ]);
  return output;
}

/** Leaves out axes of length 1 and joins those that are one run in both views. */
function joinAxes(axes: readonly Axis[]): Axis[] {
  const joined: Axis[] = [];
  for (const axis of axes) {
    if (axis.length === 1) continue;
    const last = joined.at(-1);
    const adjoins = last?.source === axis.source * axis.length && last.target === axis.target * axis.length;
    if (adjoins) joined[joined.length - 1] = { ...axis, length: axis.length * last.length };
    else joined.push(axis);
  }
  return joined;
}

/** A unit is the last two axes; strides are in bytes. @param straight whether the last is a run in both views */
function copyProgram(straight: boolean): FunctionBuilder {
  const own = Array.from({ length: 2 + 3 * AXES }, () => 'i32' as const);
  const builder = new FunctionBuilder([...UNIT_PARAMETERS, ...own]);
  const [begin, end, , source, target, ...rest] = builder.parameters as [
    ...[Value, Value, Value, Value, Value],
    ...Value[],
  ];
  const axes = Array.from({ length: AXES }, (_, axis) => rest.slice(3 * axis, 3 * axis + 3)) as Value[][];
  const [rows, run] = axes.slice(-2) as [Value[], Value[]];
  builder.forEach(begin, end, (unit) => {
    const index = builder.copy(unit);
    const from = builder.copy(source);
    const to = builder.copy(target);
    for (const [length, sourceStride, targetStride] of axes.slice(0, -2).reverse()) {
      const along = builder.run('i32.rem_u', index, length!);
      builder.advance(from, builder.multiply(along, sourceStride!));
      builder.advance(to, builder.multiply(along, targetStride!));
      builder.assign(index, builder.run('i32.div_u', index, length!));
    }
    builder.forEach(0, rows[0]!, () => {
      if (straight) {
        forEachValue(builder, run[0]!, (m, at) =>
          builder.store(builder.add(to, at), m.load(builder.add(from, at))),
        );
      } else {
        const [read, write] = [builder.copy(from), builder.copy(to)];
        builder.forEach(0, run[0]!, () => {
          builder.store(write, builder.load('f32', read));
          builder.advance(read, run[1]!);
          builder.advance(write, run[2]!);
        });
      }
      builder.advance(from, rows[1]!);
      builder.advance(to, rows[2]!);
    });
  });
  return builder;
}
