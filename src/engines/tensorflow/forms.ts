import {
  engine,
  type KernelBackend,
  type KernelFunc,
  type Tensor,
  type TensorInfo,
  tidy,
} from '@tensorflow/tfjs-core';
import { averagePoolGradientKernel } from '../kernels/average-pool.ts';
import { filterGradientKernel, inputGradientKernel, paddingName } from '../kernels/convolution.ts';
import { crossEntropyKernel } from '../kernels/cross-entropy.ts';
import { KernelForms } from '../kernels/kernel.ts';
import { normKernel } from '../kernels/optimiser-step.ts';
import { EagerCall } from './eager.ts';
import { addElementwiseForms } from './elementwise-forms.ts';
import { addNeuronForms } from './neuron-forms.ts';
import { addNormalisationForms } from './normalisation-forms.ts';

/** What libtensorflow has itself, or does in fewer operations than the reference. */
export function tensorflowForms(): KernelForms {
  const forms = new KernelForms();
  addNeuronForms(forms);
  addElementwiseForms(forms);
  addNormalisationForms(forms);
  addConvolutionForms(forms);
  forms.add(normKernel, (inputs, { count }) =>
    EagerCall.run((call) => {
      const halves = Array.from({ length: count }, (_, index) => call.halfSquares(call.take(inputs[index]!)));
      return [call.algebra.sqrt(call.algebra.mul(call.sumOf(halves), 2))];
    }),
  );
  forms.add(averagePoolGradientKernel, ({ outputGradient }, { size, height, width }) =>
    EagerCall.run((call) => {
      const [maps, , , channels] = outputGradient.shape as [number, number, number, number];
      const square = [1, size, size, 1];
      const constants = { ksize: square, strides: square, padding: 'VALID', data_format: 'NHWC' };
      const operands = [call.shape([maps, height, width, channels]), call.take(outputGradient)];
      return call.operation('AvgPoolGrad', operands, constants, 1);
    }),
  );
  forms.add(crossEntropyKernel, (inputs, attributes) => {
    if (attributes.smoothing !== 0) return reference(crossEntropyKernel, inputs, attributes);
    return EagerCall.run((call) => {
      const operands = [call.take(inputs.logits), call.take(inputs.labels)];
      return call.operation('SparseSoftmaxCrossEntropyWithLogits', operands, { Tlabels: 'TF_INT32' }, 2);
    });
  });
  forms.replace('Reshape', (original) => (call) => reshape(call, original));
  return forms;
}

/** A convolution's gradients, for the paddings that TensorFlow has names for. */
export function addConvolutionForms(forms: KernelForms): void {
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
}

/** A reshape to the shape that is there already is no operation, and any other makes its constants once. */
function reshape(call: KernelCall, original: KernelFunc): TensorInfo | TensorInfo[] {
  const { inputs, attrs, backend } = call;
  const { x } = inputs as { readonly x: TensorInfo };
  const shape = implied((attrs as unknown as { readonly shape: readonly number[] }).shape, x.shape);
  if (shape.length === x.shape.length && shape.every((side, axis) => side === x.shape[axis])) {
    (backend as KernelBackend).incRef(x.dataId);
    return { dataId: x.dataId, shape, dtype: x.dtype };
  }
  if (x.dtype !== 'float32') return original(call);
  return EagerCall.run((eager) => [eager.reshape(eager.take(x), shape)])[0]!;
}

type KernelCall = Parameters<KernelFunc>[0];

/** A shape with its -1 replaced by what is left. */
function implied(shape: readonly number[], from: readonly number[]): number[] {
  const size = from.reduce((product, side) => product * side, 1);
  const given = shape.reduce((product, side) => (side === -1 ? product : product * side), 1);
  return shape.map((side) => (side === -1 ? size / given : side));
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
