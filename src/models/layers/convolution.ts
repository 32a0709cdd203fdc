import * as tf from '@tensorflow/tfjs-core';
import { convolution, convolvedLif, hasConvolvedLif, hasNormalisedLif } from '../../engines/kernels/index.ts';
import { activityOfCounts } from './activity.ts';
import { foldTime, unfoldTime } from './fold-time.ts';
import { type FusedOutput, type Layer, type Pass, statelessLayer } from './layer.ts';
import { createParameter, defaultValues } from './parameter.ts';
import { shownLengths } from './step-mask.ts';

/** Sizes of a convolution. */
export interface ConvolutionOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Side of the square kernel, odd. Default 3. */
  readonly size?: number;
  /** Default true. */
  readonly bias?: boolean;
}

/**
 * A convolution of every frame, stride 1, padded to the same size: weight [rows, columns, inputs, outputs], bias
 * [outputs], PyTorch's default initial values.
 */
export function createConvolution(
  name: string,
  { inputs, outputs, size = 3, bias = true }: ConvolutionOptions,
  seed: number,
): Layer {
  const fanIn = size * size * inputs;
  const create = (part: string, shape: number[]) =>
    createParameter(`${name}.${part}`, shape, defaultValues(shape, fanIn, seed, `${name}.${part}`));
  const weight = create('weight', [size, size, inputs, outputs]);
  const offset = bias ? create('bias', [outputs]) : undefined;
  const apply = (input: tf.Tensor, filter: tf.Tensor): tf.Tensor =>
    unfoldTime(convolution(foldTime(input), filter), input.shape[0]!);
  const layer = statelessLayer(
    name,
    offset === undefined ? [weight] : [weight, offset],
    (input) => {
      const maps = apply(input, weight.variable);
      return offset === undefined ? maps : tf.add(maps, offset.variable);
    },
    { weight: () => weight.variable, apply },
  );
  return {
    ...layer,
    tangent: () => (changes) => apply(changes, weight.variable),
    // The kernel of the neurons, or of the normalisation before them, adds the bias on its way; where nothing is learned
    // it convolves as well.
    fuse: (input, pass, following) => {
      const [next, ...others] = following;
      const bias = offset?.variable;
      const fuses = next?.neuron === undefined ? next?.fuse !== undefined : bias !== undefined;
      if (!fuses || !hasNormalisedLif()) return undefined;
      const filter = !pass.training && hasConvolvedLif() ? weight.variable : undefined;
      const maps = filter === undefined ? apply(input, weight.variable) : input;
      const fused =
        next!.neuron === undefined
          ? next!.fuse!(maps, pass, others, { filter, bias })
          : biasedLif(maps, filter, bias!, pass, following);
      if (fused !== undefined) return { ...fused, layers: [{}, ...fused.layers] };
      if (filter !== undefined) return undefined;
      const output = bias === undefined ? maps : tf.add(maps, bias);
      return { output, layers: [{}], repeat: pass.repeat };
    },
  };
}

/** Neurons, and the pool behind them, on maps plus a bias, or on what a filter makes of them. */
function biasedLif(
  maps: tf.Tensor,
  filter: tf.Tensor | undefined,
  bias: tf.Tensor,
  pass: Pass,
  [neurons, next]: readonly Layer[],
): FusedOutput {
  const [, , height, width] = maps.shape as [number, number, number, number];
  const channels = bias.shape[0]!;
  const [one, zero] = [tf.ones([channels]), tf.zeros([channels])];
  const { output, state, counts } = convolvedLif(
    maps,
    filter,
    { gamma: one, beta: bias, mean: zero, variance: one, epsilon: 0 },
    neurons!.neuron!,
    { repeat: pass.repeat, pool: next?.pool, state: pass.state[neurons!.name] },
  );
  const activity = activityOfCounts(
    counts,
    height * width * channels,
    shownLengths(pass.lengths, pass.repeat),
  );
  return { output, layers: [{ state, activity }, ...(next?.pool === undefined ? [] : [{}])], repeat: 1 };
}
