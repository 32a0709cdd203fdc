import { engine, type Tensor, type TensorInfo, tidy } from '@tensorflow/tfjs-core';
import { filterGradientKernel, inputGradientKernel, paddingName } from '../kernels/convolution.ts';
import { KernelForms } from '../kernels/kernel.ts';

/** The kernels that libtensorflow has itself: a convolution's gradients, for the paddings that it has names for. */
export function tensorflowForms(): KernelForms {
  const forms = new KernelForms();
  forms.add(inputGradientKernel, ({ outputGradient, filter }, attributes) => {
    const { inputShape, stride } = attributes;
    const pad = paddingName(inputShape, filter.shape, attributes);
    if (pad === undefined) return reference(inputGradientKernel, { outputGradient, filter }, attributes);
    const constants = { inputShape: [...inputShape], strides: stride, pad, dataFormat: 'NHWC' };
    return [native('Conv2DBackpropInput', { dy: outputGradient, filter }, constants)];
  });
  forms.add(filterGradientKernel, ({ outputGradient, input }, attributes) => {
    const { filterShape, stride } = attributes;
    const pad = paddingName(input.shape, filterShape, attributes);
    if (pad === undefined) return reference(filterGradientKernel, { outputGradient, input }, attributes);
    const constants = { filterShape: [...filterShape], strides: stride, pad, dataFormat: 'NHWC' };
    return [native('Conv2DBackpropFilter', { x: input, dy: outputGradient }, constants)];
  });
  return forms;
}

function native(
  kernel: string,
  inputs: Record<string, TensorInfo>,
  constants: Record<string, unknown>,
): Tensor {
  return engine().runKernel(kernel, inputs as never, constants as never) as Tensor;
}

function reference<I extends string, A>(
  kernel: { reference(inputs: Readonly<Record<I, Tensor>>, attributes: A): Tensor[] },
  inputs: Readonly<Record<I, TensorInfo>>,
  attributes: A,
): Tensor[] {
  return tidy(() => kernel.reference(inputs as Readonly<Record<I, Tensor>>, attributes));
}
