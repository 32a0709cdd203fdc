/**
 * Normalisation, LIF neurons and pool in one walk over time. A thread has the neurons of one square of the pool and one
 * channel; without a pool, one neuron. Forward it counts spikes by step on the way; backward it walks the steps again,
 * sums what gamma and beta get, and leaves the gradient of the normalised input for a last pass.
 */
import { type TensorInfo, tidy, util } from '@tensorflow/tfjs-core';
import type { KernelForm } from '../../kernels/kernel.ts';
import { type LifConstants, lifNeuron } from '../../kernels/lif.ts';
import {
  type NormalisedLifAttributes,
  normalisedLifGradientKernel,
  normalisedLifKernel,
  type Pool,
} from '../../kernels/normalised-lif.ts';
import { repeatedVariance } from '../../kernels/repeat-steps.ts';
import { alignedSize } from '../backend.ts';
import {
  columnDeclarations,
  columnNumbers,
  columnPlace,
  columnsOf,
  columnTypes,
  sumRows,
} from '../columns.ts';
import { type Shader, THREADS, type WebGpuDevice } from '../device.ts';
import { WgslAlgebra } from '../wgsl.ts';
import { computeStatistics, newStatistics, type Statistics, wholeOf } from './batch-norm.ts';

type Input = 'input' | 'gamma' | 'beta' | 'mean' | 'variance' | 'parameters' | 'state';
type GradientInput = Input | 'outputGradient' | 'stateGradient' | 'countsGradient';
type Inputs = Readonly<Record<Input, TensorInfo>>;

/** Potentials of a thread's past that stay in registers. */
const REGISTERS = 64;
/** Steps whose spikes a group counts in its shared memory. */
const COUNTED_STEPS = 2048;
/** Neurons of a square that a thread takes. */
const SQUARE = 16;

const mapTypes = {
  steps: 'u32',
  repeat: 'u32',
  height: 'u32',
  width: 'u32',
  channels: 'u32',
  cellRows: 'u32',
  cellColumns: 'u32',
  pooledRows: 'u32',
  pooledColumns: 'u32',
  stride: 'u32',
  byChannel: 'u32',
} as const;

interface Maps {
  readonly batch: number;
  readonly frames: number;
  readonly steps: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Squares of a frame, those cut off at the edges included. */
  readonly cells: number;
  readonly pooledShape: readonly number[];
  /** Values of `mapTypes`. */
  readonly numbers: readonly number[];
}

function mapsOf({ input, parameters }: Inputs, { repeat, pool: { size } }: NormalisedLifAttributes): Maps {
  const [batch, frames, height, width, channels] = input.shape as [number, number, number, number, number];
  const steps = frames * repeat;
  const [cellRows, cellColumns] = [Math.ceil(height / size), Math.ceil(width / size)];
  const [pooledRows, pooledColumns] = [Math.floor(height / size), Math.floor(width / size)];
  return {
    ...{ batch, frames, steps, height, width, channels, cells: cellRows * cellColumns },
    pooledShape: [batch, steps, pooledRows, pooledColumns, channels],
    numbers: [
      ...[steps, repeat, height, width, channels, cellRows, cellColumns, pooledRows, pooledColumns],
      ...[alignedSize([channels]), parameters.shape.length > 1 ? 1 : 0],
    ],
  };
}

/** What a thread knows of its square: needs `cell`, `sample` and `channel`. */
function cellPlace({ size }: Pool): string {
  return `
let cellRow = (cell / n.cellColumns) % n.cellRows;
let cellColumn = cell % n.cellColumns;
let complete = cellRow < n.pooledRows && cellColumn < n.pooledColumns;
let frameSize = n.height * n.width * n.channels;
let line = n.width * n.channels;
let firstPixel = (cellRow * ${size}u) * line + (cellColumn * ${size}u) * n.channels + channel;
let rowsLeft = n.height - min(n.height, cellRow * ${size}u);
let columnsLeft = n.width - min(n.width, cellColumn * ${size}u);
let pooledSize = n.pooledRows * n.pooledColumns * n.channels;
let pooledPixel = (cellRow * n.pooledColumns + cellColumn) * n.channels + channel;
let p0 = learned[channel * n.byChannel];
let p1 = learned[channel * n.byChannel + select(1u, n.channels, n.byChannel == 1u)];`;
}

