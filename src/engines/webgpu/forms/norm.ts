/** The Euclidean norm of several tensors together. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { alignedSize } from '../backend.ts';
import { columnDeclarations, columnNumbers, columnPlace, columnsOf, columnTypes } from '../columns.ts';
import type { WebGpuDevice } from '../device.ts';
import type { Slabs } from './elementwise.ts';

/** Two shaders: sums of squares of shares, and the root of their sum. */
export function normForm(
  device: WebGpuDevice,
  slabs: Slabs,
): (inputs: Readonly<Record<string, TensorInfo>>, attributes: { readonly count: number }) => TensorInfo[] {
  return (inputs, { count }) => {
    const tensors = Array.from({ length: count }, (_, index) => inputs[index]!);
    const output = device.output([]);
    if (count === 0) return [device.zeros([])];
    const rows = tensors.reduce((sum, { shape }) => sum + alignedSize(shape), 0);
    const cut = columnsOf(1, rows, 1);
    const partial = device.scratch(cut.splits);
    const pass = (square: boolean): Parameters<WebGpuDevice['run']>[2] => {
      const value = square ? 'values[row] * values[row]' : 'values[row]';
      return () => ({
        reads: ['values'],
        writes: ['result'],
        numbers: columnTypes,
        declarations: columnDeclarations(1),
        body: `${columnPlace(1)}
_ = outer;
var sum = 0f;
for (var row = firstRow; row < endRow; row += rowStep) { sum += ${value}; }
let whole = total(sum, lane);
if (lane == 0u) { result[split] = ${square ? 'whole' : 'sqrt(whole)'}; }`,
      });
    };
    device.run('Norm', 'squares', pass(true), {
      reads: [slabs.of(tensors)],
      writes: [partial],
      numbers: columnNumbers(cut, rows, 1),
      groups: cut.groups,
    });
    const last = columnsOf(1, cut.splits, 1, 1);
    device.run('Norm', 'root', pass(false), {
      reads: [partial],
      writes: [output],
      numbers: columnNumbers(last, cut.splits, 1),
      groups: 1,
    });
    return [output];
  };
}
