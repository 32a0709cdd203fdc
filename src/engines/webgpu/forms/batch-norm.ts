/**
 * Batch normalisation: moments of shares of the rows, put together by Chan's formula (Chan, Golub and LeVeque 1983), so
 * that a mean far from zero costs no digits; then one pass over the values.
 */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import {
  type BatchNormAttributes,
  type BatchNormGradientInput,
  type Grouping,
  groupingOf,
  statisticsShape,
} from '../../kernels/batch-norm.ts';
import type { KernelForm } from '../../kernels/kernel.ts';
import { alignedSize } from '../backend.ts';
import {
  type Columns,
  columnDeclarations,
  columnNumbers,
  columnPlace,
  columnsOf,
  columnTypes,
  sumRows,
} from '../columns.ts';
import { type Operand, THREADS, type WebGpuDevice } from '../device.ts';

/** Mean, unbiased variance, scale gamma / deviation, and offset beta - mean scale, of every group and channel. */
export interface Statistics {
  readonly mean: TensorInfo;
  readonly variance: TensorInfo;
  readonly scale: TensorInfo;
  readonly offset: TensorInfo;
}

/** The parts of statistics, each [groups, channels], in one buffer. */
export function newStatistics(device: WebGpuDevice, shape: readonly number[]): Statistics {
  const [mean, variance, scale, offset] = device.backend.slabOutputs([shape, shape, shape, shape]);
  return { mean: mean!, variance: variance!, scale: scale!, offset: offset! };
}

/** Row `row` of group `outer` of a tensor [outer, groups, inner, channels], as the place of its first channel. */
const rowPlace = '((row / n.inner) * n.outers + outer) * n.inner + row % n.inner';

/**
 * Computes the statistics of a batch.
 * @param spread factor of the unbiased variance
 */
export function computeStatistics(
  device: WebGpuDevice,
  name: string,
  { input, gamma, beta }: Readonly<Record<'input' | 'gamma' | 'beta', TensorInfo>>,
  statistics: Statistics,
  { grouping, epsilon, spread = 1 }: { grouping: Grouping; epsilon: number; spread?: number },
): void {
  const { groups, inner, channels, count } = grouping;
  const cut = columnsOf(groups, count, channels);
  const { width } = cut;
  const partial = device.scratch(groups * cut.splits * 2 * channels);
  device.run(
    name,
    `moments ${width}`,
    () => ({
      reads: ['values'],
      writes: ['moments'],
      numbers: { ...columnTypes, outers: 'u32', inner: 'u32' },
      declarations: columnDeclarations(width),
      body: `${columnPlace(width)}
var sum = 0f;
for (var row = firstRow; row < endRow; row += rowStep) { sum += values[(${rowPlace}) * n.columns + column]; }
let first = split * n.share;
let mean = total(sum, lane) / f32(max(1u, min(n.rows, first + n.share) - first));
var squares = 0f;
for (var row = firstRow; row < endRow; row += rowStep) {
  let distance = values[(${rowPlace}) * n.columns + column] - mean;
  squares += distance * distance;
}
let whole = total(squares, lane);
if (exists && lane < ${width}u) {
  let at = (outer * n.splits + split) * 2u * n.columns + column;
  moments[at] = mean;
  moments[at + n.columns] = whole;
}`,
    }),
    {
      reads: [input],
      writes: [partial],
      numbers: [...columnNumbers(cut, count, channels), groups, inner],
      groups: cut.groups,
    },
  );
  joinMoments(device, name, [partial, gamma, beta], statistics, { cut, grouping, epsilon, spread });
}

