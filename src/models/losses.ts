/**
 * Losses of a network's outputs over time against classes. Padded steps count in none of them. Definitions: snnTorch's
 * functional losses; Deng et al., "Temporal efficient training of spiking neural network via gradient re-weighting"
 * (TET), 2022.
 */
import * as tf from '@tensorflow/tfjs-core';
import { softmaxCrossEntropy } from '../engines/kernels/index.ts';
import { meanOverSteps } from './layers/step-mask.ts';
import type { NetworkOutput } from './network.ts';
import { type RegulariserOptions, regularisation } from './regularisers.ts';

/** What is compared with the class. */
export type LossKind =
  /** Cross-entropy of the mean output. */
  | 'mean'
  /** Cross-entropy of the sum of outputs, the number of spikes of neurons that fire: snnTorch's ce_count. */
  | 'count'
  /** Mean over steps of the cross-entropy of each: snnTorch's ce_rate. */
  | 'rate'
  /** As `rate`, with a part of the mean square of outputs less `tetLevel`. */
  | 'tet'
  /** Mean square of counts less shares of the steps, divided by the steps: snnTorch's mse_count. */
  | 'mean-square-count';

/** All kinds of losses. */
export const lossKinds: readonly LossKind[] = ['mean', 'count', 'rate', 'tet', 'mean-square-count'];

/** How outputs become a loss. */
export interface OutputLossOptions {
  /** Default mean. */
  readonly kind?: LossKind;
  /** Share of the target that is spread evenly over all classes. Default 0. */
  readonly labelSmoothing?: number;
  /** Of `tet`: share of the mean square, and the output that it holds to. Default 0.05 and 1. */
  readonly tetShare?: number;
  readonly tetLevel?: number;
  /** Of `mean-square-count`: spikes a step of the right neuron and of the others. Default 1 and 0. */
  readonly correctRate?: number;
  readonly incorrectRate?: number;
}

/** What the loss of a training step is made of. */
export interface LossOptions extends OutputLossOptions, RegulariserOptions {
  /** Weights of the early classifiers' losses, first stage first. Default 0.3, 0.2, 0.1. */
  readonly auxiliaryWeights?: readonly number[];
}

const AUXILIARY_WEIGHTS: readonly number[] = [0.3, 0.2, 0.1];

/** Cross-entropy of each sample: logits [batch, classes] against class indices, to [batch]. */
export function crossEntropy(logits: tf.Tensor2D, labels: Int32Array, smoothing = 0): tf.Tensor1D {
  return softmaxCrossEntropy(logits, labels, smoothing);
}

/**
 * The loss of each sample, [batch], of outputs [batch, steps, classes].
 * @param lengths real steps of each sample
 */
export function outputLoss(
  output: tf.Tensor3D,
  labels: Int32Array,
  lengths: ArrayLike<number>,
  options: OutputLossOptions = {},
): tf.Tensor1D {
  const { kind = 'mean', labelSmoothing = 0 } = options;
  switch (kind) {
    case 'mean':
      return crossEntropy(meanOverSteps(output, lengths) as tf.Tensor2D, labels, labelSmoothing);
    case 'count':
      return crossEntropy(sumOverSteps(output, lengths), labels, labelSmoothing);
    case 'rate':
      return eachStepLoss(output, labels, lengths, labelSmoothing);
    case 'tet': {
      const { tetShare = 0.05, tetLevel = 1 } = options;
      const loss = tf.mul(eachStepLoss(output, labels, lengths, labelSmoothing), 1 - tetShare);
      if (tetShare === 0) return loss as tf.Tensor1D;
      const squares = tf.mean(tf.square(tf.sub(output, tetLevel)), 2);
      return tf.add(loss, tf.mul(meanOverSteps(squares, lengths), tetShare));
    }
    case 'mean-square-count':
      return meanSquareCount(output, labels, lengths, options);
  }
}