/** For each neuron of a square: \`k\`, and \`pixel\`, its place in a frame. */
function forNeurons({ size }: Pool, body: string): string {
  if (size === 1) return `{ const k = 0u; let pixel = firstPixel;\n${body} }`;
  return `for (var k = 0u; k < ${size * size}u; k++) {
  if (k / ${size}u >= rowsLeft || k % ${size}u >= columnsLeft) { continue; }
  let pixel = firstPixel + (k / ${size}u) * line + (k % ${size}u) * n.channels;
${body}
}`;
}

/** Pooled spikes, last potential, statistics, spikes by sample and step. */
export function normalisedLifForm(device: WebGpuDevice): KernelForm<Input, NormalisedLifAttributes> {
  return (inputs, attributes) => {
    const maps = mapsOf(inputs, attributes);
    if (!fits(attributes, maps)) {
      return tidy(() => normalisedLifKernel.reference(inputs as never, attributes));
    }
    const { input, parameters, state } = inputs;
    const { constants, pool } = attributes;
    const statistics = statisticsOf(device, inputs, attributes);
    const output = device.output(maps.pooledShape);
    const last = device.output(state.shape);
    const counts = device.output([maps.batch, maps.steps]);
    device.clear(counts);
    const items = maps.cells * maps.channels;
    const share = Math.ceil(items / THREADS);
    const counted = 2 ** Math.ceil(Math.log2(Math.max(1, maps.steps)));
    device.run(
      'NormalisedLif',
      JSON.stringify([pool, counted, constants]),
      () => forwardShader(pool, constants, counted),
      {
        reads: [input, wholeOf(device, statistics), parameters, state],
        writes: [output, last, counts],
        numbers: [maps.batch * share, share, items, ...maps.numbers],
        groups: maps.batch * share,
      },
    );
    const { mean, variance, scale, offset } = statistics;
    for (const { dataId } of [scale, offset]) device.backend.disposeData(dataId);
    return [output, last, mean, variance, counts];
  };
}

function fits({ pool }: NormalisedLifAttributes, { steps }: Maps): boolean {
  return pool.size ** 2 <= SQUARE && steps <= COUNTED_STEPS;
}

/** The statistics of the batch, or the given ones in the same places. */
function statisticsOf(
  device: WebGpuDevice,
  inputs: Inputs,
  { batchStatistics, epsilon, repeat }: NormalisedLifAttributes,
): Statistics {
  const { input, gamma } = inputs;
  const channels = gamma.shape[0]!;
  const count = util.sizeFromShape(input.shape) / channels;
  const statistics = newStatistics(device, [channels]);
  if (batchStatistics) {
    const grouping = { outer: 1, groups: 1, inner: count, channels, count };
    const spread = repeatedVariance(count, repeat);
    computeStatistics(device, 'NormalisedLif', inputs, statistics, { grouping, epsilon, spread });
  } else affineOf(device, inputs, statistics, { epsilon, biased: 1 });
  return statistics;
}

/** Scale and offset from given statistics. */
function affineOf(
  device: WebGpuDevice,
  { gamma, beta, mean, variance }: Inputs,
  statistics: Statistics,
  { epsilon, biased }: { readonly epsilon: number; readonly biased: number },
): void {
  const channels = gamma.shape[0]!;
  device.run(
    'NormalisedLif',
    'affine',
    () => ({
      reads: ['gamma', 'beta', 'mean', 'variance'],
      writes: ['statistics'],
      numbers: { channels: 'u32', stride: 'u32', epsilon: 'f32', biased: 'f32' },
      body: `
if (thread >= n.channels) { return; }
let scale = gamma[thread] * inverseSqrt(variance[thread] * n.biased + n.epsilon);
statistics[thread] = mean[thread];
statistics[n.stride + thread] = variance[thread];
statistics[2u * n.stride + thread] = scale;
statistics[3u * n.stride + thread] = beta[thread] - mean[thread] * scale;`,
    }),
    {
      reads: [gamma, beta, mean, variance],
      writes: [wholeOf(device, statistics)],
      numbers: [channels, alignedSize([channels]), epsilon, biased],
      groups: Math.ceil(channels / THREADS),
    },
  );
}

const learned = { decay: 'p0', threshold: 'p1' } as const;

