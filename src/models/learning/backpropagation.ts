import * as tf from '@tensorflow/tfjs-core';
import { shownLengths } from '../layers/step-mask.ts';
import { classificationLoss } from '../losses.ts';
import { type ForwardOptions, type Network, type NetworkOutput, outputTensors } from '../network.ts';
import { sampleLogits } from '../sample-logits.ts';
import type { LearningRule } from './learning-rule.ts';

/** Backpropagation through time: the exact gradients of the loss, but for the surrogates of the spikes. */
export const backpropagation: LearningRule = ({ network, trainable, source, labels, forward, loss }) => {
  let result: NetworkOutput | undefined;
  let logits: tf.Tensor2D | undefined;
  const sequence = source.frames(0, source.shape[1]);
  const { value, grads } = tf.variableGrads(
    () => {
      result = network.forward(sequence, forward);
      logits = logitsOf(network, result, forward);
      for (const tensor of [logits, ...outputTensors(result)]) tf.keep(tensor);
      return classificationLoss(logits, result.auxiliary, labels, loss);
    },
    trainable.map(({ variable }) => variable),
  );
  const gradients = new Map<string, tf.Tensor>();
  for (const { name, variable } of trainable) {
    const gradient = grads[variable.name];
    if (gradient !== undefined && gradient !== null) gradients.set(name, gradient);
  }
  const given = result!;
  const others = [sequence, given.output, ...given.auxiliary, ...Object.values(given.state)];
  return { loss: value, logits: logits!, gradients, result: given, others };
};

/** The logits of each sample over all the steps that it was shown for. */
export function logitsOf(
  { windowBins, logitsOf: ofMean }: Network,
  { output }: NetworkOutput,
  { lengths, repeat = 1 }: ForwardOptions,
): tf.Tensor2D {
  const mean = sampleLogits(output, shownLengths(lengths, repeat)!, windowBins);
  return ofMean === undefined ? mean : ofMean(mean);
}
