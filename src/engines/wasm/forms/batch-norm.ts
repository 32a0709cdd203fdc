/**
 * Batch normalisation in four passes over memory: statistics, output; gradient sums, input gradient. Work is cut
 * into chunks of rows that fit the first cache; sums of chunks are joined in double precision.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import {
  type BatchNormAttributes,
  type BatchNormGradientInput,
  type Grouping,
  groupingOf,
  statisticsShape,
} from '../../kernels/batch-norm.ts';
import type { KernelForm } from '../../kernels/kernel.ts';
import { FunctionBuilder, type Value } from '../assembler.ts';
import type { WasmDevice } from '../device.ts';
import { UNIT_PARAMETERS } from '../processor.ts';
import { forEachValue } from '../vectors.ts';

/** Values of a chunk. */
const CHUNK_VALUES = 4096;

/** How rows are cut into chunks, none of which spans two groups. */
interface Chunks extends Grouping {
  readonly rows: number;
  readonly perSegment: number;
  readonly total: number;
}

function chunksOf(shape: readonly number[], perStep: boolean): Chunks {
  const grouping = groupingOf(shape, perStep);
  const { outer, groups, inner, channels } = grouping;
  const rows = Math.min(inner, Math.max(8, Math.floor(CHUNK_VALUES / channels)));
  const perSegment = Math.ceil(inner / rows);
  return { ...grouping, rows, perSegment, total: outer * groups * perSegment };
}

/** Real rows of a chunk, and the group that it belongs to. */
function chunkAt(
  { inner, rows, perSegment, groups }: Chunks,
  chunk: number,
): { rows: number; group: number } {
  const first = (chunk % perSegment) * rows;
  return { rows: Math.min(rows, inner - first), group: Math.floor(chunk / perSegment) % groups };
}

/** Parameters by which a program finds its chunks. */
function extent({ inner, rows, perSegment, groups, channels }: Chunks): number[] {
  return [inner, rows, perSegment, groups, channels];
}

/** Output, mean and unbiased variance. */
export function batchNormForm(
  device: WasmDevice,
): KernelForm<'input' | 'gamma' | 'beta', BatchNormAttributes> {
  return ({ input, gamma, beta }, { epsilon, perStep }) => {
    const chunks = chunksOf(input.shape, perStep);
    const output = device.allocate(input.shape);
    const mean = device.allocate(statisticsShape(chunks, perStep));
    const variance = device.allocate(statisticsShape(chunks, perStep));
    const { channels, groups, count } = chunks;
    const scratch = device.processor.scratch(2 * channels * Math.max(chunks.total, groups));

    run(device, 'statistics', chunks, [input], scratch);
    const statistics = joinStatistics(chunks, device.processor.view(scratch, 2 * channels * chunks.total));
    const [gammas, betas] = [device.view(gamma), device.view(beta)];
    const coefficients = device.processor.view(scratch, 2 * channels * groups);
    for (let group = 0; group < groups; group++) {
      for (let channel = 0; channel < channels; channel++) {
        const at = group * channels + channel;
        const average = statistics.means[at]!;
        const scale = gammas[channel]! / Math.sqrt(statistics.squares[at]! / count + epsilon);
        coefficients[2 * group * channels + channel] = scale;
        coefficients[(2 * group + 1) * channels + channel] = betas[channel]! - average * scale;
      }
    }
    device.view(mean).set(statistics.means);
    device.view(variance).set(statistics.squares.map((square) => square / Math.max(1, count - 1)));
    run(device, 'output', chunks, [input, output], scratch);
    return [output, mean, variance];
  };
}

