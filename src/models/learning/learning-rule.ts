import type * as tf from '@tensorflow/tfjs-core';
import type { Parameter } from '../layers/layer.ts';
import type { LossOptions } from '../losses.ts';
import type { ForwardOptions, Network, NetworkOutput } from '../network.ts';
import type { SequenceSource } from '../sequence-source.ts';

/** A batch that is to be learned from. */
export interface LearningCall {
  readonly network: Network;
  readonly trainable: readonly Parameter[];
  readonly source: SequenceSource;
  readonly labels: Int32Array;
  readonly forward: ForwardOptions;
  readonly loss: LossOptions;
  /** Number of the batch in its epoch, from 0. */
  readonly batch: number;
}

/** What a rule makes of a batch; every tensor is the caller's to dispose of. */
export interface Learned {
  readonly loss: tf.Scalar;
  /** [batch, classes]. */
  readonly logits: tf.Tensor2D;
  /** By parameter. */
  readonly gradients: ReadonlyMap<string, tf.Tensor>;
  readonly result: Pick<NetworkOutput, 'rates' | 'elements' | 'updates'>;
  /** What else was measured of the batch, by name: means over its samples. */
  readonly quantities?: Readonly<Record<string, tf.Scalar>>;
  /** What else was made. */
  readonly others: readonly tf.Tensor[];
}

/** Gives the gradients by which a batch changes a network, without changing it. */
export type LearningRule = (call: LearningCall) => Learned;