function joinMoments(
  device: WebGpuDevice,
  name: string,
  reads: readonly Operand[],
  statistics: Statistics,
  { cut, grouping, epsilon, spread }: { cut: Columns; grouping: Grouping; epsilon: number; spread: number },
): void {
  const { groups, channels, count } = grouping;
  const last = columnsOf(groups, cut.splits, channels, 1);
  const { width } = last;
  device.run(
    name,
    `statistics ${width}`,
    () => ({
      reads: ['moments', 'gamma', 'beta'],
      writes: ['statistics'],
      numbers: {
        ...columnTypes,
        ...{ values: 'u32', part: 'u32', stride: 'u32', epsilon: 'f32', spread: 'f32' },
      },
      declarations: `${columnDeclarations(width)}
fn countOf(row : u32) -> f32 { return f32(min(n.values, (row + 1u) * n.part) - row * n.part); }`,
      body: `${columnPlace(width)}
var sum = 0f;
for (var row = firstRow; row < endRow; row += rowStep) {
  sum += countOf(row) * moments[(outer * n.rows + row) * 2u * n.columns + column];
}
let mean = total(sum, lane) / f32(n.values);
var squares = 0f;
for (var row = firstRow; row < endRow; row += rowStep) {
  let at = (outer * n.rows + row) * 2u * n.columns + column;
  let distance = moments[at] - mean;
  squares += moments[at + n.columns] + countOf(row) * distance * distance;
}
let whole = total(squares, lane);
_ = split;
if (exists && lane < ${width}u) {
  let at = outer * n.columns + column;
  let scale = gamma[column] * inverseSqrt(whole / f32(n.values) + n.epsilon);
  statistics[at] = mean;
  statistics[n.stride + at] = whole / f32(max(2u, n.values) - 1u) * n.spread;
  statistics[2u * n.stride + at] = scale;
  statistics[3u * n.stride + at] = beta[column] - mean * scale;
}`,
    }),
    {
      reads,
      writes: [wholeOf(device, statistics)],
      numbers: [
        ...columnNumbers(last, cut.splits, channels),
        ...[count, cut.share, alignedSize(statistics.mean.shape), epsilon, spread],
      ],
      groups: last.groups,
    },
  );
}

/** The buffer of statistics. */
export function wholeOf(device: WebGpuDevice, statistics: Statistics): Operand {
  return device.whole(Object.values(statistics) as TensorInfo[]);
}

/** Values less mean, by scale and offset, with the statistics of the batch. */
export function batchNormForm(
  device: WebGpuDevice,
): KernelForm<'input' | 'gamma' | 'beta', BatchNormAttributes> {
  return (inputs, { epsilon, perStep }) => {
    const name = 'BatchNormalisation';
    const { input } = inputs;
    const grouping = groupingOf(input.shape, perStep);
    const statistics = newStatistics(device, statisticsShape(grouping, perStep));
    computeStatistics(device, name, inputs, statistics, { grouping, epsilon });
    const output = device.output(input.shape);
    const count = util.sizeFromShape(input.shape);
    device.run(
      name,
      'apply',
      () => ({
        reads: ['values', 'statistics', 'beta'],
        writes: ['result'],
        numbers: { ...placeTypes, stride: 'u32' },
        body: `${channelPlace}
let at = outer * n.channels + channel;
result[thread] = (values[thread] - statistics[at]) * statistics[2u * n.stride + at] + beta[channel];`,
      }),
      {
        reads: [input, wholeOf(device, statistics), inputs.beta],
        writes: [output],
        numbers: [...placeNumbers(count, grouping), alignedSize(statistics.mean.shape)],
        groups: Math.ceil(count / THREADS),
      },
    );
    const { mean, variance, scale, offset } = statistics;
    for (const { dataId } of [scale, offset]) device.backend.disposeData(dataId);
    return [output, mean, variance];
  };
}

const placeTypes = { count: 'u32', channels: 'u32', inner: 'u32', outers: 'u32' } as const;

function placeNumbers(count: number, { channels, inner, groups }: Grouping): number[] {
  return [count, channels, inner, groups];
}

/** A thread a value: its `channel`, and its group as `outer`. */
const channelPlace = `
if (thread >= n.count) { return; }
let channel = thread % n.channels;
let outer = (thread / (n.channels * n.inner)) % n.outers;`;