function forwardShader(pool: Pool, constants: LifConstants, counted: number): Shader {
  const m = new WgslAlgebra();
  const step = { input: 'x', state: { potential: 's' }, parameters: learned };
  const { spikes, state } = lifNeuron.forward(m, step, constants);
  const square = pool.size ** 2;
  const place = 'v[k]';
  const join = pool.kind === 'max' ? `pooled = max(pooled, ${spikes});` : `pooled += ${spikes};`;
  return {
    reads: ['input', 'statistics', 'learned', 'state'],
    writes: ['output', 'last', ['counts', 'atomic<u32>']],
    numbers: { groups: 'u32', share: 'u32', items: 'u32', ...mapTypes },
    declarations: `
var<workgroup> fired : array<atomic<u32>, ${counted}>;
// Spikes are whole numbers, whose sums are exact in any order.
fn addCount(at : u32, more : u32) {
  var old = atomicLoad(&counts[at]);
  loop {
    let sum = bitcast<u32>(bitcast<f32>(old) + f32(more));
    let tried = atomicCompareExchangeWeak(&counts[at], old, sum);
    if (tried.exchanged) { break; }
    old = tried.old_value;
  }
}`,
    body: `
if (group >= n.groups) { return; }
let sample = group / n.share;
let item = (group % n.share) * ${THREADS}u + lane;
if (item < n.items) {
  let channel = item % n.channels;
  let cell = item / n.channels;
${cellPlace(pool)}
  let scale = statistics[2u * n.stride + channel];
  let offset = statistics[3u * n.stride + channel];
  var v : array<f32, ${square}>;
${forNeurons(pool, `${place} = state[sample * frameSize + pixel];`)}
  for (var t = 0u; t < n.steps; t++) {
    let frame = ((sample * n.steps + t) / n.repeat) * frameSize;
    var pooled = 0f;
    var count = 0u;
${forNeurons(
  pool,
  `let x = input[frame + pixel] * scale + offset;
let s = ${place};
${m.take()}
${place} = ${state.potential};
count += u32(${spikes});
${join}`,
)}
    if (complete) {
      output[(sample * n.steps + t) * pooledSize + pooledPixel] = pooled${pool.kind === 'max' || square === 1 ? '' : ` / ${square}f`};
    }
    if (count > 0u) { atomicAdd(&fired[t], count); }
  }
${forNeurons(pool, `last[sample * frameSize + pixel] = ${place};`)}
}
workgroupBarrier();
for (var t = lane; t < n.steps; t += ${THREADS}u) {
  let more = atomicLoad(&fired[t]);
  if (more > 0u) { addCount(sample * n.steps + t, more); }
}`,
  };
}

/** Gradients of input, gamma, beta, the learned numbers and the first state. */
export function normalisedLifGradientForm(
  device: WebGpuDevice,
): KernelForm<GradientInput, NormalisedLifAttributes> {
  return (inputs, attributes) => {
    const maps = mapsOf(inputs, attributes);
    const { input, parameters, state, outputGradient, stateGradient, countsGradient } = inputs;
    const { constants, pool, epsilon, batchStatistics, repeat, learns } = attributes;
    const { backend } = device;
    // Gradients of what no loss looks at are zero, and then not read.
    const carries = !backend.isZero(stateGradient);
    const counts = !backend.isZero(countsGradient);
    const buffers = 7 + Number(carries) + Number(counts);
    if (!fits(attributes, maps) || buffers > backend.device.limits['maxStorageBuffersPerShaderStage']!) {
      return tidy(() => normalisedLifGradientKernel.reference(inputs as never, attributes));
    }
    const { batch, steps, channels, cells } = maps;
    const size = util.sizeFromShape(input.shape);
    const count = size / channels;
    const shown = count * repeat;
    const statistics = newStatistics(device, [channels]);
    const biased = batchStatistics ? Math.max(1, shown - 1) / shown : 1;
    affineOf(device, inputs, statistics, { epsilon, biased });
    const square = pool.size ** 2;
    const inRegisters = steps * square <= REGISTERS;
    const neurons = util.sizeFromShape(state.shape);
    const work = backend.slabOutputs([state.shape, [size], [inRegisters ? 1 : steps * neurons]]);
    const [firstGradient, normalGradient, past] = work as [TensorInfo, TensorInfo, TensorInfo];
    const rows = batch * cells;
    const cut = columnsOf(1, rows, channels);
    const stride = alignedSize([channels]);
    const sums = learns ? 4 : 2;
    const partial = device.scratch(cut.splits * sums * stride);
    const variant = { pool, constants, learns, carries, counts, steps: inRegisters ? steps : 0 };
    device.run(
      'NormalisedLifGradient',
      `${cut.width} ${JSON.stringify(variant)}`,
      () => backwardShader(cut.width, variant),
      {
        reads: [
          ...[input, wholeOf(device, statistics), parameters, state, outputGradient],
          ...(carries ? [stateGradient] : []),
          ...(counts ? [countsGradient] : []),
        ],
        writes: [device.whole(work), partial],
        numbers: [
          ...columnNumbers(cut, rows, channels),
          ...maps.numbers,
          ...[device.offsetOf(normalGradient), device.offsetOf(past), neurons, biased, epsilon],
        ],
        groups: cut.groups,
      },
    );
    const parts = backend.slabOutputs(Array.from({ length: sums }, () => [channels]));
    const whole = device.whole(parts);
    const name = 'NormalisedLifGradient';
    sumRows(device, name, partial, whole, { outer: 1, rows: cut.splits, columns: sums * stride });
    const inputGradient = device.output(input.shape);
    device.run(name, `input ${batchStatistics}`, () => inputShader(batchStatistics), {
      reads: [input, wholeOf(device, statistics), whole, normalGradient],
      writes: [inputGradient],
      numbers: [size, channels, stride, count, biased, epsilon],
      groups: Math.ceil(size / THREADS),
    });
    const [gammaGradient, betaGradient, ...numbers] = parts as [TensorInfo, TensorInfo, ...TensorInfo[]];
    const learnedGradient = learns
      ? packLearned(device, numbers, parameters.shape, channels)
      : device.zeros(parameters.shape);
    for (const { dataId } of [normalGradient, past, ...Object.values(statistics), ...numbers]) {
      backend.disposeData(dataId);
    }
    return [inputGradient, gammaGradient, betaGradient, learnedGradient, firstGradient];
  };
}

