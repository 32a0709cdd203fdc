/**
 * Direct feedback alignment (Nokland 2016): each hidden layer gets the error of the output through fixed random weights
 * instead of the transposed weights above it, and learns by itself. For a layer with presynaptic spikes s, potential u
 * and surrogate h,
 *
 *   dW = sum over steps of trace(s)_t x h(u_t) (e_t B),    trace(s)_t = decay trace(s)_(t-1) + gain s_t
 *
 * (snn definitions 3.5). The sum is taken from the other end, which is the same: the error is filtered back through the
 * steps of a block and meets the spikes themselves, of which few are active; what came before the block joins by its
 * trace. No graph is kept, and a sequence is read in blocks of time, so memory does not grow with its length. Where
 * the error is that of the whole sequence, a sequence of several blocks is read twice.
 */
import * as tf from '@tensorflow/tfjs-core';
import { spikeProductWeightGradient } from '../../engines/kernels/index.ts';
import { OptionError } from '../../errors.ts';
import { activityOf } from '../layers/lif-layer.ts';
import { driveOf, type LocalLayer } from '../layers/local-layer.ts';
import { crossEntropy } from '../losses.ts';
import type { Network } from '../network.ts';
import type { SequenceSource } from '../sequence-source.ts';
import { gradientAngles } from './gradient-angles.ts';
import type { Learned, LearningCall, LearningRule } from './learning-rule.ts';
import { type LocalDerivative, localDrive } from './local-derivative.ts';

/** What reaches the hidden layers: the error; its sign (sDFA); or the targets alone, without any error (DRTP). */
export type FeedbackSignal = 'error' | 'sign' | 'target';

/** A variant of direct feedback. */
export interface DirectFeedbackOptions {
  /** Default `error`. */
  readonly signal?: FeedbackSignal;
  /** Whether the error is that of the logits over the whole sample (default), or of each step's output. */
  readonly errorOf?: 'sample' | 'step';
  /** What stands for the derivative of a layer. Default `trace`. */
  readonly derivative?: LocalDerivative;
  /** Steps of a block. Default 32. */
  readonly blockSteps?: number;
  /** Measure the angles to the true gradient in every so many batches of an epoch. Default 0, never. */
  readonly angleEvery?: number;
}

/** A network whose layers learn by themselves. */
export interface LocalNetwork extends Network {
  readonly localLayers: readonly LocalLayer[];
}

const BLOCK_STEPS = 32;

/** The rule of a variant, for networks of local layers. */
export function directFeedback(options: DirectFeedbackOptions = {}): LearningRule {
  const { angleEvery = 0 } = options;
  return (call) => {
    const learned = new LocalLearning(localNetwork(call.network), call, options).run();
    if (angleEvery === 0 || call.batch % angleEvery !== 0) return learned;
    const angles = Object.entries(gradientAngles(call, learned.gradients));
    const quantities = Object.fromEntries(angles.map(([name, angle]) => [angleName(name), angle]));
    return { ...learned, quantities };
  };
}

/** What the angle between a parameter's gradient and the true one, in degrees, is called among the quantities. */
export function angleName(parameter: string): string {
  return `angle (${parameter})`;
}

function localNetwork(network: Network): LocalNetwork {
  if ('localLayers' in network) return network as LocalNetwork;
  throw new OptionError(`direct feedback: expected a network of local layers, found ${network.name}`);
}

/** What one layer saw and did in a block of time. */
interface LayerBlock {
  /** [batch, steps, inputs]. */
  readonly input: tf.Tensor;
  /** [batch, steps, units]. */
  readonly drive: tf.Tensor;
  /** Before the block. */
  readonly state: tf.Tensor;
  readonly output: tf.Tensor;
}

/** A block of time: its first step and how many it has. */
interface Block {
  readonly from: number;
  readonly steps: number;
}

/** Sums over the blocks of one layer. */
interface LayerSums {
  weight: tf.Tensor | undefined;
  bias: tf.Tensor | undefined;
  /** Trace of the inputs before the present block, [batch, inputs], and of a constant input of 1. */
  trace: tf.Tensor | undefined;
  biasTrace: number;
  rate: tf.Scalar | undefined;
  elements: number;
}

