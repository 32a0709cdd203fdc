import { engine, type Tensor, type TensorInfo, tidy } from '@tensorflow/tfjs-core';
import { batchNormGradientKernel, batchNormKernel, groupingOf } from '../kernels/batch-norm.ts';
import type { KernelForms } from '../kernels/kernel.ts';
import { EagerCall, type TensorflowBackend } from './eager.ts';

/**
 * Batch normalisation in TensorFlow's own operation for it, forward and backward. On a GPU the two hand over other numbers
 * than on a processor, and steps with statistics of their own are not what it does: the reference serves both.
 */
export function addNormalisationForms(forms: KernelForms): void {
  forms.add(batchNormKernel, (inputs, attributes) => {
    if (!served(attributes))
      return tidy(() => batchNormKernel.reference(inputs as Tensors<typeof inputs>, attributes));
    const { input, gamma, beta } = inputs;
    return EagerCall.run((call) => {
      const whole = call.reshape(call.take(input), mapsShape(input));
      const operands = [whole, call.take(gamma), call.take(beta), call.empty(), call.empty()];
      const [output, mean, variance] = call.operation('FusedBatchNormV3', operands, options(attributes), 6);
      return [call.reshape(output!, input.shape), mean!, variance!];
    });
  });
  forms.add(batchNormGradientKernel, (inputs, attributes) => {
    if (!served(attributes)) {
      return tidy(() => batchNormGradientKernel.reference(inputs as Tensors<typeof inputs>, attributes));
    }
    const { input, gamma, mean, variance, outputGradient } = inputs;
    const { count } = groupingOf(input.shape, false);
    return EagerCall.run((call) => {
      const maps = mapsShape(input);
      const [dy, x] = [outputGradient, input].map((tensor) => call.reshape(call.take(tensor), maps));
      const biased = call.whole(
        call.algebra.mul(call.take(variance), Math.max(1, count - 1) / count),
        variance.shape,
      );
      const operands = [dy!, x!, call.take(gamma), call.take(mean), biased, call.empty()];
      const [dx, dGamma, dBeta] = call.operation('FusedBatchNormGradV3', operands, options(attributes), 5);
      return [call.reshape(dx!, input.shape), dGamma!, dBeta!];
    });
  });
}

type Tensors<I> = { readonly [K in keyof I]: Tensor };

function served({ perStep }: { readonly perStep: boolean }): boolean {
  return !perStep && !(engine().backend as TensorflowBackend).isUsingGpuDevice;
}

function options({ epsilon }: { readonly epsilon: number }): Record<string, number | boolean | string> {
  return { epsilon, data_format: 'NHWC', is_training: true };
}

/** Any tensor [..., channels] as maps [1, 1, rows, channels]. */
function mapsShape({ shape }: TensorInfo): number[] {
  const channels = shape.at(-1)!;
  return [1, 1, shape.slice(0, -1).reduce((product, side) => product * side, 1), channels];
}
