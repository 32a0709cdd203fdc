/**
 * One training step at a time: forward, backward, check, update. Nothing is written to the network before the loss
 * and the gradients have been read and are finite, and all randomness is a function of (seed, epoch, batch), so a
 * run that is stopped after any step and restored goes on with the same bits.
 */

import * as tf from '@tensorflow/tfjs-core';
import type { RecordBatch } from 'apache-arrow';
import { type ShiftOptions, shiftFrames } from './augmentation.ts';
import { type BatchTensors, batchColumns, batchTensors } from './batch-tensors.ts';
import { divergence } from './divergence.ts';
import { indexOfMaximum } from './index-of-maximum.ts';
import type { Parameter } from './layers/layer.ts';
import { shownLengths } from './layers/step-mask.ts';
import { classificationLoss, type LossOptions } from './losses.ts';
import type { LayerRate, StepMetrics } from './metrics.ts';
import { type ForwardOptions, type Network, type NetworkOutput, outputTensors } from './network.ts';
import {
  clipScale,
  createOptimiser,
  globalNorm,
  type OptimiserConfig,
  type OptimiserState,
} from './optimisers.ts';
import { sampleLogits } from './sample-logits.ts';
import { learningRateAt, type Schedule } from './schedules.ts';

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
  /** Steps that each frame is shown for (direct encoding). Default 1. */
  readonly repeat?: number;
}

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
  /** Evaluation mode: no update, no dropout, running statistics, final loss only. */
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
  const { seed, schedule = { kind: 'constant' }, clipNorm, shift, repeat = 1 } = options;
  const optimiser = createOptimiser(options.optimiser, network.parameters);
  const trainable = network.parameters.filter((parameter) => parameter.trainable);
  const position = { epoch: 0, batch: 0 };
  const learningRate = (): number => learningRateAt(schedule, options.optimiser.learningRate, position.epoch);

  const trainStep = async (batch: RecordBatch): Promise<StepMetrics> => {
    const step = position.epoch * BATCHES_PER_EPOCH + position.batch;
    const tensors =
      shift === undefined ? batchTensors(batch) : shiftedTensors(batch, shift, seed, position.epoch);
    const { sequence, lengths, labels } = tensors;
    const forward: ForwardOptions = { lengths, repeat, training: true, seed, step };
    const pending: tf.Tensor[] = [sequence];
    try {
      const { loss, logits, result, gradients } = differentiate(
        network,
        trainable,
        tensors,
        forward,
        options,
      );
      pending.push(loss, logits, ...outputTensors(result), ...gradients.values());
      const norm = globalNorm(gradients.values());
      pending.push(norm);
      const read = await readStep([loss, norm], logits, result);
      const [lossValue, normValue] = read.scalars as [number, number];
      if (!Number.isFinite(lossValue) || !Number.isFinite(normValue)) {
        const where = `epoch ${position.epoch + 1}, batch ${position.batch + 1}`;
        throw await divergence(network, sequence, forward, { loss: lossValue, where, gradients });
      }
      const scale = clipNorm === undefined ? 1 : clipScale(normValue, clipNorm);
      optimiser.update(gradients, learningRate(), scale);
      for (const { parameter, value } of result.updates) parameter.variable.assign(value);
      position.batch++;
      return stepMetrics(lossValue, read, labels);
    } finally {
      tf.dispose(pending);
    }
  };

  const evaluateStep = async (batch: RecordBatch): Promise<StepMetrics> => {
    const { sequence, lengths, labels } = batchTensors(batch);
    const pending: tf.Tensor[] = [sequence];
    try {
      const result = network.forward(sequence, { lengths, repeat });
      const { logits, loss } = tf.tidy(() => {
        const logits = logitsOf(network, result, { lengths, repeat });
        return { logits, loss: classificationLoss(logits, [], labels) };
      });
      pending.push(...outputTensors(result), logits, loss);
      const read = await readStep([loss], logits, result);
      const [lossValue] = read.scalars as [number];
      if (!Number.isFinite(lossValue)) {
        throw await divergence(
          network,
          sequence,
          { lengths, repeat },
          { loss: lossValue, where: 'evaluation' },
        );
      }
      return stepMetrics(lossValue, read, labels);
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
      const { sequence, lengths } = batchTensors(batch);
      try {
        tf.dispose(outputTensors(network.forward(sequence, { lengths, repeat, probe, potentials })));
      } finally {
        sequence.dispose();
      }
    },
    save: () => optimiser.save(),
    restore: (state) => optimiser.restore(state),
    dispose: () => optimiser.dispose(),
  };
}

function shiftedTensors(batch: RecordBatch, shift: ShiftOptions, seed: number, epoch: number): BatchTensors {
  const columns = batchColumns(batch);
  const frames = shiftFrames(columns, shift, seed, epoch);
  return { ...columns, sequence: tf.tensor5d(frames, [...columns.shape]) };
}

/** The logits of each sample over all the steps that it was shown for. */
function logitsOf(
  { windowBins }: Network,
  { output }: NetworkOutput,
  { lengths, repeat = 1 }: ForwardOptions,
): tf.Tensor2D {
  return sampleLogits(output, shownLengths(lengths, repeat)!, windowBins);
}

interface Differentiated {
  readonly loss: tf.Scalar;
  readonly logits: tf.Tensor2D;
  readonly result: NetworkOutput;
  readonly gradients: ReadonlyMap<string, tf.Tensor>;
}

/** Loss and gradients; every tensor in the result is the caller's to dispose of. */
function differentiate(
  network: Network,
  trainable: readonly Parameter[],
  { sequence, labels }: BatchTensors,
  forward: ForwardOptions,
  options: LossOptions,
): Differentiated {
  let result: NetworkOutput | undefined;
  let logits: tf.Tensor2D | undefined;
  const { value, grads } = tf.variableGrads(
    () => {
      result = network.forward(sequence, forward);
      logits = logitsOf(network, result, forward);
      for (const tensor of [logits, ...outputTensors(result)]) tf.keep(tensor);
      return classificationLoss(logits, result.auxiliary, labels, options);
    },
    trainable.map(({ variable }) => variable),
  );
  const gradients = new Map<string, tf.Tensor>();
  for (const { name, variable } of trainable) {
    const gradient = grads[variable.name];
    if (gradient !== undefined && gradient !== null) gradients.set(name, gradient);
  }
  return { loss: value, logits: logits!, result: result!, gradients };
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
  { rates, elements }: NetworkOutput,
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
