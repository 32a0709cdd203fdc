/** Layer normalisation: a group of threads takes a row; scale and shift get their gradients column by column. */
import { util } from '@tensorflow/tfjs-core';
import type { KernelForm } from '../../kernels/kernel.ts';
import type { LayerNormAttributes } from '../../kernels/layer-norm.ts';
import { alignedSize } from '../backend.ts';
import {
  columnDeclarations,
  columnNumbers,
  columnPlace,
  columnsOf,
  columnTypes,
  sumRows,
} from '../columns.ts';
import { THREADS, type WebGpuDevice } from '../device.ts';

const rowTypes = { rows: 'u32', width: 'u32', epsilon: 'f32' } as const;

/** A group's row: its `mean` and the `inverse` of its deviation. */
const rowMoments = `
if (group >= n.rows) { return; }
let first = group * n.width;
var sum = 0f;
for (var i = lane; i < n.width; i += ${THREADS}u) { sum += values[first + i]; }
let mean = total(sum, lane) / f32(n.width);
var squares = 0f;
for (var i = lane; i < n.width; i += ${THREADS}u) {
  let distance = values[first + i] - mean;
  squares += distance * distance;
}
let inverse = inverseSqrt(total(squares, lane) / f32(n.width) + n.epsilon);`;

/** Rows less their mean, over their deviation, by scale and shift. */
export function layerNormForm(
  device: WebGpuDevice,
): KernelForm<'input' | 'gamma' | 'beta', LayerNormAttributes> {
  return ({ input, gamma, beta }, { epsilon }) => {
    const output = device.output(input.shape);
    const width = gamma.shape[0]!;
    const rows = util.sizeFromShape(input.shape) / Math.max(1, width);
    device.run(
      'LayerNormalisation',
      '',
      () => ({
        reads: ['values', 'gamma', 'beta'],
        writes: ['result'],
        numbers: rowTypes,
        declarations: columnDeclarations(1),
        body: `${rowMoments}
for (var i = lane; i < n.width; i += ${THREADS}u) {
  result[first + i] = (values[first + i] - mean) * inverse * gamma[i] + beta[i];
}`,
      }),
      { reads: [input, gamma, beta], writes: [output], numbers: [rows, width, epsilon], groups: rows },
    );
    return [output];
  };
}

/** Gradients of input, scale and shift. */
export function layerNormGradientForm(
  device: WebGpuDevice,
): KernelForm<'input' | 'gamma' | 'outputGradient', LayerNormAttributes> {
  return ({ input, gamma, outputGradient }, { epsilon }) => {
    const name = 'LayerNormalisationGradient';
    const inputGradient = device.output(input.shape);
    const width = gamma.shape[0]!;
    const rows = util.sizeFromShape(input.shape) / Math.max(1, width);
    if (rows === 0) return [inputGradient, device.zeros([width]), device.zeros([width])];
    const moments = device.scratch(2 * rows);
    device.run(
      name,
      'rows',
      () => ({
        reads: ['values', 'gamma', 'gradient'],
        writes: ['result', 'moments'],
        numbers: rowTypes,
        declarations: columnDeclarations(1),
        body: `${rowMoments}
var own = 0f;
var product = 0f;
for (var i = lane; i < n.width; i += ${THREADS}u) {
  let scaled = gradient[first + i] * gamma[i];
  own += scaled;
  product += scaled * ((values[first + i] - mean) * inverse);
}
let average = total(own, lane) / f32(n.width);
let along = total(product, lane) / f32(n.width);
for (var i = lane; i < n.width; i += ${THREADS}u) {
  let normal = (values[first + i] - mean) * inverse;
  result[first + i] = inverse * (gradient[first + i] * gamma[i] - average - normal * along);
}
if (lane == 0u) {
  moments[2u * group] = mean;
  moments[2u * group + 1u] = inverse;
}`,
      }),
      {
        reads: [input, gamma, outputGradient],
        writes: [inputGradient, moments],
        numbers: [rows, width, epsilon],
        groups: rows,
      },
    );
    const parts = device.backend.slabOutputs([[width], [width]]);
    const whole = device.whole(parts);
    const cut = columnsOf(1, rows, width);
    const stride = alignedSize([width]);
    const sums = cut.splits === 1 ? whole : device.scratch(cut.splits * 2 * stride);
    device.run(
      name,
      `columns ${cut.width}`,
      () => ({
        reads: ['values', 'gradient', 'moments'],
        writes: ['result'],
        numbers: { ...columnTypes, stride: 'u32' },
        declarations: columnDeclarations(cut.width),
        body: `${columnPlace(cut.width)}
_ = outer;
var sum = 0f;
var product = 0f;
for (var row = firstRow; row < endRow; row += rowStep) {
  let dy = gradient[row * n.columns + column];
  sum += dy;
  product += dy * ((values[row * n.columns + column] - moments[2u * row]) * moments[2u * row + 1u]);
}
let wholeSum = total(sum, lane);
let wholeProduct = total(product, lane);
if (exists && lane < ${cut.width}u) {
  let at = split * 2u * n.stride + column;
  result[at] = wholeProduct;
  result[at + n.stride] = wholeSum;
}`,
      }),
      {
        reads: [input, outputGradient, moments],
        writes: [sums],
        numbers: [...columnNumbers(cut, rows, width), stride],
        groups: cut.groups,
      },
    );
    if (cut.splits > 1) {
      sumRows(device, name, sums, whole, { outer: 1, rows: cut.splits, columns: 2 * stride });
    }
    return [inputGradient, ...parts];
  };
}
