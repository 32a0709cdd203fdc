/**
 * A convolution, a given normalisation, LIF neurons and a pool in one kernel, for networks that do not learn: the
 * convolved maps, which are larger than all else, need never lie in memory. The reference form is the kernels one after
 * the other. It has no gradient.
 */
import { engine, reshape, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { type ConvolutionAttributes, convolutionKernel, paddingOf } from './convolution.ts';
import { defineKernel, hasOwnForm, type Kernel } from './kernel.ts';
import { type LifParameters, lifNeuron } from './lif.ts';
import { initialState, splitParameters } from './neuron-function.ts';
import {
  type Normalisation,
  type NormalisedLifAttributes,
  type NormalisedLifOptions,
  type NormalisedLifResult,
  noPool,
  normalisedLif,
  normalisedLifKernel,
} from './normalised-lif.ts';

/** Constants of a call. */
export interface ConvolvedLifAttributes
  extends Omit<NormalisedLifAttributes, 'batchStatistics' | 'learns'>,
    ConvolutionAttributes {}

/** Whether the present engine gains by the kernel, and nobody asks for its gradient. */
export function hasConvolvedLif(): boolean {
  return hasOwnForm(convolvedLifKernel) && engine().state.gradientDepth === 0;
}

/**
 * A sequence [batch, frames, height, width, inputs], convolved to the same height and width by a filter [rows, columns,
 * inputs, channels] (undefined: it is convolved already), then as `normalisedLif` by the statistics given.
 */
export function convolvedLif(
  input: Tensor,
  filter: Tensor | undefined,
  normalisation: Normalisation,
  neuron: LifParameters,
  options: NormalisedLifOptions,
): Pick<NormalisedLifResult, 'output' | 'state' | 'counts'> {
  if (filter === undefined) {
    return normalisedLif(input, normalisation, neuron, { ...options, batchStatistics: false });
  }
  const { epsilon, ...statistics } = normalisation;
  const [batch, frames, height, width, inputs] = input.shape as [number, number, number, number, number];
  const channels = filter.shape[3]!;
  const { learned, constants } = splitParameters('convolvedLif', lifNeuron, neuron, channels);
  const maps = [batch, frames, height, width, channels];
  const state = options.state ?? initialState(lifNeuron, maps, constants);
  const { repeat = 1, pool = noPool } = options;
  const padding = paddingOf([batch * frames, height, width, inputs], filter.shape, 1, 'same');
  const [output, last, counts] = convolvedLifKernel.run(
    { input, filter, ...statistics, parameters: learned, state },
    { epsilon, repeat, pool, constants, stride: 1, padding },
  );
  return { output: output!, state: last!, counts: counts as Tensor2D };
}

type Input = 'input' | 'filter' | 'gamma' | 'beta' | 'mean' | 'variance' | 'parameters' | 'state';

/** Outputs: pooled spikes, last potential, spikes by sample and step. */
export const convolvedLifKernel: Kernel<Input, ConvolvedLifAttributes> = defineKernel<
  Input,
  ConvolvedLifAttributes
>({
  name: 'ConvolvedLif',
  reference: ({ input, filter, ...inputs }, { stride, padding, ...attributes }) => {
    const [batch, frames, ...frame] = input.shape as [number, number, ...number[]];
    const folded = reshape(input, [batch * frames, ...frame]);
    const [maps] = convolutionKernel.run({ input: folded, filter }, { stride, padding });
    const unfolded = reshape(maps!, [batch, frames, ...maps!.shape.slice(1)]);
    const [output, state, , , counts] = normalisedLifKernel.run(
      { input: unfolded, ...inputs },
      { ...attributes, batchStatistics: false, learns: false },
    );
    return [output!, state!, counts!];
  },
});