/** Gradients of input, gamma and beta. */
export function batchNormGradientForm(
  device: WasmDevice,
): KernelForm<BatchNormGradientInput, BatchNormAttributes> {
  return ({ input, gamma, mean, variance, outputGradient }, { epsilon, perStep }) => {
    const chunks = chunksOf(input.shape, perStep);
    const inputGradient = device.allocate(input.shape);
    const gammaGradient = device.allocate(gamma.shape);
    const betaGradient = device.allocate(gamma.shape);
    const { channels, groups, count } = chunks;
    const means = groups * channels;
    const scratch = device.processor.scratch(means + channels * Math.max(2 * chunks.total, 4 * groups));

    device.processor.view(scratch, means).set(device.view(mean));
    run(device, 'sums', chunks, [input, outputGradient], scratch);
    const sums = new Float64Array(means);
    const products = new Float64Array(means);
    const partial = device.processor.view(scratch + 4 * means, 2 * channels * chunks.total);
    for (let chunk = 0, from = 0; chunk < chunks.total; chunk++) {
      const first = chunkAt(chunks, chunk).group * channels;
      for (let channel = 0; channel < channels; channel++) sums[first + channel]! += partial[from++]!;
      for (let channel = 0; channel < channels; channel++) products[first + channel]! += partial[from++]!;
    }

    const [gammas, variances, averages] = [device.view(gamma), device.view(variance), device.view(mean)];
    const [gammaSums, betaSums] = [new Float64Array(channels), new Float64Array(channels)];
    const coefficients = device.processor.view(scratch, 4 * means);
    for (let group = 0; group < groups; group++) {
      for (let channel = 0; channel < channels; channel++) {
        const at = group * channels + channel;
        const inverse = 1 / Math.sqrt((variances[at]! * Math.max(1, count - 1)) / count + epsilon);
        const scale = gammas[channel]! * inverse;
        gammaSums[channel]! += products[at]! * inverse;
        betaSums[channel]! += sums[at]!;
        const to = 4 * group * channels + channel;
        coefficients[to] = scale;
        coefficients[to + channels] = averages[at]!;
        coefficients[to + 2 * channels] = (-scale * inverse * inverse * products[at]!) / count;
        coefficients[to + 3 * channels] = (-scale * sums[at]!) / count;
      }
    }
    device.view(gammaGradient).set(gammaSums);
    device.view(betaGradient).set(betaSums);
    run(device, 'inputGradient', chunks, [input, outputGradient, inputGradient], scratch);
    return [inputGradient, gammaGradient, betaGradient];
  };
}

/** Means and sums of squared distances from them, from those of chunks (Chan, Golub and LeVeque 1983). */
function joinStatistics(
  chunks: Chunks,
  partial: Float32Array,
): { means: Float64Array; squares: Float64Array } {
  const { channels, groups, total } = chunks;
  const counts = new Float64Array(groups);
  const means = new Float64Array(groups * channels);
  const squares = new Float64Array(groups * channels);
  for (let chunk = 0; chunk < total; chunk++) {
    const { rows, group } = chunkAt(chunks, chunk);
    const share = rows / (counts[group]! + rows);
    const weight = counts[group]! * share;
    counts[group]! += rows;
    const first = 2 * chunk * channels;
    for (let channel = 0; channel < channels; channel++) {
      const at = group * channels + channel;
      const distance = partial[first + channel]! - means[at]!;
      means[at]! += distance * share;
      squares[at]! += partial[first + channels + channel]! + distance * distance * weight;
    }
  }
  return { means, squares };
}

const passes = { statistics, output, sums, inputGradient };

function run(
  device: WasmDevice,
  pass: keyof typeof passes,
  chunks: Chunks,
  tensors: readonly TensorInfo[],
  scratch: number,
): void {
  const program = device.processor.program(`batchNorm/${pass}`, passes[pass]);
  device.processor.run(program, chunks.total, chunks.total * chunks.rows * chunks.channels, [
    ...extent(chunks),
    scratch,
    ...tensors.map((tensor) => device.address(tensor)),
  ]);
}

/** What the body of a pass knows of its chunk. */
interface Chunk {
  readonly index: Value;
  /** Byte offset of the first value. */
  readonly offset: Value;
  readonly rows: Value;
  readonly group: Value;
  /** Bytes of a row. */
  readonly rowBytes: Value;
  readonly scratch: Value;
  readonly groups: Value;
  readonly channels: Value;
  readonly tensors: readonly Value[];
}

function chunkProgram(
  tensors: number,
  body: (builder: FunctionBuilder, chunk: Chunk) => void,
): FunctionBuilder {
  const own = Array.from({ length: 6 + tensors }, () => 'i32' as const);
  const builder = new FunctionBuilder([...UNIT_PARAMETERS, ...own]);
  const [begin, end, , inner, rows, perSegment, groups, channels, scratch, ...addresses] =
    builder.parameters as [Value, Value, Value, Value, Value, Value, Value, Value, Value, ...Value[]];
  const rowBytes = builder.multiply(channels, 4);
  builder.forEach(begin, end, (index) => {
    const segment = builder.run('i32.div_u', index, perSegment);
    const first = builder.multiply(builder.run('i32.rem_u', index, perSegment), rows);
    const row = builder.add(builder.multiply(segment, inner), first);
    body(builder, {
      index,
      offset: builder.multiply(row, rowBytes),
      rows: builder.minimum(rows, builder.run('i32.sub', inner, first)),
      group: builder.run('i32.rem_u', segment, groups),
      rowBytes,
      scratch,
      groups,
      channels,
      tensors: addresses,
    });
  });
  return builder;
}

