import type { FilterGradientAttributes } from '../../kernels/convolution.ts';
import type { KernelForm } from '../../kernels/kernel.ts';
import type { WasmDevice } from '../device.ts';
import { addOuterProducts } from './outer-product.ts';

/** The gradient of the filter. */
export function filterGradientForm(
  device: WasmDevice,
): KernelForm<'outputGradient' | 'input', FilterGradientAttributes> {
  return ({ outputGradient, input }, { stride, padding, filterShape }) => {
    const result = device.allocate(filterShape);
    device.view(result).fill(0);
    const [maps, height, width, inputs] = input.shape as [number, number, number, number];
    const [, outputHeight, outputWidth, outputs] = outputGradient.shape as [number, number, number, number];
    const [filterHeight, filterWidth] = filterShape as [number, number, number, number];
    const sizes = {
      ...{
        maps,
        height,
        width,
        inputs,
        outputHeight,
        outputWidth,
        outputs,
        filterHeight,
        filterWidth,
        stride,
      },
      ...{ padTop: padding.top, padLeft: padding.left },
    };
    const [x, dy, dw] = [input, outputGradient, result].map((tensor) => device.address(tensor));
    addOuterProducts(device, sizes, x!, dy!, dw!);
    return [result];
  };
}
