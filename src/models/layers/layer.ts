/**
 * What a layer is: named parameters, and a function from a sequence [batch, steps, …features] to a sequence. Layers
 * keep nothing between calls: membrane state comes in with the pass and goes out with the output, and so do new
 * running statistics, which the trainer writes back only when the step has proved finite.
 */

import * as tf from '@tensorflow/tfjs-core';

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

/** A part of a network. */
export interface Layer {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** @param input sequence [batch, steps, …features] */
  forward(input: tf.Tensor, pass: Pass): LayerOutput;
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
  for (const layer of layers) {
    const before = value;
    const result = tf.tidy(() => layer.forward(before, pass) as LayerOutput & tf.TensorContainerObject);
    value = result.output;
    if (before !== input && before !== value) before.dispose();
    if (result.state !== undefined) collected.state[layer.name] = result.state;
    if (result.activity !== undefined) collected.activity[layer.name] = result.activity;
    if (result.updates !== undefined) collected.updates.push(...result.updates);
    pass.probe?.(layer.name, value);
  }
  return value;
}
