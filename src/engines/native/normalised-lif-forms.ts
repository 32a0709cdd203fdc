/** Native forms of LIF neurons with the normalisation and the convolution before them and the pool after them. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { ConvolvedLifAttributes } from '../kernels/convolved-lif.ts';
import type { NormalisedLifAttributes } from '../kernels/normalised-lif.ts';
import type { NativeBackend } from './backend.ts';
import { convolutionOperands, convolvedShape, type SparseLimitsOf } from './convolution-forms.ts';
import type { FusedKernel } from './fused-kernel.ts';
import { sizeOf } from './layout.ts';
import { backwardOperands, neuronOperands } from './neuron-forms.ts';

type LifAttributes = Omit<NormalisedLifAttributes, 'batchStatistics' | 'learns'>;

/**
 * Bytes of a sample's convolved maps from which on they are computed by bands of rows, which the neurons take from the
 * cache. What is smaller stays there anyway, and has too few rows for threads to share.
 */
const BANDED_BYTES = 2 ** 20;

/** Sizes of a sequence of maps, how long a frame is shown, and the pool, in the addon's order. */
function mapSizes(shape: readonly number[], { repeat, pool }: LifAttributes): number[] {
  const [batch, frames, height, width, channels] = shape as [number, number, number, number, number];
  const maximum = pool.kind === 'max' ? 1 : 0;
  return [batch, frames * repeat, height, width, channels, repeat, pool.size, maximum];
}

/** What the neurons give, and what they read and write but for their input, in the addon's order. */
function neuronsOf(
  backend: NativeBackend,
  maps: readonly number[],
  { parameters, state }: Readonly<Record<string, TensorInfo>>,
  [scale, offset]: readonly [scale: number, offset: number],
  attributes: LifAttributes,
): {
  readonly spikes: TensorInfo;
  readonly last: TensorInfo;
  readonly counts: TensorInfo;
  readonly operands: number[];
} {
  const { repeat, pool } = attributes;
  const [batch, frames, height, width, channels] = maps as [number, number, number, number, number];
  const steps = frames * repeat;
  const pooled = [batch, steps, Math.floor(height / pool.size), Math.floor(width / pool.size), channels];
  const [spikes, last, counts] = [pooled, state!.shape, [batch, steps]].map((shape) => backend.output(shape));
  const [before, fired, after, counted] = [state!, spikes!, last!, counts!].map((tensor) =>
    backend.address(tensor),
  );
  const noPotentials = 0;
  const operands = [
    ...[before!, fired!, after!, noPotentials, counted!, scale, offset],
    ...mapSizes(maps, attributes),
    ...neuronOperands(backend, 'Lif', parameters!, attributes.constants),
  ];
  return { spikes: spikes!, last: last!, counts: counts!, operands };
}