/** Mean and sum of squared distances of each channel of a chunk. */
function statistics(): FunctionBuilder {
  return chunkProgram(
    1,
    (builder, { index, offset, rows, rowBytes, scratch, channels, tensors: [input] }) => {
      const result = builder.add(scratch, builder.multiply(builder.multiply(index, rowBytes), 2));
      const start = builder.add(input!, offset);
      const inverse = builder.run('f32.div', builder.float(1), builder.run('f32.convert_i32_u', rows));
      forEachValue(builder, channels, (m, at) => {
        const first = builder.add(start, at);
        const sum = m.zero();
        const place = builder.copy(first);
        builder.forEach(0, rows, () => {
          builder.assign(sum, m.add(sum, m.load(place)));
          builder.advance(place, rowBytes);
        });
        const mean = m.mul(sum, m.splat(inverse));
        const squares = m.zero();
        builder.assign(place, first);
        builder.forEach(0, rows, () => {
          const distance = m.sub(m.load(place), mean);
          builder.assign(squares, m.add(squares, m.mul(distance, distance)));
          builder.advance(place, rowBytes);
        });
        const to = builder.add(result, at);
        builder.store(to, mean);
        builder.store(builder.add(to, rowBytes), squares);
      });
    },
  );
}

/** input * scale + shift; scratch holds scale and shift of each group. */
function output(): FunctionBuilder {
  return chunkProgram(
    2,
    (builder, { offset, rows, group, rowBytes, scratch, channels, tensors: [input, result] }) => {
      const scales = builder.add(scratch, builder.multiply(builder.multiply(group, rowBytes), 2));
      const shifts = builder.add(scales, rowBytes);
      const place = builder.copy(offset);
      builder.forEach(0, rows, () => {
        const [from, to] = [builder.add(input!, place), builder.add(result!, place)];
        forEachValue(builder, channels, (m, at) => {
          const scaled = m.mul(m.load(builder.add(from, at)), m.load(builder.add(scales, at)));
          builder.store(builder.add(to, at), m.add(scaled, m.load(builder.add(shifts, at))));
        });
        builder.advance(place, rowBytes);
      });
    },
  );
}

/** Sums of the gradient and of its product with input - mean; scratch holds the means, then the results. */
function sums(): FunctionBuilder {
  return chunkProgram(2, (builder, chunk) => {
    const { index, offset, rows, group, groups, rowBytes, scratch, channels } = chunk;
    const [input, gradient] = chunk.tensors;
    const means = builder.add(scratch, builder.multiply(group, rowBytes));
    const results = builder.add(scratch, builder.multiply(groups, rowBytes));
    const result = builder.add(results, builder.multiply(builder.multiply(index, rowBytes), 2));
    forEachValue(builder, channels, (m, at) => {
      const mean = m.load(builder.add(means, at));
      const [sum, product] = [m.zero(), m.zero()];
      const place = builder.add(offset, at);
      builder.forEach(0, rows, () => {
        const dy = m.load(builder.add(gradient!, place));
        builder.assign(sum, m.add(sum, dy));
        const distance = m.sub(m.load(builder.add(input!, place)), mean);
        builder.assign(product, m.add(product, m.mul(dy, distance)));
        builder.advance(place, rowBytes);
      });
      const to = builder.add(result, at);
      builder.store(to, sum);
      builder.store(builder.add(to, rowBytes), product);
    });
  });
}

/** gradient * scale + (input - mean) * slope + shift; scratch holds the four coefficients of each group. */
function inputGradient(): FunctionBuilder {
  return chunkProgram(3, (builder, { offset, rows, group, rowBytes, scratch, channels, tensors }) => {
    const [input, gradient, result] = tensors;
    const scales = builder.add(scratch, builder.multiply(builder.multiply(group, rowBytes), 4));
    const means = builder.add(scales, rowBytes);
    const slopes = builder.add(means, rowBytes);
    const shifts = builder.add(slopes, rowBytes);
    const place = builder.copy(offset);
    builder.forEach(0, rows, () => {
      forEachValue(builder, channels, (m, at) => {
        const coefficient = (address: Value): Value => m.load(builder.add(address, at));
        const here = builder.add(place, at);
        const scaled = m.mul(m.load(builder.add(gradient!, here)), coefficient(scales));
        const distance = m.sub(m.load(builder.add(input!, here)), coefficient(means));
        const sum = m.add(m.add(scaled, m.mul(distance, coefficient(slopes))), coefficient(shifts));
        builder.store(builder.add(result!, here), sum);
      });
      builder.advance(place, rowBytes);
    });
  });
}