/** One batch being learned from. */
class LocalLearning {
  readonly #network: LocalNetwork;
  readonly #source: SequenceSource;
  readonly #labels: Int32Array;
  readonly #options: DirectFeedbackOptions;
  readonly #blocks: readonly Block[];
  readonly #sums: readonly LayerSums[];
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
    this.#sums = network.localLayers.map(() => emptySums());
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
    this.#network.localLayers.forEach(({ neurons }, index) => {
      if (!neurons.spiking) return;
      const sums = this.#sums[index]!;
      const { rate, elements } = tf.tidy(() => ({ ...activityOf(layers[index]!.output, lengths) }));
      sums.rate = added(sums.rate, tf.mul(rate, elements)) as tf.Scalar;
      rate.dispose();
      sums.elements += elements;
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
    this.#network.localLayers.forEach((layer, index) => {
      const gradient =
        layer.feedback === undefined ? outputGradient : project(signal, layer.feedback.variable);
      this.#add(layer, this.#sums[index]!, layers[index]!, gradient, last);
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

  #add(
    layer: LocalLayer,
    sums: LayerSums,
    block: LayerBlock,
    outputGradient: tf.Tensor,
    last: boolean,
  ): void {
    const { derivative = { kind: 'trace' } } = this.#options;
    const { input, drive, state } = block;
    const [batch, steps, inputs] = input.shape as [number, number, number];
    const { neurons } = layer;
    const units = drive.shape[2]!;
    const gradients = tf.tidy(() => {
      const back =
        derivative.kind === 'trace'
          ? neurons.backward({ drive, state }, outputGradient, tf.zeros([batch, units]))
          : { drive: localDrive(derivative, drive, neurons.threshold, outputGradient), potential: undefined };
      const rows = tf.reshape(back.drive, [-1, units]);
      let weight: tf.Tensor = spikeProductWeightGradient(tf.reshape(input, [-1, inputs]), rows);
      let bias: tf.Tensor = tf.sum(rows, 0);
      if (back.potential !== undefined && sums.trace !== undefined) {
        weight = tf.add(weight, spikeProductWeightGradient(sums.trace, back.potential));
        bias = tf.add(bias, tf.mul(tf.sum(back.potential, 0), sums.biasTrace));
      }
      return [weight, bias];
    });
    sums.weight = added(sums.weight, gradients[0]!);
    sums.bias = added(sums.bias, gradients[1]!);
    if (!last && derivative.kind === 'trace') follow(sums, input, steps, neurons);
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
    this.#network.localLayers.forEach(({ name, weight, bias }, index) => {
      const sums = this.#sums[index]!;
      gradients.set(weight.name, sums.weight!).set(bias.name, sums.bias!);
      sums.trace?.dispose();
      if (sums.rate === undefined) return;
      rates[name] = tf.div(sums.rate, Math.max(1, sums.elements));
      elements[name] = sums.elements;
      sums.rate.dispose();
    });
    return { gradients, result: { rates, elements, updates: [] } };
  }
}

function blocksOf(steps: number, blockSteps: number): Block[] {
  return Array.from({ length: Math.ceil(steps / blockSteps) }, (_, index) => {
    const from = index * blockSteps;
    return { from, steps: Math.min(blockSteps, steps - from) };
  });
}

function emptySums(): LayerSums {
  const nothing = { weight: undefined, bias: undefined, trace: undefined, rate: undefined };
  return { ...nothing, biasTrace: 0, elements: 0 };
}

/** Takes the inputs of a block into the trace: trace <- decay^steps trace + gain sum of decay^(steps - 1 - step) s. */
function follow(
  sums: LayerSums,
  input: tf.Tensor,
  steps: number,
  { decay, gain }: LocalLayer['neurons'],
): void {
  const weights = Float32Array.from({ length: steps }, (_, step) => gain * decay ** (steps - 1 - step));
  const before = sums.trace;
  sums.trace = tf.tidy(() => {
    const fresh = tf.squeeze(tf.matMul(tf.tensor3d(weights, [1, 1, steps]), input as tf.Tensor3D), [1]);
    return before === undefined ? fresh : tf.add(tf.mul(before, decay ** steps), fresh);
  });
  before?.dispose();
  sums.biasTrace = sums.biasTrace * decay ** steps + weights.reduce((sum, weight) => sum + weight, 0);
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

/** A sum in place of its parts. */
function added(sum: tf.Tensor | undefined, part: tf.Tensor): tf.Tensor {
  if (sum === undefined) return part;
  const total = tf.add(sum, part);
  tf.dispose([sum, part]);
  return total;
}

/** Frees the tensors of a block; states may be shared with it. */
function disposeAll(tensors: readonly (readonly (LayerBlock | tf.Tensor)[])[]): void {
  for (const item of tensors.flat()) {
    if (item instanceof tf.Tensor) item.dispose();
    else tf.dispose([item.input, item.drive, item.output]);
  }
}
