import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { KernelForm } from '../../kernels/kernel.ts';
import type { LinearAttributes } from '../../kernels/linear.ts';
import { sumRows } from '../columns.ts';
import { type Operand, THREADS, type WebGpuDevice } from '../device.ts';
import { multiply, stored } from '../products.ts';

/** Rows of features times weights plus bias, the rectifier behind it where it is asked for. */
export function linearForm(device: WebGpuDevice): KernelForm<'input' | 'weight' | 'bias', LinearAttributes> {
  return ({ input, weight, bias }, { rectify }) => {
    const [inner, columns] = weight.shape as [number, number];
    const output = device.output([...input.shape.slice(0, -1), columns]);
    const rows = util.sizeFromShape(input.shape) / Math.max(1, inner);
    const product = {
      ...{ kind: 'rows', left: stored('a', 'inner'), right: stored('b', 'columns') },
      ...{ factors: [input, weight] as const, bias, rectify },
    };
    multiply(device, 'Linear', { rows, inner, columns }, product, output);
    return [output];
  };
}

/** Gradients of input, weight and bias. */
export function linearGradientForm(
  device: WebGpuDevice,
): KernelForm<'input' | 'weight' | 'output' | 'outputGradient', LinearAttributes> {
  return ({ input, weight, output, outputGradient }, { rectify }) => {
    const name = 'LinearGradient';
    const [inputs, outputs] = weight.shape as [number, number];
    const count = util.sizeFromShape(outputGradient.shape);
    const rows = count / Math.max(1, outputs);
    const gradient = rectify ? rectified(device, output, outputGradient) : outputGradient;
    const dInput = device.output(input.shape);
    const dWeight = device.output(weight.shape);
    const dBias = device.output([outputs]);
    const toInput = {
      ...{ kind: 'input', left: stored('a', 'inner'), right: stored('b', 'inner') },
      factors: [gradient, weight] as const,
    };
    multiply(device, name, { rows, inner: outputs, columns: inputs }, toInput, dInput);
    const toWeight = {
      ...{ kind: 'weight', left: stored('a', 'rows'), right: stored('b', 'columns') },
      factors: [input, gradient] as const,
    };
    multiply(device, name, { rows: inputs, inner: rows, columns: outputs }, toWeight, dWeight);
    sumRows(device, name, gradient, dBias, { outer: 1, rows, columns: outputs });
    return [dInput, dWeight, dBias];
  };
}

/** The gradient where the output is positive, and zero elsewhere. */
function rectified(device: WebGpuDevice, output: TensorInfo, outputGradient: TensorInfo): Operand {
  const count = util.sizeFromShape(output.shape);
  const active = device.scratch(count);
  device.run(
    'LinearGradient',
    'rectified',
    () => ({
      reads: ['values', 'gradient'],
      writes: ['result'],
      numbers: { count: 'u32' },
      body: 'if (thread < n.count) { result[thread] = select(0f, gradient[thread], values[thread] > 0f); }',
    }),
    {
      reads: [output, outputGradient],
      writes: [active],
      numbers: [count],
      groups: Math.ceil(count / THREADS),
    },
  );
  return active;
}
