/** Native forms of convolutions. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { ConvolutionAttributes } from '../kernels/convolution.ts';
import type { NativeBackend } from './backend.ts';
import type { FusedKernel } from './fused-kernel.ts';

/**
 * Share of active inputs below which a convolution adds up the filter rows of active inputs instead of multiplying all
 * of them: 0 never, 1 always.
 */
export interface SparseLimits {
  readonly forward: number;
  readonly filterGradient: number;
}

/** Limits for a convolution's output channels and number of maps. */
export type SparseLimitsOf = (channels: number, maps: number) => SparseLimits;

/**
 * Where the two took equal time on AVX-512 for 3x3 filters of 64 to 256 channels, less a margin. Of few maps the dense
 * product is a direct one, of more Winograd's, which many channels make the faster.
 */
export const calibrated: SparseLimitsOf = (channels, maps) => {
  const share = channels <= 128 ? 0.25 : 0.16;
  return { forward: maps < 8 ? 0.3 : share, filterGradient: share };
};

/** Sizes of a convolution, in the addon's order. */
function convolutionSizes(
  input: readonly number[],
  filter: readonly number[],
  output: readonly number[],
  { stride, padding }: ConvolutionAttributes,
): number[] {
  const [batch, inHeight, inWidth, inChannels] = input as [number, number, number, number];
  const [rows, columns] = filter as [number, number];
  const [, outHeight, outWidth, outChannels] = output as [number, number, number, number];
  const frame = [batch, inHeight, inWidth, inChannels, rows, columns, outHeight, outWidth, outChannels];
  return [...frame, stride, stride, padding.top, padding.left, 1, 1];
}

/** Shape of the maps that a convolution gives. */
export function convolvedShape(
  input: readonly number[],
  filter: readonly number[],
  { stride, padding }: ConvolutionAttributes,
): [maps: number, height: number, width: number, channels: number] {
  const side = (length: number, kernel: number): number => Math.floor((length - kernel) / stride) + 1;
  const [maps, height, width] = input as [number, number, number];
  const [rows, columns, , outputs] = filter as [number, number, number, number];
  return [
    maps,
    side(height + padding.top + padding.bottom, rows),
    side(width + padding.left + padding.right, columns),
    outputs,
  ];
}

/** A convolution of maps [maps, height, width, inputs]. */
export interface ConvolutionCall {
  readonly input: TensorInfo;
  readonly filter: TensorInfo;
  readonly attributes: ConvolutionAttributes;
}

/** What a convolution reads, the name of its filter, its limit, and its sizes, in the addon's order. */
export function convolutionOperands(
  backend: NativeBackend,
  { input, filter, attributes }: ConvolutionCall,
  limits: SparseLimitsOf,
): { readonly tensors: number[]; readonly rest: number[] } {
  const output = convolvedShape(input.shape, filter.shape, attributes);
  return {
    tensors: [backend.address(input), backend.address(filter)],
    rest: [
      backend.identity(filter),
      limits(output[3], output[0]).forward,
      ...convolutionSizes(input.shape, filter.shape, output, attributes),
    ],
  };
}

export function convolutionKernels(limits: SparseLimitsOf): Record<string, FusedKernel> {
  return {
    Convolution: (backend, { input, filter }, attributes) => {
      const output = backend.output(convolvedShape(input!.shape, filter!.shape, attributes));
      const call = { input: input!, filter: filter!, attributes };
      const { tensors, rest } = convolutionOperands(backend, call, limits);
      backend.submit('convolution', ...tensors, backend.address(output), ...rest);
      return [output];
    },
    ConvolutionInputGradient: (backend, { outputGradient, filter }, attributes) => {
      const output = backend.output(attributes.inputShape);
      backend.submit(
        'convolutionInputGradient',
        backend.address(outputGradient!),
        backend.address(filter!),
        backend.address(output),
        backend.identity(filter!),
        ...convolutionSizes(attributes.inputShape, filter!.shape, outputGradient!.shape, attributes),
      );
      return [output];
    },
    ConvolutionFilterGradient: (backend, { outputGradient, input }, attributes) => {
      const output = backend.output(attributes.filterShape);
      backend.submit(
        'convolutionFilterGradient',
        backend.address(input!),
        backend.address(outputGradient!),
        backend.address(output),
        limits(attributes.filterShape[3], input!.shape[0]!).filterGradient,
        ...convolutionSizes(input!.shape, attributes.filterShape, outputGradient!.shape, attributes),
      );
      return [output];
    },
  };
}
