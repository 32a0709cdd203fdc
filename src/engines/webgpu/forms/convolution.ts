/** A convolution and its gradients as products of matrices that are gathered on the way. */
import { util } from '@tensorflow/tfjs-core';
import type {
  ConvolutionAttributes,
  FilterGradientAttributes,
  InputGradientAttributes,
} from '../../kernels/convolution.ts';
import type { KernelForm } from '../../kernels/kernel.ts';
import type { WebGpuDevice } from '../device.ts';
import { multiply, stored } from '../products.ts';

/** Sizes that the gathers read. */
function geometry(
  [, height, width, inputs]: readonly number[],
  [, filterColumns]: readonly number[],
  [, outHeight, outWidth, outputs]: readonly number[],
  { stride, padding }: ConvolutionAttributes,
): Record<string, number> {
  return {
    ...{ height: height!, width: width!, inputs: inputs! },
    ...{ filterColumns: filterColumns!, stride, top: padding.top, left: padding.left },
    ...{ outHeight: outHeight!, outWidth: outWidth!, outputs: outputs! },
  };
}

/** An output pixel as its map, and its upper and left edge in the input. */
const pixel = `
let q = i32(index);
let y = ((q / n.outWidth) % n.outHeight) * n.stride - n.top;
return vec3<i32>(q / (n.outWidth * n.outHeight), y, (q % n.outWidth) * n.stride - n.left);`;

/** A place of the filter as its input channel, row and column. */
const place = `
let f = i32(index);
return vec3<i32>(f % n.inputs, f / (n.inputs * n.filterColumns), (f / n.inputs) % n.filterColumns);`;

/** What the filter's place sees for the output pixel, from the maps `a`. */
function seen(pixelName: string, placeName: string): string {
  const [q, f] = [pixelName, placeName];
  return `
let y = ${q}.y + ${f}.y;
let x = ${q}.z + ${f}.z;
if (y < 0 || y >= n.height || x < 0 || x >= n.width) { return 0f; }
return a[((${q}.x * n.height + y) * n.width + x) * n.inputs + ${f}.x];`;
}

/** Maps by a filter. */
export function convolutionForm(device: WebGpuDevice): KernelForm<'input' | 'filter', ConvolutionAttributes> {
  return ({ input, filter }, attributes) => {
    const { stride, padding } = attributes;
    const [maps, height, width, inputs] = input.shape as [number, number, number, number];
    const [rows, columns, , outputs] = filter.shape as [number, number, number, number];
    const side = (length: number, kernel: number): number => Math.floor((length - kernel) / stride) + 1;
    const outHeight = side(height + padding.top + padding.bottom, rows);
    const outWidth = side(width + padding.left + padding.right, columns);
    const output = device.output([maps, outHeight, outWidth, outputs]);
    const sizes = { rows: maps * outHeight * outWidth, inner: rows * columns * inputs, columns: outputs };
    const left = { outer: pixel, inner: place, value: seen('o', 'i'), innerFirst: true };
    const numbers = geometry(input.shape, filter.shape, output.shape, attributes);
    const right = stored('b', 'columns');
    const product = { kind: 'forward', left, right, factors: [input, filter], numbers } as const;
    multiply(device, 'Convolution', sizes, product, output);
    return [output];
  };
}

/** The gradient of the maps. */
export function inputGradientForm(
  device: WebGpuDevice,
): KernelForm<'outputGradient' | 'filter', InputGradientAttributes> {
  return ({ outputGradient, filter }, attributes) => {
    const output = device.output(attributes.inputShape);
    const [maps, height, width, inputs] = output.shape as [number, number, number, number];
    const [rows, columns, , outputs] = filter.shape as [number, number, number, number];
    const sizes = { rows: maps * height * width, inner: rows * columns * outputs, columns: inputs };
    const left = {
      outer: `
let q = i32(index);
return vec3<i32>(q / (n.width * n.height), (q / n.width) % n.height + n.top, q % n.width + n.left);`,
      inner: `
let f = i32(index);
return vec3<i32>(f % n.outputs, f / (n.outputs * n.filterColumns), (f / n.outputs) % n.filterColumns);`,
      value: `
let below = o.y - i.y;
let right = o.z - i.z;
if (below < 0 || right < 0 || below % n.stride != 0 || right % n.stride != 0) { return 0f; }
let y = below / n.stride;
let x = right / n.stride;
if (y >= n.outHeight || x >= n.outWidth) { return 0f; }
return a[((o.x * n.outHeight + y) * n.outWidth + x) * n.outputs + i.x];`,
      innerFirst: true,
    };
    const right = {
      outer: 'return vec3<i32>(i32(index), 0, 0);',
      inner: 'return vec3<i32>(i32(index) / n.outputs, i32(index) % n.outputs, 0);',
      value: 'return b[(i.x * n.inputs + o.x) * n.outputs + i.y];',
      innerFirst: true,
    };
    const numbers = geometry(output.shape, filter.shape, outputGradient.shape, attributes);
    const product = {
      ...({ kind: 'input gradient', left, right, numbers } as const),
      factors: [outputGradient, filter] as const,
    };
    multiply(device, 'ConvolutionInputGradient', sizes, product, output);
    return [output];
  };
}

/** The gradient of the filter: the sum over all output pixels, in shares. */
export function filterGradientForm(
  device: WebGpuDevice,
): KernelForm<'outputGradient' | 'input', FilterGradientAttributes> {
  return ({ outputGradient, input }, attributes) => {
    const { filterShape } = attributes;
    const output = device.output(filterShape);
    const [rows, columns, inputs, outputs] = filterShape as [number, number, number, number];
    const pixels = util.sizeFromShape(outputGradient.shape) / outputs;
    const sizes = { rows: rows * columns * inputs, inner: pixels, columns: outputs };
    const left = { outer: place, inner: pixel, value: seen('i', 'o'), innerFirst: false };
    const numbers = geometry(input.shape, filterShape, outputGradient.shape, attributes);
    const factors = [input, outputGradient] as const;
    const product = { kind: 'filter gradient', left, right: stored('b', 'columns'), factors, numbers };
    multiply(device, 'ConvolutionFilterGradient', sizes, product, output);
    return [output];
  };
}
