/**
 * What a layer is: named parameters, and a function from a sequence [batch, steps, …features] to a sequence. Layers
 * keep nothing between calls: membrane state comes in with the pass and goes out with the output, and so do new
 * running statistics, which the trainer writes back only when the step has proved finite.
 */

import * as tf from '@tensorflow/tfjs-core';
import { type LifParameters, type Pool, repeatSteps } from '../../engines/kernels/index.ts';
import { shownLengths } from './step-mask.ts';

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
  /** Real frames of each sample; absent where all are real. */
  readonly lengths?: ArrayLike<number> | undefined;
  /** Seed and number of the training step: with the layer's name they fix what dropout drops. */
  readonly seed: number;
  readonly step: number;
  /** Steps that each frame of the layer's input stands for: more than 1 until the first neurons have seen it. */
  readonly repeat: number;
  /** State before the first step; a layer that is missing starts at zero. */
  readonly state: NetworkState;
  /** Sees every layer's output, in order; what it is to keep it clones, for tensors live as long as the call. */
  readonly probe?: ((name: string, output: tf.Tensor, sight: LayerSight) => void) | undefined;
  /** Layers of neurons whose potentials the probe is to see. */
  readonly potentials?: ((name: string) => boolean) | undefined;
}

/** What a probe sees of a layer beside its name and output. */
export interface LayerSight {
  readonly layer: Layer;
  /** [batch, steps, …features]. */
  readonly input: tf.Tensor;
  /** The pass as it is behind the layer. */
  readonly pass: Pass;
  /** Potential after every step, of a layer of neurons that was asked for it: its output's shape. */
  readonly potentials: tf.Tensor | undefined;
  /** Whether the layer's outputs are spikes or other activity whose rate counts. */
  readonly active: boolean;
}

/** What a layer gives. */
export interface LayerOutput {
  readonly output: tf.Tensor;
  readonly state?: tf.Tensor;
  readonly activity?: LayerActivity;
  readonly updates?: readonly BufferUpdate[];
  /** Potential after every step, where the pass asks for it. */
  readonly potentials?: tf.Tensor;
}

/** The weights of a layer as a map that is linear in them and in its input: what its operations are counted by. */
export interface Synapses {
  /** [..., outputs]; read anew for every count, since it is trained. */
  readonly weight: () => tf.Tensor;
  /** The layer without bias: its input by a weight of the same shape but for the number of outputs. */
  readonly apply: (input: tf.Tensor, weight: tf.Tensor) => tf.Tensor;
  /** Products that the layer takes besides in so many steps, whatever its input. */
  readonly otherProducts?: (steps: number) => number;
}

/** What several layers gave at once: the output of the last, and of each what a layer gives beside its output. */
export interface FusedOutput {
  readonly output: tf.Tensor;
  readonly layers: readonly Omit<LayerOutput, 'output'>[];
  /** Steps that each frame of the output still stands for. */
  readonly repeat: number;
}

/** What a layer leaves to the one that follows it. */
export interface LeftToDo {
  /** The whole convolution, by a filter [rows, columns, inputs, channels]: its output is its input. */
  readonly filter?: tf.Tensor | undefined;
  /** To be added, [channels]. */
  readonly bias?: tf.Tensor | undefined;
}

/** A part of a network. */
export interface Layer {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** @param input sequence [batch, steps, …features] */
  forward(input: tf.Tensor, pass: Pass): LayerOutput;
  /**
   * Computes this layer and some of those that follow at once, where the engine has a kernel for it.
   * @param left what the layer before left to be done to its output
   */
  fuse?(input: tf.Tensor, pass: Pass, following: readonly Layer[], left?: LeftToDo): FusedOutput | undefined;
  /** The layer's weights, where it multiplies. */
  readonly synapses?: Synapses;
  /** The neurons that this layer is, for a layer that fuses them. */
  readonly neuron?: LifParameters;
  /** The pool that this layer is, for a layer that fuses it. */
  readonly pool?: Pool;
  /**
   * The layer as a map of single frames [batch, 1, …features], with the statistics that it takes of its whole input;
   * absent where `forward` is that map.
   */
  frozen?(input: tf.Tensor, pass: Pass): (frames: tf.Tensor, step: number) => tf.Tensor;
  /**
   * What a change of the frozen layer's input makes of its output: frames [batch, steps, …features], which are the
   * input's steps from `from` on. Absent where the frozen layer is no affine map.
   */
  tangent?(input: tf.Tensor, pass: Pass): (changes: tf.Tensor, from: number) => tf.Tensor;
  /** True: equal frames give equal frames, so one that is shown for several steps is computed once. */
  readonly perFrame?: boolean;
}

