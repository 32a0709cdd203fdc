/**
 * A network is a function of (input, state). `forward` reads a whole sequence, `step` one window of a stream; both
 * run the same code, and a sequence of k windows gives what k steps give one after the other.
 */

import * as tf from '@tensorflow/tfjs-core';
import type { BufferUpdate, NetworkState, Parameter, Pass } from './layers/layer.ts';
import { sizeOf } from './layers/parameter.ts';
import { type CsnnConfig, createCsnn } from './networks/csnn.ts';
import { createDfaNet, type DfaNetConfig } from './networks/dfa-net.ts';
import { createLyapunovNet, type LyapunovNetConfig } from './networks/lyapunov-net.ts';
import { createNmnistNet, type NmnistNetConfig } from './networks/nmnist-net.ts';
import { createSsnn, type SsnnConfig } from './networks/ssnn.ts';
import { createVgg, type VggConfig } from './networks/vgg.ts';

/** A network and its options as plain JSON. */
export type NetworkConfig =
  | SsnnConfig
  | NmnistNetConfig
  | VggConfig
  | CsnnConfig
  | DfaNetConfig
  | LyapunovNetConfig;

/** How a sequence is to be read. */
export interface ForwardOptions {
  /** State before the first window; absent for zeros. */
  readonly state?: NetworkState | undefined;
  /** Real steps of each sample; absent where all are real. */
  readonly lengths?: ArrayLike<number> | undefined;
  /** Batch statistics, dropout and early classifiers. Default false. */
  readonly training?: boolean;
  /** Steps that each bin is shown for (direct encoding): the same as a sequence that repeats it. Default 1. */
  readonly repeat?: number;
  /** Seed and number of the training step, which fix what dropout drops. */
  readonly seed?: number;
  readonly step?: number;
  /** Sees every layer's output, in order. */
  readonly probe?: Pass['probe'];
  /** Layers of neurons whose potentials the probe is to see. */
  readonly potentials?: Pass['potentials'];
}

/** What a window of a stream gave. */
export interface StepOutput {
  /** Logits [batch, classes]. */
  readonly output: tf.Tensor2D;
  /** State after the window: the caller's, to pass on and to dispose of. */
  readonly state: NetworkState;
  /** Mean of each spiking layer's outputs over real steps, by layer. */
  readonly rates: Readonly<Record<string, tf.Scalar>>;
  /** How many outputs each rate is the mean of. */
  readonly elements: Readonly<Record<string, number>>;
}

/** What a sequence gave. */
export interface NetworkOutput extends Omit<StepOutput, 'output'> {
  /** Logits [batch, windows, classes]. */
  readonly output: tf.Tensor3D;
  /** Logits [batch, classes] of the early classifiers, in training only. */
  readonly auxiliary: readonly tf.Tensor2D[];
  /** New running statistics, in training only, for the trainer to write back. */
  readonly updates: readonly BufferUpdate[];
}

/** A spiking network. */
export interface Network {
  readonly name: string;
  readonly config: NetworkConfig;
  /** Bins that one step takes. */
  readonly windowBins: number;
  readonly parameters: readonly Parameter[];
  /** The spiking layers, first to last. */
  readonly layerNames: readonly string[];
  /** @param sequence [batch, steps, height, width, channels]; the last window is filled up with empty frames */
  forward(sequence: tf.Tensor, options?: ForwardOptions): NetworkOutput;
  /** @param window [batch, windowBins, height, width, channels] */
  step(window: tf.Tensor, state?: NetworkState, lengths?: ArrayLike<number>): StepOutput;
  /** Logits from the mean of a sample's outputs, [batch, classes], where they are not that mean. */
  readonly logitsOf?: (mean: tf.Tensor2D) => tf.Tensor2D;
  dispose(): void;
}

/** A network of any kind with fresh parameters: the same configuration and seed give the same bits. */
export function createNetwork(config: NetworkConfig, seed: number): Network {
  switch (config.kind) {
    case 'ssnn':
      return createSsnn(config, seed);
    case 'nmnist-net':
      return createNmnistNet(config, seed);
    case 'vgg':
      return createVgg(config, seed);
    case 'csnn':
      return createCsnn(config, seed);
    case 'dfa-net':
      return createDfaNet(config, seed);
    case 'lyapunov-net':
      return createLyapunovNet(config, seed);
  }
}

/** Number of trainable values. */
export function parameterCount({ parameters }: Pick<Network, 'parameters'>): number {
  return parameters
    .filter(({ trainable }) => trainable)
    .reduce((sum, { variable }) => sum + sizeOf(variable.shape), 0);
}

/** All tensors that a call of `forward` gave, which are its caller's to dispose of. */
export function outputTensors({ output, auxiliary, state, rates, updates }: NetworkOutput): tf.Tensor[] {
  return [
    output,
    ...auxiliary,
    ...Object.values(state),
    ...Object.values(rates),
    ...updates.map(({ value }) => value),
  ];
}

/** Frees the tensors of a state. */
export function disposeState(state: NetworkState): void {
  tf.dispose(Object.values(state));
}
