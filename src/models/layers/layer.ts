/**
 * What a layer is: named parameters, and a function from a sequence [batch, steps, …features] to a sequence. Layers
 * keep nothing between calls: membrane state comes in with the pass and goes out with the output, and so do new
 * running statistics, which the trainer writes back only when the step has proved finite.
 */

import * as tf from '@tensorflow/tfjs-core';
import type { LifParameters } from '../../engines/kernels/index.ts';

/** A named tensor of a network: a weight, or a running statistic (then not trainable). */
export interface Parameter {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly trainable: boolean;
  /** Whether weight decay applies. */
  readonly decay: boolean;
}

/** Membrane state by layer, carried from window to window by whoever owns the stream. */
export type NetworkState = Readonly<Record<string, tf.Tensor>>;

/** Mean of a spiking layer's outputs over real steps, and how many outputs that is. */
export interface LayerActivity {
  readonly rate: tf.Scalar;
  readonly elements: number;
}

/** A running statistic's next value. */
export interface BufferUpdate {
  readonly parameter: Parameter;
  readonly value: tf.Tensor;
}

/** One call of a network, as its layers see it. */
export interface Pass {
  readonly training: boolean;
  /** Real steps of each sample; absent where all are real. */
  readonly lengths?: ArrayLike<number> | undefined;
  /** Seed and number of the training step: with the layer's name they fix what dropout drops. */
  readonly seed: number;
  readonly step: number;
  /** State before the first step; a layer that is missing starts at zero. */
  readonly state: NetworkState;
  /** Sees every layer's output, in order. */
  readonly probe?: ((name: string, output: tf.Tensor) => void) | undefined;
}

/** What a layer gives. */
export interface LayerOutput {
  readonly output: tf.Tensor;
  readonly state?: tf.Tensor;
  readonly activity?: LayerActivity;
  readonly updates?: readonly BufferUpdate[];
}

/** What several layers gave at once: the output of the last, and of each what a layer gives beside its output. */
export interface FusedOutput {
  readonly output: tf.Tensor;
  readonly layers: readonly Omit<LayerOutput, 'output'>[];
}

/** A part of a network. */
export interface Layer {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** @param input sequence [batch, steps, …features] */
  forward(input: tf.Tensor, pass: Pass): LayerOutput;
  /** Computes this layer and some of those that follow at once, where the engine has a kernel for it. */
  fuse?(input: tf.Tensor, pass: Pass, following: readonly Layer[]): FusedOutput | undefined;
  /** The neurons that this layer is, for a layer that fuses them. */
  readonly neuron?: LifParameters;
  /** The side of the average pool that this layer is, for a layer that fuses it. */
  readonly averagePool?: number;
}

/** What the layers of one call gave beside their outputs. */
export interface Collected {
  readonly state: Record<string, tf.Tensor>;
  readonly activity: Record<string, LayerActivity>;
  readonly updates: BufferUpdate[];
}

/** A layer without state: `forward` gives its output alone. */
export function statelessLayer(
  name: string,
  parameters: readonly Parameter[],
  forward: (input: tf.Tensor, pass: Pass) => tf.Tensor,
): Layer {
  return { name, parameters, forward: (input, pass) => ({ output: forward(input, pass) }) };
}

/**
 * Runs `input` through layers one after the other. What lies between two layers is freed as soon as the second has
 * run; a gradient tape holds its own references to what it needs.
 */
export function forwardThrough(
  layers: readonly Layer[],
  input: tf.Tensor,
  pass: Pass,
  collected: Collected,
): tf.Tensor {
  let value = input;
  for (let index = 0; index < layers.length; ) {
    const before = value;
    const { output, layers: results } = tf.tidy(() => forwardNext(layers.slice(index), before, pass));
    value = output;
    if (before !== input && before !== value) before.dispose();
    for (const { state, activity, updates } of results) {
      const { name } = layers[index++]!;
      if (state !== undefined) collected.state[name] = state;
      if (activity !== undefined) collected.activity[name] = activity;
      if (updates !== undefined) collected.updates.push(...updates);
    }
    pass.probe?.(layers[index - 1]!.name, value);
  }
  return value;
}

/** Runs the first layer, and with it those that it fuses; never where each layer's output is to be seen. */
function forwardNext(
  [layer, ...following]: readonly Layer[],
  input: tf.Tensor,
  pass: Pass,
): FusedOutput & tf.TensorContainerObject {
  const fused = pass.probe === undefined ? layer!.fuse?.(input, pass, following) : undefined;
  if (fused !== undefined) return fused as FusedOutput & tf.TensorContainerObject;
  const { output, ...rest } = layer!.forward(input, pass);
  return { output, layers: [rest as tf.TensorContainerObject] };
}
