import * as tf from '@tensorflow/tfjs-core';
import { shownLengths } from '../layers/step-mask.ts';
import { trainingLoss } from '../losses.ts';
import { type ForwardOptions, type Network, type NetworkOutput, outputTensors } from '../network.ts';
import { realWindows, sampleLogits } from '../sample-logits.ts';
import type { Learned, LearningCall, LearningRule } from './learning-rule.ts';

/** A run of the network, and what it adds to the loss. */
export interface LossRun {
  readonly result: NetworkOutput;
  readonly penalty?: tf.Scalar;
  readonly quantities?: Readonly<Record<string, tf.Scalar>>;
  /** What else was made and kept. */
  readonly others?: readonly tf.Tensor[];
}

/** Backpropagation through time: the exact gradients of the loss, but for the surrogates of the spikes. */
export const backpropagation: LearningRule = (call) =>
  backpropagate(call, (sequence) => ({ result: call.network.forward(sequence, call.forward) }));

/** Backpropagation of the loss of a run and of what the run adds to it. */
export function backpropagate(
  { network, trainable, source, labels, forward, loss }: LearningCall,
  run: (sequence: tf.Tensor) => LossRun,
): Learned {
  let ran: LossRun | undefined;
  let logits: tf.Tensor2D | undefined;
  const sequence = source.frames(0, source.shape[1]);
  const { value, grads } = tf.variableGrads(
    () => {
      ran = run(sequence);
      logits = logitsOf(network, ran.result, forward);
      const kept = [logits, ...outputTensors(ran.result), ...Object.values(ran.quantities ?? {})];
      for (const tensor of kept) tf.keep(tensor);
      const windows = windowsOf(network, forward);
      const classified = trainingLoss({ ...ran.result, logits, windows }, labels, loss);
      return ran.penalty === undefined ? classified : tf.add(classified, ran.penalty);
    },
    trainable.map(({ variable }) => variable),
  );
  const gradients = new Map<string, tf.Tensor>();
  for (const { name, variable } of trainable) {
    const gradient = grads[variable.name];
    if (gradient !== undefined && gradient !== null) gradients.set(name, gradient);
  }
  const { result, quantities, others = [] } = ran!;
  return {
    ...{ loss: value, logits: logits!, gradients, result },
    ...(quantities && { quantities }),
    others: [sequence, result.output, ...result.auxiliary, ...Object.values(result.state), ...others],
  };
}

/** Real windows of each sample among the steps that it was shown for. */
export function windowsOf({ windowBins }: Network, { lengths, repeat = 1 }: ForwardOptions): number[] {
  return realWindows(shownLengths(lengths, repeat)!, windowBins);
}

/** The logits of each sample over all the steps that it was shown for. */
export function logitsOf(
  { windowBins, logitsOf: ofMean }: Network,
  { output }: NetworkOutput,
  { lengths, repeat = 1 }: ForwardOptions,
): tf.Tensor2D {
  const mean = sampleLogits(output, shownLengths(lengths, repeat)!, windowBins);
  return ofMean === undefined ? mean : ofMean(mean);
}
