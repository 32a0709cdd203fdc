import { util } from '@tensorflow/tfjs-core';
import type { KernelForm } from '../../kernels/kernel.ts';
import type { LinearAttributes } from '../../kernels/linear.ts';
import type { WebGpuDevice } from '../device.ts';
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
