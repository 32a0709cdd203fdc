/** Pools over squares of pixels, and their gradients: a thread a result. */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { AveragePoolAttributes } from '../../kernels/average-pool.ts';
import type { KernelForm } from '../../kernels/kernel.ts';
import type { MaxPoolAttributes } from '../../kernels/max-pool.ts';
import { poolShape } from '../../kernels/pool-shape.ts';
import { type Operand, type Shader, THREADS, type WebGpuDevice } from '../device.ts';

const sizeTypes = {
  count: 'u32',
  height: 'u32',
  width: 'u32',
  channels: 'u32',
  rows: 'u32',
  columns: 'u32',
  size: 'u32',
} as const;

/** Sizes of a pool: `count` threads, the maps, and what the pool makes of them. */
function poolNumbers(
  count: number,
  [, height, width, channels]: readonly number[],
  pooled: readonly number[],
  size: number,
): number[] {
  return [count, height!, width!, channels!, pooled[1]!, pooled[2]!, size];
}

/** A thread a square: `first` is its upper left pixel, `line` the way to the pixel below. */
const squarePlace = `
if (thread >= n.count) { return; }
let channel = thread % n.channels;
let column = (thread / n.channels) % n.columns;
let row = (thread / (n.channels * n.columns)) % n.rows;
let map = thread / (n.channels * n.columns * n.rows);
let line = n.width * n.channels;
let first = (map * n.height + row * n.size) * line + column * n.size * n.channels + channel;`;

/** A thread a pixel: `square` is where its square's result lies, where it `counts` in one. */
const pixelPlace = `
if (thread >= n.count) { return; }
let channel = thread % n.channels;
let x = (thread / n.channels) % n.width;
let y = (thread / (n.channels * n.width)) % n.height;
let map = thread / (n.channels * n.width * n.height);
let column = x / n.size;
let row = y / n.size;
let counts = row < n.rows && column < n.columns;
let square = ((map * n.rows + row) * n.columns + column) * n.channels + channel;`;

function runPool(
  device: WebGpuDevice,
  name: string,
  shader: Pick<Shader, 'reads' | 'body'>,
  reads: readonly Operand[],
  { output, maps, pooled, size }: PoolRun,
): TensorInfo[] {
  const count = util.sizeFromShape(output.shape);
  device.run(name, '', () => ({ ...shader, writes: ['result'], numbers: sizeTypes }), {
    reads,
    writes: [output],
    numbers: poolNumbers(count, maps, pooled, size),
    groups: Math.ceil(count / THREADS),
  });
  return [output];
}

interface PoolRun {
  readonly output: TensorInfo;
  readonly maps: readonly number[];
  readonly pooled: readonly number[];
  readonly size: number;
}

/** Means of squares. */
export function averagePoolForm(device: WebGpuDevice): KernelForm<'input', AveragePoolAttributes> {
  return ({ input }, { size }) => pool(device, 'AveragePool', input, size);
}

/** Maxima of squares. */
export function maxPoolForm(device: WebGpuDevice): KernelForm<'input', MaxPoolAttributes> {
  return ({ input }, { size }) => pool(device, 'MaximumPool', input, size);
}

function pool(
  device: WebGpuDevice,
  name: 'AveragePool' | 'MaximumPool',
  input: TensorInfo,
  size: number,
): TensorInfo[] {
  const pooled = poolShape(input.shape, size);
  const output = device.output(pooled);
  const average = name === 'AveragePool';
  const body = `${squarePlace}
var best = ${average ? '0f' : 'maps[first]'};
for (var i = 0u; i < n.size; i++) {
  for (var j = 0u; j < n.size; j++) {
    let value = maps[first + i * line + j * n.channels];
    best = ${average ? 'best + value' : 'max(best, value)'};
  }
}
result[thread] = best${average ? ' / f32(n.size * n.size)' : ''};`;
  return runPool(device, name, { reads: ['maps'], body }, [input], {
    ...{ output, maps: input.shape, pooled, size },
  });
}

/** The way back of means: every pixel of a square has its share. */
export function averagePoolGradientForm(
  device: WebGpuDevice,
): KernelForm<'outputGradient', AveragePoolAttributes> {
  return ({ outputGradient }, { size, height, width }) => {
    const [maps, , , channels] = outputGradient.shape as [number, number, number, number];
    const output = device.output([maps, height, width, channels]);
    const body = `${pixelPlace}
var share = 0f;
if (counts) { share = gradient[square] / f32(n.size * n.size); }
result[thread] = share;`;
    return runPool(device, 'AveragePoolGradient', { reads: ['gradient'], body }, [outputGradient], {
      ...{ output, maps: output.shape, pooled: outputGradient.shape, size },
    });
  };
}

/** The way back of maxima: the first in reading order has all. */
export function maxPoolGradientForm(
  device: WebGpuDevice,
): KernelForm<'input' | 'outputGradient', MaxPoolAttributes> {
  return ({ input, outputGradient }, { size }) => {
    const output = device.output(input.shape);
    const body = `${pixelPlace}
var taken = 0f;
if (counts) {
  let own = maps[thread];
  let place = (y % n.size) * n.size + x % n.size;
  let line = n.width * n.channels;
  let first = (map * n.height + row * n.size) * line + column * n.size * n.channels + channel;
  var wins = true;
  for (var i = 0u; i < n.size * n.size; i++) {
    let other = maps[first + (i / n.size) * line + (i % n.size) * n.channels];
    if (other > own || (other == own && i < place)) { wins = false; }
  }
  if (wins) { taken = gradient[square]; }
}
result[thread] = taken;`;
    const shader = { reads: ['maps', 'gradient'], body };
    return runPool(device, 'MaximumPoolGradient', shader, [input, outputGradient], {
      ...{ output, maps: input.shape, pooled: outputGradient.shape, size },
    });
  };
}
