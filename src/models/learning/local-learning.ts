/**
 * A batch that each layer learns from by itself, in blocks of time. The sum over steps of trace x surrogate x error is
 * taken from the other end: the error goes back through the steps of a block, by the way back of the layer's own
 * neurons, and meets the spikes themselves, of which few are active; what came before the block joins by its trace.
 */
import * as tf from '@tensorflow/tfjs-core';
import { driveOf } from '../layers/local-layer.ts';
import { crossEntropy } from '../losses.ts';
import type { SequenceSource } from '../sequence-source.ts';
import type { DirectFeedbackOptions, LocalNetwork } from './direct-feedback.ts';
import { added, type LayerBlock, LayerLearning } from './layer-learning.ts';
import type { Learned, LearningCall } from './learning-rule.ts';

const BLOCK_STEPS = 32;

/** A block of time: its first step and how many it has. */
interface Block {
  readonly from: number;
  readonly steps: number;
}

/** One batch being learned from: run once. */
export class LocalLearning {
  readonly #network: LocalNetwork;
  readonly #source: SequenceSource;
  readonly #labels: Int32Array;
  readonly #options: DirectFeedbackOptions;
  readonly #blocks: readonly Block[];
  readonly #layers: readonly LayerLearning[];
  /** [batch, 1, classes]. */
  readonly #targets: tf.Tensor;
  /** Sum of the outputs over real steps, [batch, classes]. */
  #outputs: tf.Tensor | undefined;

  constructor(network: LocalNetwork, { source, labels }: LearningCall, options: DirectFeedbackOptions) {
    this.#network = network;
    this.#source = source;
    this.#labels = labels;
    this.#options = options;
    this.#blocks = blocksOf(source.shape[1], options.blockSteps ?? BLOCK_STEPS);
    const { derivative = { kind: 'trace' } } = options;
    this.#layers = network.localLayers.map((layer) => new LayerLearning(layer, derivative));
    this.#targets = tf.tidy(() => tf.expandDims(oneHot(labels, network.config.classes), 1));
  }

