/**
 * One training step at a time: forward, backward, check, update. Nothing is written to the network before the loss
 * and the gradients have been read and are finite, and all randomness is a function of (seed, epoch, batch), so a
 * run that is stopped after any step and restored goes on with the same bits.
 */

import * as tf from '@tensorflow/tfjs-core';
import type { RecordBatch } from 'apache-arrow';
import { type ShiftOptions, shiftFrames } from './augmentation.ts';
import { type BatchColumns, batchColumns } from './batch-tensors.ts';
import { divergence } from './divergence.ts';
import { type ImagePreparation, prepareImages } from './image-preparation.ts';
import { indexOfMaximum } from './index-of-maximum.ts';
import { backpropagation, logitsOf, windowsOf } from './learning/backpropagation.ts';
import type { Learned, LearningRule } from './learning/learning-rule.ts';
import { evaluationLoss, type LossOptions } from './losses.ts';
import type { LayerRate, StepMetrics } from './metrics.ts';
import { type ForwardOptions, type Network, type NetworkOutput, outputTensors } from './network.ts';
import {
  clipScale,
  createOptimiser,
  globalNorm,
  type OptimiserConfig,
  type OptimiserState,
} from './optimisers.ts';
import { learningRateAt, type Schedule } from './schedules.ts';
import { type ImageEncoding, poissonSource, type SequenceSource, tensorSource } from './sequence-source.ts';

/** How a network is trained. */
export interface TrainerOptions extends LossOptions {
  readonly seed: number;
  readonly optimiser: OptimiserConfig;
  /** Default constant. */
  readonly schedule?: Schedule;
  /** Limit of the gradients' global norm; absent for none. */
  readonly clipNorm?: number;
  /** Shifts training frames at random; absent for none. */
  readonly shift?: ShiftOptions;
  /** Prepares images, given as bytes: augmented in training, normalised always; absent for none. */
  readonly images?: ImagePreparation;
  /** Steps that each frame is shown for (direct encoding). Default 1. */
  readonly repeat?: number;
  /** Encodes batches of images as they are used, evaluation always with the numbers of epoch 0; absent for none. */
  readonly encoding?: ImageEncoding;
  /** How a batch is evaluated, and what else is measured of it. Default the network's forward alone. */
  readonly evaluation?: EvaluationRun;
  /** How gradients are found. Default backpropagation through time. */
  readonly rule?: LearningRule;
}

/** A run of a network in evaluation; all that it gives is the caller's to dispose of. */
export type EvaluationRun = (
  network: Network,
  sequence: tf.Tensor,
  forward: ForwardOptions,
) => { readonly result: NetworkOutput; readonly quantities: Readonly<Record<string, tf.Scalar>> };

/** Trains and evaluates one network. */
export interface Trainer {
  readonly network: Network;
  /** Learning rate of the present epoch. */
  readonly learningRate: number;
  /** Where the next training step stands: epoch and batch, both from 0. */
  readonly position: Readonly<{ epoch: number; batch: number }>;
  /** Goes to a batch of an epoch; the order of batches within an epoch is the caller's. */
  startEpoch(epoch: number, batch?: number): void;
  trainStep(batch: RecordBatch): Promise<StepMetrics>;
  /** Evaluation mode: no update, no dropout, running statistics, the final loss alone. */
  evaluateStep(batch: RecordBatch): Promise<StepMetrics>;
  /** Shows the network's layers for a batch, in evaluation mode, to a probe; see `Recorder`, `OperationCounter`. */
  observe(batch: RecordBatch, options: Pick<ForwardOptions, 'probe' | 'potentials'>): void;
  /** The optimiser's state; weights are the network's. */
  save(): Promise<OptimiserState>;
  restore(state: OptimiserState): void;
  /** Frees the optimiser's tensors, not the network's. */
  dispose(): void;
}

/** Batches an epoch may have: the training step's number is epoch * this + batch. */
const BATCHES_PER_EPOCH = 2 ** 24;