/** What the layers of one call gave beside their outputs. */
export interface Collected {
  readonly state: Record<string, tf.Tensor>;
  readonly activity: Record<string, LayerActivity>;
  readonly updates: BufferUpdate[];
}

/** A layer without state that treats every frame alike: `forward` gives its output alone. */
export function statelessLayer(
  name: string,
  parameters: readonly Parameter[],
  forward: (input: tf.Tensor, pass: Pass) => tf.Tensor,
  synapses?: Synapses,
): Layer {
  const layer = {
    name,
    parameters,
    perFrame: true,
    forward: (input: tf.Tensor, pass: Pass) => ({ output: forward(input, pass) }),
  };
  return synapses === undefined ? layer : { ...layer, synapses };
}

/** A layer that is linear, so that a change of its input becomes what the layer makes of it. */
export function linearLayer(layer: Layer): Layer {
  return {
    ...layer,
    tangent: (_, pass) => (changes) =>
      layer.forward(changes, { ...pass, lengths: undefined, repeat: 1 }).output,
  };
}

/**
 * Runs `input` through layers one after the other. What lies between two layers is freed as soon as the second has
 * run; a gradient tape holds its own references to what it needs. Frames that are shown for several steps are
 * repeated only before the first layer that is not `perFrame`.
 */
export function forwardThrough(
  layers: readonly Layer[],
  input: tf.Tensor,
  pass: Pass,
  collected: Collected,
): tf.Tensor {
  let value = input;
  let current = pass;
  for (let index = 0; index < layers.length; ) {
    const before = value;
    const {
      output,
      layers: results,
      repeat,
    } = tf.tidy(() => forwardNext(layers.slice(index), before, current));
    value = output;
    if (repeat !== current.repeat) current = shown(current);
    if (pass.probe !== undefined) show(layers[index]!, before, output, results[0]!, current);
    if (before !== input && before !== value) before.dispose();
    for (const { state, activity, updates } of results) {
      const { name } = layers[index++]!;
      if (state !== undefined) collected.state[name] = state;
      if (activity !== undefined) collected.activity[name] = activity;
      if (updates !== undefined) collected.updates.push(...updates);
    }
  }
  return repeatSteps(value, current.repeat);
}

/** A pass behind the layer at which frames became steps. */
function shown(pass: Pass): Pass {
  return { ...pass, repeat: 1, lengths: shownLengths(pass.lengths, pass.repeat) };
}

/** Shows a layer to the probe, and frees what only the probe asked for. */
function show(
  layer: Layer,
  input: tf.Tensor,
  output: tf.Tensor,
  { activity, potentials }: Omit<LayerOutput, 'output'>,
  pass: Pass,
): void {
  pass.probe?.(layer.name, output, { layer, input, pass, potentials, active: activity !== undefined });
  potentials?.dispose();
}

/** Runs the first layer, and with it those that it fuses; never where each layer's output is to be seen. */
function forwardNext(
  [layer, ...following]: readonly Layer[],
  input: tf.Tensor,
  pass: Pass,
): FusedOutput & tf.TensorContainerObject {
  const fused = pass.probe === undefined ? layer!.fuse?.(input, pass, following) : undefined;
  if (fused !== undefined) return fused as FusedOutput & tf.TensorContainerObject;
  const single = pass.repeat === 1 || layer!.perFrame === true;
  const { output, ...rest } = single
    ? layer!.forward(input, pass)
    : layer!.forward(repeatSteps(input, pass.repeat), shown(pass));
  return { output, layers: [rest as tf.TensorContainerObject], repeat: single ? pass.repeat : 1 };
}