  run(): Learned {
    const ofStep = this.#options.errorOf === 'step';
    const once = ofStep || this.#blocks.length === 1;
    const logits = ofStep ? this.#readWhileLearning() : this.#read(once);
    if (!once) this.#readAgain(logits);
    const loss = tf.tidy(() => tf.mean(crossEntropy(logits, this.#labels)) as tf.Scalar);
    this.#targets.dispose();
    return { loss, logits, ...this.#results(), others: [] };
  }

  /** Reads the sequence for its logits; learns from it too where it is one block. */
  #read(learn: boolean): tf.Tensor2D {
    let states = this.#initialStates();
    for (const block of this.#blocks) {
      const { layers, next } = this.#forward(block, states);
      this.#count(layers, block);
      if (learn) {
        const logits = this.#logits();
        this.#learn(layers, block, this.#errorOf(logits));
        disposeAll([layers, states, next]);
        return logits;
      }
      disposeAll([layers, states]);
      states = next;
    }
    tf.dispose(states);
    return this.#logits();
  }

  /** Learns from a sequence of several blocks whose logits are known. */
  #readAgain(logits: tf.Tensor2D): void {
    const error = this.#errorOf(logits);
    let states = this.#initialStates();
    for (const block of this.#blocks) {
      const { layers, next } = this.#forward(block, states);
      this.#learn(layers, block, tf.clone(error));
      disposeAll([layers, states]);
      states = next;
    }
    tf.dispose([error, ...states]);
  }

  /** Learns from the error of each step as it is read. */
  #readWhileLearning(): tf.Tensor2D {
    let states = this.#initialStates();
    for (const block of this.#blocks) {
      const { layers, next } = this.#forward(block, states);
      this.#count(layers, block);
      const error = tf.tidy(() => tf.sub(tf.softmax(layers.at(-1)!.output), this.#targets));
      this.#learn(layers, block, error);
      disposeAll([layers, states]);
      states = next;
    }
    tf.dispose(states);
    return this.#logits();
  }

  #initialStates(): tf.Tensor[] {
    const [batch] = this.#source.shape;
    return this.#network.localLayers.map(({ neurons, bias }) =>
      neurons.initialState(batch, bias.variable.shape[0]!),
    );
  }

  #forward(
    { from, steps }: Block,
    states: readonly tf.Tensor[],
  ): { layers: LayerBlock[]; next: tf.Tensor[] } {
    const frames = this.#source.frames(from, steps);
    let input = tf.reshape(frames, [frames.shape[0], steps, -1]) as tf.Tensor;
    frames.dispose();
    const next: tf.Tensor[] = [];
    const layers = this.#network.localLayers.map((layer, index): LayerBlock => {
      const before = states[index]!;
      const given = { input, drive: driveOf(layer, input), state: before };
      const { output, state } = tf.tidy(() => ({ ...layer.neurons.forward(given.drive, before) }));
      next.push(state);
      input = output;
      return { ...given, output };
    });
    return { layers, next };
  }

  /** Adds a block to the sum of outputs and to the layers' spike rates. */
  #count(layers: readonly LayerBlock[], block: Block): void {
    const lengths = this.#lengthsIn(block);
    const { output } = layers.at(-1)!;
    this.#outputs = added(
      this.#outputs,
      tf.tidy(() => tf.sum(tf.mul(output, this.#realIn(block)), 1)),
    );
    this.#layers.forEach((layer, index) => {
      layer.count(layers[index]!, lengths);
    });
  }

  #logits(): tf.Tensor2D {
    const { logitsOf } = this.#network;
    const logits = tf.tidy(() => {
      const lengths = Float32Array.from(this.#source.lengths, (length) => Math.max(1, length));
      const mean = tf.div(this.#outputs!, tf.tensor2d(lengths, [lengths.length, 1])) as tf.Tensor2D;
      return logitsOf === undefined ? mean : logitsOf(mean);
    });
    this.#outputs!.dispose();
    return logits;
  }

  /** The error of the logits, [batch, 1, classes]. */
  #errorOf(logits: tf.Tensor2D): tf.Tensor {
    return tf.tidy(() => tf.sub(tf.expandDims(tf.softmax(logits), 1), this.#targets));
  }

  /** Adds the gradients of a block. @param error [batch, steps or 1, classes]; disposed of */
  #learn(layers: readonly LayerBlock[], block: Block, error: tf.Tensor): void {
    const last = block.from + block.steps === this.#source.shape[1];
    const weights = this.#weightsIn(block);
    const outputGradient = tf.mul(error, weights);
    const signal = this.#signalOf(error, weights, outputGradient);
    this.#layers.forEach((learning, index) => {
      const { feedback } = learning.layer;
      const gradient = feedback === undefined ? outputGradient : project(signal, feedback.variable);
      learning.add(layers[index]!, gradient, last);
      if (gradient !== outputGradient) gradient.dispose();
    });
    tf.dispose([error, weights, outputGradient, signal]);
  }

  /** What the feedback carries to the hidden layers, [batch, steps, classes]. */
  #signalOf(error: tf.Tensor, weights: tf.Tensor, outputGradient: tf.Tensor): tf.Tensor {
    switch (this.#options.signal ?? 'error') {
      case 'error':
        return tf.clone(outputGradient);
      case 'sign':
        return tf.tidy(() => tf.mul(tf.sign(error), weights));
      case 'target':
        return tf.tidy(() => tf.mul(tf.neg(this.#targets), weights));
    }
  }

  /** Real steps of each sample within a block. */
  #lengthsIn({ from, steps }: Block): Int32Array {
    return this.#source.lengths.map((length) => Math.min(steps, Math.max(0, length - from)));
  }

  /** 1 for real steps, else 0, [batch, steps, 1]. */
  #realIn(block: Block): tf.Tensor {
    return this.#byStep(block, () => 1);
  }

  /** What each step counts in the mean over steps and batch, [batch, steps, 1]. */
  #weightsIn(block: Block): tf.Tensor {
    const { lengths } = this.#source;
    return this.#byStep(block, (sample) => 1 / (lengths.length * lengths[sample]!));
  }

  #byStep(block: Block, value: (sample: number) => number): tf.Tensor {
    const { steps } = block;
    const values = new Float32Array(this.#labels.length * steps);
    this.#lengthsIn(block).forEach((length, sample) => {
      if (length > 0) values.fill(value(sample), sample * steps, sample * steps + length);
    });
    return tf.tensor3d(values, [this.#labels.length, steps, 1]);
  }

  #results(): Pick<Learned, 'gradients' | 'result'> {
    const gradients = new Map<string, tf.Tensor>();
    const rates: Record<string, tf.Scalar> = {};
    const elements: Record<string, number> = {};
    for (const learning of this.#layers) {
      const { name } = learning.layer;
      const own = learning.result();
      for (const [parameter, gradient] of own.gradients) gradients.set(parameter, gradient);
      if (own.rate === undefined) continue;
      rates[name] = own.rate;
      elements[name] = own.elements;
    }
    return { gradients, result: { rates, elements, updates: [] } };
  }
}

function blocksOf(steps: number, blockSteps: number): Block[] {
  return Array.from({ length: Math.ceil(steps / blockSteps) }, (_, index) => {
    const from = index * blockSteps;
    return { from, steps: Math.min(blockSteps, steps - from) };
  });
}

/** signal [batch, steps, classes] through feedback [classes, units]. */
function project(signal: tf.Tensor, feedback: tf.Tensor): tf.Tensor {
  const [batch, steps, classes] = signal.shape as [number, number, number];
  return tf.tidy(() =>
    tf.reshape(tf.matMul(tf.reshape(signal, [-1, classes]), feedback as tf.Tensor2D), [batch, steps, -1]),
  );
}

function oneHot(labels: Int32Array, classes: number): tf.Tensor2D {
  const values = new Float32Array(labels.length * classes);
  labels.forEach((label, sample) => {
    values[sample * classes + label] = 1;
  });
  return tf.tensor2d(values, [labels.length, classes]);
}

/** Frees the tensors of a block; states may be shared with it. */
function disposeAll(tensors: readonly (readonly (LayerBlock | tf.Tensor)[])[]): void {
  for (const item of tensors.flat()) {
    if (item instanceof tf.Tensor) item.dispose();
    else tf.dispose([item.input, item.drive, item.output]);
  }
}
