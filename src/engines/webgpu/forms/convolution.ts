/** A convolution and its gradients as products of matrices that are gathered on the way. */
import { util } from '@tensorflow/tfjs-core';
import type {
  ConvolutionAttributes,
  FilterGradientAttributes,
  InputGradientAttributes,
} from '../../kernels/convolution.ts';
import type { KernelForm } from '../../kernels/kernel.ts';
import type { WebGpuDevice } from '../device.ts';
import { type Factor, multiply } from '../products.ts';

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

/** The input that the filter's place `place` sees for the output pixel `pixel`, from the maps `a`. */
const seen = `
let q = i32(pixel); let f = i32(place);
let channel = f % n.inputs;
let y = ((q / n.outWidth) % n.outHeight) * n.stride + f / (n.inputs * n.filterColumns) - n.top;
let x = (q % n.outWidth) * n.stride + (f / n.inputs) % n.filterColumns - n.left;
if (y < 0 || y >= n.height || x < 0 || x >= n.width) { return 0f; }
let map = q / (n.outWidth * n.outHeight);
return a[((map * n.height + y) * n.width + x) * n.inputs + channel];`;

const rowMajor: Factor = { value: 'return b[inner * n.columns + column];', innerFirst: false };

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
    const left = { value: `let pixel = row; let place = inner;${seen}`, innerFirst: true };
    const numbers = geometry(input.shape, filter.shape, output.shape, attributes);
    const product = { kind: 'forward', left, right: rowMajor, factors: [input, filter], numbers } as const;
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
      value: `
let q = i32(row); let f = i32(inner);
let channel = f % n.outputs;
let below = (q / n.width) % n.height + n.top - f / (n.outputs * n.filterColumns);
let right = q % n.width + n.left - (f / n.outputs) % n.filterColumns;
if (below < 0 || right < 0 || below % n.stride != 0 || right % n.stride != 0) { return 0f; }
let y = below / n.stride;
let x = right / n.stride;
if (y >= n.outHeight || x >= n.outWidth) { return 0f; }
let map = q / (n.width * n.height);
return a[((map * n.outHeight + y) * n.outWidth + x) * n.outputs + channel];`,
      innerFirst: true,
    };
    const right = {
      value: `
let outputs = u32(n.outputs);
return b[((inner / outputs) * n.columns + column) * outputs + inner % outputs];`,
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
    const left = { value: `let pixel = inner; let place = row;${seen}`, innerFirst: false };
    const numbers = geometry(input.shape, filterShape, outputGradient.shape, attributes);
    const factors = [input, outputGradient] as const;
    const product = { kind: 'filter gradient', left, right: rowMajor, factors, numbers };
    multiply(device, 'ConvolutionFilterGradient', sizes, product, output);
    return [output];
  };
}