/** A trainer whose next step is the first batch of the first epoch. */
export function createTrainer(network: Network, options: TrainerOptions): Trainer {
  const { seed, schedule = { kind: 'constant' }, clipNorm, repeat = 1 } = options;
  const { rule = backpropagation, evaluation = forwardAlone } = options;
  const optimiser = createOptimiser(options.optimiser, network.parameters);
  const trainable = network.parameters.filter((parameter) => parameter.trainable);
  const position = { epoch: 0, batch: 0 };
  const learningRate = (): number => learningRateAt(schedule, options.optimiser.learningRate, position.epoch);

  const trainStep = async (batch: RecordBatch): Promise<StepMetrics> => {
    const step = position.epoch * BATCHES_PER_EPOCH + position.batch;
    const { source, labels, pending } = trainingBatch(batch, options, position.epoch);
    const forward: ForwardOptions = { lengths: source.lengths, repeat, training: true, seed, step };
    try {
      const given = { network, trainable, source, labels, forward, loss: options, batch: position.batch };
      const { loss, logits, result, gradients, quantities = {}, others } = rule(given);
      pending.push(loss, logits, ...others, ...gradients.values(), ...resultTensors(result));
      pending.push(...Object.values(quantities));
      const norm = globalNorm(gradients.values());
      pending.push(norm);
      const read = await readStep([loss, norm, ...Object.values(quantities)], logits, result);
      const [lossValue, normValue, ...values] = read.scalars as [number, number, ...number[]];
      if (!Number.isFinite(lossValue) || !Number.isFinite(normValue)) {
        const where = `epoch ${position.epoch + 1}, batch ${position.batch + 1}`;
        const sequence = source.frames(0, source.shape[1]);
        pending.push(sequence);
        throw await divergence(network, sequence, forward, { loss: lossValue, where, gradients });
      }
      const scale = clipNorm === undefined ? 1 : clipScale(normValue, clipNorm);
      optimiser.update(gradients, learningRate(), scale);
      for (const { parameter, value } of result.updates) parameter.variable.assign(value);
      position.batch++;
      return { ...stepMetrics(lossValue, read, labels), ...named(quantities, values) };
    } finally {
      tf.dispose(pending);
    }
  };

  const evaluateStep = async (batch: RecordBatch): Promise<StepMetrics> => {
    const { source, labels, pending } = evaluationBatch(batch, options);
    const { lengths } = source;
    try {
      const sequence = source.frames(0, source.shape[1]);
      pending.push(sequence);
      const { result, quantities } = evaluation(network, sequence, { lengths, repeat });
      pending.push(...Object.values(quantities));
      const { logits, loss } = tf.tidy(() => {
        const logits = logitsOf(network, result, { lengths, repeat });
        const windows = windowsOf(network, { lengths, repeat });
        return { logits, loss: evaluationLoss({ output: result.output, logits, windows }, labels, options) };
      });
      pending.push(...outputTensors(result), logits, loss);
      const read = await readStep([loss, ...Object.values(quantities)], logits, result);
      const [lossValue, ...values] = read.scalars as [number, ...number[]];
      if (!Number.isFinite(lossValue)) {
        throw await divergence(
          network,
          sequence,
          { lengths, repeat },
          { loss: lossValue, where: 'evaluation' },
        );
      }
      return { ...stepMetrics(lossValue, read, labels), ...named(quantities, values) };
    } finally {
      tf.dispose(pending);
    }
  };

  return {
    network,
    get learningRate() {
      return learningRate();
    },
    position,
    startEpoch: (epoch, batch = 0) => {
      position.epoch = epoch;
      position.batch = batch;
    },
    trainStep,
    evaluateStep,
    observe: (batch, { probe, potentials }) => {
      const { source, pending } = evaluationBatch(batch, options);
      const { lengths } = source;
      try {
        const sequence = source.frames(0, source.shape[1]);
        pending.push(sequence);
        tf.dispose(outputTensors(network.forward(sequence, { lengths, repeat, probe, potentials })));
      } finally {
        tf.dispose(pending);
      }
    },
    save: () => optimiser.save(),
    restore: (state) => optimiser.restore(state),
    dispose: () => optimiser.dispose(),
  };
}