/** The kernels by name. */
export function normalisedLifKernels(limits: SparseLimitsOf): Record<string, FusedKernel> {
  return {
    NormalisedLif: (backend, inputs, attributes: NormalisedLifAttributes) => {
      const { input, gamma, beta } = inputs;
      const { epsilon, batchStatistics, repeat } = attributes;
      const channels = input!.shape.at(-1)!;
      const statistics = [backend.output([channels]), backend.output([channels])];
      const [mean, variance] = statistics.map((tensor) => backend.address(tensor));
      const scratch = backend.scratch(3 * channels);
      const [inverse, scale, offset] = [0, 1, 2].map((part) => scratch.address + part * channels * 4);
      const affine = [backend.address(gamma!), backend.address(beta!)];
      if (batchStatistics) {
        const sizes = [1, 1, sizeOf(input!.shape) / channels, channels];
        const moments = [mean!, variance!, inverse!];
        backend.submit('batchNormMoments', backend.address(input!), ...moments, ...sizes, repeat, epsilon);
        backend.submit('batchNormScale', ...affine, mean!, inverse!, scale!, offset!, 1, channels);
      } else {
        const given = [inputs['mean']!, inputs['variance']!].map((tensor) => backend.address(tensor));
        const made = [mean!, variance!, scale!, offset!];
        backend.submit('givenNormalisation', ...affine, ...given, ...made, channels, epsilon);
      }
      const { spikes, last, counts, operands } = neuronsOf(
        backend,
        input!.shape,
        inputs,
        [scale!, offset!],
        attributes,
      );
      backend.submit('LifForward', backend.address(input!), ...operands);
      scratch.free();
      return [spikes, last, ...statistics, counts];
    },
    ConvolvedLif: (backend, inputs, attributes: ConvolvedLifAttributes) => {
      const { input, filter, gamma, beta, mean, variance } = inputs;
      const [batch, frames, ...frame] = input!.shape as [number, number, ...number[]];
      const call = { input: { ...input!, shape: [batch * frames, ...frame] }, filter: filter!, attributes };
      const [, height, width, channels] = convolvedShape(call.input.shape, filter!.shape, attributes);
      const maps = [batch, frames, height, width, channels];
      const { tensors, rest } = convolutionOperands(backend, call, limits);
      const scratch = backend.scratch(4 * channels);
      const places = [0, 1, 2, 3].map((part) => scratch.address + part * channels * 4);
      const given = [gamma!, beta!, mean!, variance!].map((tensor) => backend.address(tensor));
      backend.submit('givenNormalisation', ...given, ...places, channels, attributes.epsilon);
      const [, , scale, offset] = places;
      const { spikes, last, counts, operands } = neuronsOf(
        backend,
        maps,
        inputs,
        [scale!, offset!],
        attributes,
      );
      if (channels % 16 === 0 && attributes.stride === 1 && (4 * sizeOf(maps)) / batch >= BANDED_BYTES) {
        backend.submit('convolvedLif', ...tensors, ...rest, ...operands);
      } else {
        const convolved = backend.scratch(sizeOf(maps));
        backend.submit('convolution', ...tensors, convolved.address, ...rest);
        backend.submit('LifForward', convolved.address, ...operands);
        convolved.free();
      }
      scratch.free();
      return [spikes, last, counts];
    },
    NormalisedLifGradient: (backend, inputs, attributes: NormalisedLifAttributes) => {
      const { input, gamma, beta, mean, variance, parameters, state, outputGradient, stateGradient } = inputs;
      const { epsilon, batchStatistics, repeat } = attributes;
      const channels = input!.shape.at(-1)!;
      const count = (repeat * sizeOf(input!.shape)) / channels;
      const outputs = [input!, gamma!, beta!, parameters!, state!].map(({ shape }) => backend.output(shape));
      const [dInput, dGamma, dBeta, dParameters, dState] = outputs.map((output) => backend.address(output));
      const scratch = backend.scratch(3 * channels);
      const [inverse, scale, offset] = [0, 1, 2].map((part) => scratch.address + part * channels * 4);
      const biased = batchStatistics ? Math.max(1, count - 1) / count : 1;
      backend.submit('inverseDeviation', backend.address(variance!), inverse!, channels, biased, epsilon);
      const affine = [backend.address(gamma!), backend.address(beta!), backend.address(mean!)];
      backend.submit('batchNormScale', ...affine, inverse!, scale!, offset!, 1, channels);
      backend.submit(
        'NormalisedLifBackward',
        ...[dInput!, dGamma!, dBeta!, backend.address(mean!), inverse!, batchStatistics ? 1 : 0],
        ...[dState!, dParameters!, backend.address(input!), backend.address(state!)],
        ...[backend.address(outputGradient!), backend.address(stateGradient!), 0],
        ...[backend.address(inputs['countsGradient']!), scale!, offset!],
        ...mapSizes(input!.shape, attributes),
        ...neuronOperands(backend, 'Lif', parameters!, attributes.constants),
        ...backwardOperands(attributes),
      );
      scratch.free();
      return outputs;
    },
  };
}