/** Gradients of input, gamma and beta. */
export function batchNormGradientForm(
  device: WebGpuDevice,
): KernelForm<BatchNormGradientInput, BatchNormAttributes> {
  return ({ input, gamma, mean, variance, outputGradient }, { epsilon, perStep }) => {
    const name = 'BatchNormalisationGradient';
    const grouping = groupingOf(input.shape, perStep);
    const { groups, inner, channels, count } = grouping;
    const biased = Math.max(1, count - 1) / count;
    const cut = columnsOf(groups, count, channels);
    const { width } = cut;
    // Sums of products with the normal values, and of gradients, at the places of two tensors in one buffer.
    const stride = alignedSize([channels]);
    const partial = device.scratch(groups * cut.splits * 2 * stride);
    device.run(
      name,
      `sums ${width}`,
      () => ({
        reads: ['values', 'mean', 'variance', 'gradient'],
        writes: ['result'],
        numbers: {
          ...{ ...columnTypes, outers: 'u32', inner: 'u32', stride: 'u32' },
          ...{ biased: 'f32', epsilon: 'f32' },
        },
        declarations: columnDeclarations(width),
        body: `${columnPlace(width)}
var inverse = 0f;
var centre = 0f;
if (exists) {
  inverse = inverseSqrt(variance[outer * n.columns + column] * n.biased + n.epsilon);
  centre = mean[outer * n.columns + column];
}
var sum = 0f;
var product = 0f;
for (var row = firstRow; row < endRow; row += rowStep) {
  let place = (${rowPlace}) * n.columns + column;
  let dy = gradient[place];
  sum += dy;
  product += dy * ((values[place] - centre) * inverse);
}
let wholeSum = total(sum, lane);
let wholeProduct = total(product, lane);
if (exists && lane < ${width}u) {
  let at = (outer * n.splits + split) * 2u * n.stride + column;
  result[at] = wholeProduct;
  result[at + n.stride] = wholeSum;
}`,
      }),
      {
        reads: [input, mean, variance, outputGradient],
        writes: [partial],
        numbers: [...columnNumbers(cut, count, channels), groups, inner, stride, biased, epsilon],
        groups: cut.groups,
      },
    );
    const parts = device.backend.slabOutputs([[channels], [channels]]);
    const whole = device.whole(parts);
    const sums = groups === 1 ? whole : device.scratch(groups * 2 * stride);
    sumRows(device, name, partial, sums, { outer: groups, rows: cut.splits, columns: 2 * stride });
    if (groups > 1) sumRows(device, name, sums, whole, { outer: 1, rows: groups, columns: 2 * stride });
    const inputGradient = device.output(input.shape);
    const size = util.sizeFromShape(input.shape);
    device.run(
      name,
      'apply',
      () => ({
        reads: ['values', 'gamma', 'mean', 'variance', 'gradient', 'sums'],
        writes: ['result'],
        numbers: { ...placeTypes, stride: 'u32', rows: 'f32', biased: 'f32', epsilon: 'f32' },
        body: `${channelPlace}
let at = outer * n.channels + channel;
let inverse = inverseSqrt(variance[at] * n.biased + n.epsilon);
let normal = (values[thread] - mean[at]) * inverse;
let product = sums[outer * 2u * n.stride + channel] / n.rows;
let sum = sums[(outer * 2u + 1u) * n.stride + channel] / n.rows;
result[thread] = (gradient[thread] - sum - normal * product) * (gamma[channel] * inverse);`,
      }),
      {
        reads: [input, gamma, mean, variance, outputGradient, sums],
        writes: [inputGradient],
        numbers: [...placeNumbers(size, grouping), stride, count, biased, epsilon],
        groups: Math.ceil(size / THREADS),
      },
    );
    return [inputGradient, ...parts];
  };
}