/** A batch as a step reads it. */
interface StepBatch {
  readonly source: SequenceSource;
  readonly labels: Int32Array;
  /** What is to be disposed of after the step. */
  readonly pending: tf.Tensor[];
}

type InputOptions = Pick<TrainerOptions, 'shift' | 'images' | 'encoding' | 'seed'>;

function trainingBatch(
  batch: RecordBatch,
  { shift, images, encoding, seed }: InputOptions,
  epoch: number,
): StepBatch {
  const columns = batchColumns(batch);
  const shifted = shift === undefined ? columns.frames : shiftFrames(columns, shift, seed, epoch);
  const moved = { ...columns, frames: shifted };
  const frames = images === undefined ? shifted : prepareImages(moved, images, { seed, epoch });
  return stepBatch({ ...columns, frames }, encoding, { seed, epoch });
}

function evaluationBatch(batch: RecordBatch, { images, encoding, seed }: InputOptions): StepBatch {
  const columns = batchColumns(batch);
  const frames = images === undefined ? columns.frames : prepareImages(columns, images);
  return stepBatch({ ...columns, frames }, encoding, { seed, epoch: 0 });
}

function stepBatch(
  columns: BatchColumns,
  encoding: ImageEncoding | undefined,
  draw: { readonly seed: number; readonly epoch: number },
): StepBatch {
  const { frames, shape, lengths, labels } = columns;
  if (encoding !== undefined) return { source: poissonSource(columns, encoding, draw), labels, pending: [] };
  const sequence = tf.tensor5d(frames, [...shape]);
  return { source: tensorSource(sequence, lengths), labels, pending: [sequence] };
}

function resultTensors({ rates, updates }: Learned['result']): tf.Tensor[] {
  return [...Object.values(rates), ...updates.map(({ value }) => value)];
}

const forwardAlone: EvaluationRun = (network, sequence, forward) => ({
  result: network.forward(sequence, forward),
  quantities: {},
});

/** The quantities of a step by their names, where there are any. */
function named(quantities: object, values: readonly number[]): Pick<StepMetrics, 'quantities'> {
  const names = Object.keys(quantities);
  if (names.length === 0) return {};
  return { quantities: Object.fromEntries(names.map((name, index) => [name, values[index]!])) };
}

interface ReadStep {
  readonly scalars: readonly number[];
  /** [batch, classes]. */
  readonly logits: Float32Array;
  readonly rates: Record<string, LayerRate>;
}

/** Reads what a step gave in one transfer. */
async function readStep(
  scalars: readonly tf.Scalar[],
  logits: tf.Tensor2D,
  { rates, elements }: Pick<NetworkOutput, 'rates' | 'elements'>,
): Promise<ReadStep> {
  const names = Object.keys(rates);
  const parts = [...scalars, ...names.map((name) => rates[name]!), logits];
  const joined = tf.tidy(() => tf.concat(parts.map((part) => tf.reshape(part, [-1]))));
  const values = (await joined.data()) as Float32Array;
  joined.dispose();
  const ratesFrom = scalars.length;
  return {
    scalars: [...values.subarray(0, ratesFrom)],
    rates: Object.fromEntries(
      names.map((name, index) => [name, { rate: values[ratesFrom + index]!, elements: elements[name]! }]),
    ),
    logits: values.subarray(ratesFrom + names.length),
  };
}

function stepMetrics(loss: number, { logits, rates }: ReadStep, labels: Int32Array): StepMetrics {
  const samples = labels.length;
  const classes = logits.length / samples;
  const predicted = new Int32Array(samples);
  let correct = 0;
  for (let sample = 0; sample < samples; sample++) {
    predicted[sample] = indexOfMaximum(logits.subarray(sample * classes, (sample + 1) * classes));
    if (predicted[sample] === labels[sample]) correct++;
  }
  return { samples, loss, correct, rates, labels, predicted };
}
