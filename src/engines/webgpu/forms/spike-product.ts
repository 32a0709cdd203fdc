import type { KernelForm } from '../../kernels/kernel.ts';
import type { WebGpuDevice } from '../device.ts';
import { multiply, stored } from '../products.ts';

/** Rows times weights plus bias. */
export function spikeProductForm(device: WebGpuDevice): KernelForm<'input' | 'weight' | 'bias', object> {
  return ({ input, weight, bias }) => {
    const [rows, inner] = input.shape as [number, number];
    const columns = weight.shape[1]!;
    const output = device.output([rows, columns]);
    const product = {
      kind: 'rows',
      left: stored('a', 'inner'),
      right: stored('b', 'columns'),
      factors: [input, weight] as const,
      bias,
    };
    multiply(device, 'SpikeProduct', { rows, inner, columns }, product, output);
    return [output];
  };
}

/** The gradient of the weights: rows transposed times the gradient. */
export function spikeProductWeightGradientForm(
  device: WebGpuDevice,
): KernelForm<'input' | 'outputGradient', object> {
  return ({ input, outputGradient }) => {
    const [inner, rows] = input.shape as [number, number];
    const columns = outputGradient.shape[1]!;
    const output = device.output([rows, columns]);
    const product = {
      kind: 'transposed',
      left: stored('a', 'rows'),
      right: stored('b', 'columns'),
      factors: [input, outputGradient] as const,
    };
    multiply(device, 'SpikeProductWeightGradient', { rows, inner, columns }, product, output);
    return [output];
  };
}