function sumOverSteps(output: tf.Tensor3D, lengths: ArrayLike<number>): tf.Tensor2D {
  const counts = tf.tensor2d(Array.from(lengths), [lengths.length, 1]);
  return tf.mul(meanOverSteps(output, lengths), counts);
}

/** Mean over the real steps of the cross-entropy of each. */
function eachStepLoss(
  output: tf.Tensor3D,
  labels: Int32Array,
  lengths: ArrayLike<number>,
  smoothing: number,
): tf.Tensor1D {
  const [batch, steps, classes] = output.shape;
  const repeated = Int32Array.from({ length: batch * steps }, (_, row) => labels[Math.floor(row / steps)]!);
  const losses = crossEntropy(tf.reshape(output, [batch * steps, classes]), repeated, smoothing);
  return meanOverSteps(tf.reshape(losses, [batch, steps]), lengths) as tf.Tensor1D;
}

function meanSquareCount(
  output: tf.Tensor3D,
  labels: Int32Array,
  lengths: ArrayLike<number>,
  { correctRate = 1, incorrectRate = 0 }: OutputLossOptions,
): tf.Tensor1D {
  const classes = output.shape[2];
  const targets = Array.from(labels, (label, sample) =>
    Array.from({ length: classes }, (_, index) => {
      return lengths[sample]! * (index === label ? correctRate : incorrectRate);
    }),
  );
  const squares = tf.square(tf.sub(sumOverSteps(output, lengths), tf.tensor2d(targets)));
  const steps = Array.from(lengths, (length) => Math.max(1, length));
  return tf.div(tf.mean(squares, 1), tf.tensor1d(steps));
}

/** What the loss of a batch's classes is computed from. */
export interface ClassifiedOutput extends Pick<NetworkOutput, 'output'> {
  /** Logits of each sample over all its steps, [batch, classes]: what a loss of kind `mean` is of. */
  readonly logits: tf.Tensor2D;
  /** Real windows of each sample. */
  readonly windows: ArrayLike<number>;
}

/** What a training step's loss is computed from. */
export interface TrainedOutput
  extends ClassifiedOutput,
    Pick<NetworkOutput, 'auxiliary' | 'rates' | 'elements'> {}

/** The loss of an evaluation: the final loss as it is trained, without early classifiers and regularisers. */
export function evaluationLoss(
  classified: ClassifiedOutput,
  labels: Int32Array,
  options: OutputLossOptions = {},
): tf.Scalar {
  return tf.mean(finalLoss(classified, labels, options));
}

/** The loss of a training step: final loss, early classifiers, regularisers. */
export function trainingLoss(
  { auxiliary, rates, elements, ...classified }: TrainedOutput,
  labels: Int32Array,
  options: LossOptions = {},
): tf.Scalar {
  const loss = withAuxiliary(finalLoss(classified, labels, options), auxiliary, labels, options);
  const more = regularisation({ rates, elements }, options);
  return more === undefined ? loss : tf.add(loss, more);
}

/** Of each sample, [batch]. */
function finalLoss(
  { output, logits, windows }: ClassifiedOutput,
  labels: Int32Array,
  options: OutputLossOptions,
): tf.Tensor1D {
  const { kind = 'mean', labelSmoothing = 0 } = options;
  return kind === 'mean'
    ? crossEntropy(logits, labels, labelSmoothing)
    : outputLoss(output, labels, windows, options);
}

function withAuxiliary(
  losses: tf.Tensor1D,
  auxiliary: NetworkOutput['auxiliary'],
  labels: Int32Array,
  { auxiliaryWeights = AUXILIARY_WEIGHTS, labelSmoothing = 0 }: LossOptions,
): tf.Scalar {
  let sum = losses;
  auxiliary.forEach((early, index) => {
    const weight = auxiliaryWeights[index] ?? 0;
    if (weight !== 0) sum = tf.add(sum, tf.mul(crossEntropy(early, labels, labelSmoothing), weight));
  });
  return tf.mean(sum);
}