interface BackwardVariant {
  readonly pool: Pool;
  readonly constants: LifConstants;
  readonly learns: boolean;
  readonly carries: boolean;
  readonly counts: boolean;
  /** Steps whose potentials a thread keeps in registers; 0 where they go to memory. */
  readonly steps: number;
}

function backwardShader(
  width: number,
  { pool, constants, learns, carries, counts, steps }: BackwardVariant,
): Shader {
  const square = pool.size ** 2;
  const given = { input: 'x', state: { potential: 's' }, parameters: learned };
  const forward = new WgslAlgebra('f');
  const after = lifNeuron.forward(forward, given, constants);
  const spikesOf = new WgslAlgebra('h');
  const { spikes } = lifNeuron.forward(spikesOf, given, constants);
  const backward = new WgslAlgebra('b');
  const gradients = lifNeuron.backward(
    backward,
    { ...given, spikesGradient: 'dSpikes', stateGradient: { potential: 'carried' } },
    constants,
  );
  const past = (t: string): string =>
    steps > 0
      ? `past[${t} * ${square}u + k]`
      : `work[n.pastAt + ${t} * n.neurons + sample * frameSize + pixel]`;
  const x = 'let x = input[frame + pixel] * scale + offset;';
  const findFirst =
    pool.kind === 'max' && square > 1
      ? `var winner = 0u;
var found = false;
${forNeurons(
  pool,
  `${x}
let s = ${past('t')};
${spikesOf.take()}
if (!found && ${spikes} > 0f) { winner = k; found = true; }`,
)}`
      : '';
  let share = 'dOutput';
  if (square > 1) share = pool.kind === 'max' ? 'select(0f, dOutput, k == winner)' : `dOutput / ${square}f`;
  const { potential, decay, threshold } = { ...gradients.state, ...gradients.parameters };
  return {
    reads: [
      ...['input', 'statistics', 'learned', 'state', 'outputGradient'],
      ...(carries ? ['stateGradient'] : []),
      ...(counts ? ['countsGradient'] : []),
    ],
    writes: ['work', 'sumsOfColumns'],
    numbers: {
      ...{ ...columnTypes, ...mapTypes, normalAt: 'u32', pastAt: 'u32', neurons: 'u32' },
      ...{ biased: 'f32', epsilon: 'f32' },
    },
    declarations: columnDeclarations(width),
    body: `${columnPlace(width)}
_ = outer;
var gammaSum = 0f;
var betaSum = 0f;
${learns ? 'var decaySum = 0f; var thresholdSum = 0f;' : ''}
for (var row = firstRow; row < endRow; row += rowStep) {
  let channel = column;
  let cell = row % (n.cellRows * n.cellColumns);
  let sample = row / (n.cellRows * n.cellColumns);
${cellPlace(pool)}
  let mean = statistics[channel];
  let inverse = inverseSqrt(statistics[n.stride + channel] * n.biased + n.epsilon);
  let scale = statistics[2u * n.stride + channel];
  let offset = statistics[3u * n.stride + channel];
${steps > 0 ? `  var past : array<f32, ${steps * square}>;` : ''}
  var carriedOf : array<f32, ${square}>;
  var frameGradient : array<f32, ${square}>;
${forNeurons(
  pool,
  `${past('0u')} = state[sample * frameSize + pixel];
carriedOf[k] = ${carries ? 'stateGradient[sample * frameSize + pixel]' : '0f'};
frameGradient[k] = 0f;`,
)}
  for (var t = 0u; t + 1u < n.steps; t++) {
    let frame = ((sample * n.steps + t) / n.repeat) * frameSize;
${forNeurons(
  pool,
  `${x}
let s = ${past('t')};
${forward.take()}
${past('(t + 1u)')} = ${after.state.potential};`,
)}
  }
  for (var back = 0u; back < n.steps; back++) {
    let t = n.steps - 1u - back;
    let frame = ((sample * n.steps + t) / n.repeat) * frameSize;
    var dOutput = 0f;
    if (complete) { dOutput = outputGradient[(sample * n.steps + t) * pooledSize + pooledPixel]; }
    let dCount = ${counts ? 'countsGradient[sample * n.steps + t]' : '0f'};
    let frameDone = t % n.repeat == 0u;
${findFirst}
${forNeurons(
  pool,
  `let raw = input[frame + pixel];
let x = raw * scale + offset;
let s = ${past('t')};
let dSpikes = ${share} + dCount;
let carried = carriedOf[k];
${backward.take()}
carriedOf[k] = ${potential};
${learns ? `decaySum += ${decay!}; thresholdSum += ${threshold!};` : ''}
let whole = frameGradient[k] + ${gradients.input};
frameGradient[k] = whole;
if (frameDone) {
  work[n.normalAt + frame + pixel] = whole;
  gammaSum += whole * ((raw - mean) * inverse);
  betaSum += whole;
  frameGradient[k] = 0f;
}`,
)}
  }
${forNeurons(pool, 'work[sample * frameSize + pixel] = carriedOf[k];')}
}
let sum0 = total(gammaSum, lane);
let sum1 = total(betaSum, lane);
${learns ? 'let sum2 = total(decaySum, lane); let sum3 = total(thresholdSum, lane);' : ''}
if (exists && lane < ${width}u) {
  let at = split * ${learns ? 4 : 2}u * n.stride + column;
${(learns ? [0, 1, 2, 3] : [0, 1]).map((index) => `  sumsOfColumns[at + ${index}u * n.stride] = sum${index};`).join('\n')}
}`,
  };
}

