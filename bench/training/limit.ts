/** The time below which a training step cannot come while its convolutions are dense: those alone, by oneDNN. */
import * as tf from '@tensorflow/tfjs-core';
import {
  convolutionKernel,
  filterGradientKernel,
  inputGradientKernel,
} from '../../src/engines/kernels/convolution.ts';
import type { Network } from '../../src/models/network.ts';
import type { TimedStep } from './cases.ts';

const PADDING = { top: 1, bottom: 1, left: 1, right: 1 };

/**
 * The network's 3x3 convolutions, forward and with both gradients, each over as many frames as a training step needs:
 * what precedes the neurons sees each frame once, and the first has no input gradient.
 */
export function denseConvolutions(network: Network, shape: number[], repeat: number): TimedStep {
  const found: { input: tf.Tensor; filter: tf.Tensor; first: boolean }[] = [];
  const sequence = tf.zeros(shape);
  const { state, output, rates } = network.forward(sequence, {
    repeat,
    probe: (_, __, { layer, input }) => {
      const filter = layer.synapses?.weight();
      if (filter?.rank !== 4) return;
      const [batch, steps, ...frame] = input.shape as [number, number, ...number[]];
      // Without zeros no engine may leave anything out.
      found.push({
        input: tf.keep(tf.randomUniform([batch * steps, ...frame], 0.5, 1)),
        filter: tf.keep(tf.clone(filter)),
        first: found.length === 0,
      });
    },
  });
  tf.dispose([sequence, state, output, rates]);
  return async () => {
    let last: tf.Tensor | undefined;
    for (const { input, filter, first } of found) {
      last?.dispose();
      last = tf.tidy(() => {
        const attributes = { stride: 1, padding: PADDING };
        const [outputGradient] = convolutionKernel.run({ input, filter }, attributes);
        if (!first) {
          const inputAttributes = { ...attributes, inputShape: input.shape };
          inputGradientKernel.run({ outputGradient: outputGradient!, filter }, inputAttributes);
        }
        const filterAttributes = { ...attributes, filterShape: filter.shape };
        return filterGradientKernel.run({ outputGradient: outputGradient!, input }, filterAttributes)[0]!;
      });
    }
    await last?.data();
    last?.dispose();
  };
}
