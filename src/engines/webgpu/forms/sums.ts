/** Sums, means and fillings in place of tfjs's own: sums over shares of the rows, and constants without a shader. */
import { type KernelFunc, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { KernelForm } from '../../kernels/kernel.ts';
import type { ScaledSumAttributes } from '../../kernels/scaled-sum.ts';
import { sumRows } from '../columns.ts';
import type { WebGpuDevice } from '../device.ts';

/** The sum of all values, times a constant. */
export function scaledSumForm(device: WebGpuDevice): KernelForm<'input', ScaledSumAttributes> {
  return ({ input }, { scale }) => {
    const output = device.output([]);
    const rows = util.sizeFromShape(input.shape);
    sumRows(device, 'ScaledSum', input, output, { outer: 1, rows, columns: 1, factor: scale });
    return [output];
  };
}

type Replacement = (device: WebGpuDevice, original: KernelFunc) => KernelFunc;

/** By the names of tfjs's kernels; what is not float32, or small and in JavaScript's memory, the originals do. */
export const replacements: Readonly<Record<string, Replacement>> = {
  Sum: (device, original) => (call) => sum(device, 'Sum', call) ?? original(call),
  Mean: (device, original) => (call) => sum(device, 'Mean', call) ?? original(call),
  Fill: (device, original) => (call) => {
    const { shape, value, dtype } = call.attrs as { shape: number[]; value: unknown; dtype?: string };
    if ((dtype ?? 'float32') !== 'float32' || typeof value !== 'number') return original(call);
    return device.backend.constant(shape, value) ?? original(call);
  },
  ZerosLike: (device, original) => (call) => filledLike(device, call, 0) ?? original(call),
  OnesLike: (device, original) => (call) => filledLike(device, call, 1) ?? original(call),
};

function filledLike(
  device: WebGpuDevice,
  { inputs }: Parameters<KernelFunc>[0],
  value: number,
): TensorInfo | undefined {
  const { shape, dtype } = (inputs as { x: TensorInfo }).x;
  return dtype === 'float32' ? device.backend.constant(shape, value) : undefined;
}

function sum(
  device: WebGpuDevice,
  name: 'Sum' | 'Mean',
  { inputs, attrs }: Parameters<KernelFunc>[0],
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
  if (x.dtype !== 'float32' || !inRow || (size > 0 && device.backend.onHost(x))) return undefined;
  const kept = x.shape.map((length, index) => (axes.includes(index) ? 1 : length));
  const shape = keepDims ? kept : kept.filter((_, index) => !axes.includes(index));
  if (size === 0) return device.backend.constant(shape, name === 'Mean' ? Number.NaN : 0);
  const outer = util.sizeFromShape(x.shape.slice(0, first));
  const columns = util.sizeFromShape(x.shape.slice(last + 1));
  const rows = size / (outer * columns);
  const output = device.output(shape);
  sumRows(device, name, x, output, { outer, rows, columns, factor: name === 'Mean' ? 1 / rows : 1 });
  return output;
}