/** The gradient of the input from that of its normal values; with the batch's statistics, which depend on it too. */
function inputShader(batchStatistics: boolean): Shader {
  const through = batchStatistics
    ? `
let gradient = normalGradient[thread];
let inverse = inverseSqrt(statistics[n.stride + channel] * n.biased + n.epsilon);
let normal = (values[thread] - statistics[channel]) * inverse;
let product = sums[channel] / f32(n.rows);
let sum = sums[n.stride + channel] / f32(n.rows);
result[thread] = (gradient - sum - normal * product) * scale;`
    : `
result[thread] = normalGradient[thread] * scale;`;
  return {
    reads: ['values', 'statistics', 'sums', 'normalGradient'],
    writes: ['result'],
    numbers: {
      ...{ count: 'u32', channels: 'u32', stride: 'u32', rows: 'u32' },
      ...{ biased: 'f32', epsilon: 'f32' },
    },
    body: `
if (thread >= n.count) { return; }
let channel = thread % n.channels;
let scale = statistics[2u * n.stride + channel];
${through}`,
  };
}

/** The gradients of the learned numbers, each from its sums by channel. */
function packLearned(
  device: WebGpuDevice,
  sums: readonly TensorInfo[],
  shape: readonly number[],
  channels: number,
): TensorInfo {
  const output = device.output(shape);
  const byChannel = shape.length > 1;
  const count = util.sizeFromShape([...shape]);
  device.run(
    'NormalisedLifGradient',
    `learned ${byChannel}`,
    () => ({
      reads: ['decay', 'threshold'],
      writes: ['result'],
      numbers: { count: 'u32', channels: 'u32' },
      body: byChannel
        ? `
if (thread >= n.count) { return; }
let channel = thread % n.channels;
if (thread < n.channels) { result[thread] = decay[channel]; } else { result[thread] = threshold[channel]; }`
        : `
if (thread >= n.count) { return; }
var sum = 0f;
for (var i = 0u; i < n.channels; i++) {
  if (thread == 0u) { sum += decay[i]; } else { sum += threshold[i]; }
}
result[thread] = sum;`,
    }),
    {
      reads: sums,
      writes: [output],
      numbers: [count, channels],
      groups: Math.ceil(count / THREADS),
    },
  );
  return output;
}
