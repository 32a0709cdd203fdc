/**
 * Temporal alignment between two stages that run at different timesteps: the T1 frames of a window become T2, each a
 * weighted mean of all T1 full maps. Windows are aligned each on its own. What comes out is not binary, so the next
 * convolution multiplies.
 *
 * - `attention`: a token is a frame's global average pool; the T1 tokens pass one encoder layer, then T2 learned
 *   queries attend over them, and the T2 x T1 softmax weights are the weights.
 * - `mix`: the weights are learned, initially those of average pooling.
 * - `pool`: adaptive average pooling over time.
 * - `truncate`: the first T2 frames.
 */

import * as tf from '@tensorflow/tfjs-core';
import type { TensorData } from '../safetensors.ts';
import { createEncoderLayer } from './encoder-layer.ts';
import { type Layer, type Pass, type Synapses, statelessLayer } from './layer.ts';
import { createParameter, normalValues } from './parameter.ts';
import { globalAveragePool } from './pooling.ts';

/** The kinds of alignment. */
export const alignments = ['attention', 'mix', 'pool', 'truncate'] as const;

/** How the frames of one stage become those of the next. */
export type Alignment = (typeof alignments)[number];

/** Sizes of an alignment. */
export interface AlignmentOptions {
  readonly kind: Alignment;
  /** Frames of a window before (T1) and after (T2). */
  readonly from: number;
  readonly to: number;
  readonly channels: number;
  /** Attention heads and width of the encoder's feed-forward part. Default 4 and 256. */
  readonly heads?: number;
  readonly feedForward?: number;
}

/** A layer from [batch, windows * T1, …maps] to [batch, windows * T2, …maps]. */
export function createAlignment(name: string, options: AlignmentOptions, seed: number): Layer {
  const { kind, from, to } = options;
  switch (kind) {
    case 'attention':
      return attention(name, options, seed);
    case 'mix': {
      const weights = createParameter(`${name}.weights`, [to, from], poolingWeights(from, to).values);
      return weighted(name, [weights], from, to, () => weights.variable);
    }
    case 'pool': {
      const { values, shape } = poolingWeights(from, to);
      return weighted(name, [], from, to, () => tf.tensor(values, [...shape]));
    }
    case 'truncate':
      return statelessLayer(name, [], (sequence) =>
        perWindow(sequence, from, (windows) => firstFrames(windows, to)),
      );
  }
}

/** Weights [T2, T1] of adaptive average pooling: frame s is the mean of floor(s T1/T2) to ceil((s+1) T1/T2). */
export function poolingWeights(from: number, to: number): TensorData {
  const values = new Float32Array(to * from);
  for (let s = 0; s < to; s++) {
    const start = Math.floor((s * from) / to);
    const end = Math.ceil(((s + 1) * from) / to);
    values.fill(1 / (end - start), s * from + start, s * from + end);
  }
  return { shape: [to, from], values };
}

function weighted(
  name: string,
  parameters: Layer['parameters'],
  from: number,
  to: number,
  weights: () => tf.Tensor,
): Layer {
  return statelessLayer(
    name,
    parameters,
    (sequence) =>
      perWindow(sequence, from, (windows) => {
        // Products broadcast the weights and their gradient right; a broadcasting matMul's gradient does not.
        const shared = tf.mul(tf.ones([windows.shape[0]!, to, from]), weights());
        return mixFrames(shared, windows);
      }),
    mixingSynapses(from, () => tf.transpose(weights())),
  );
}

/** The weights [T1, T2] by which frames are mixed, as synapses between steps. */
function mixingSynapses(from: number, weight: () => tf.Tensor): Synapses {
  return {
    weight,
    apply: (sequence, weights) =>
      perWindow(sequence, from, (windows) => {
        const [outputs, size] = [weights.shape[1]!, windows.shape[0]!];
        return mixFrames(tf.mul(tf.ones([size, outputs, from]), tf.transpose(weights)), windows);
      }),
  };
}

function attention(name: string, options: AlignmentOptions, seed: number): Layer {
  const { from, to, channels, heads = 4, feedForward = 256 } = options;
  const encoder = createEncoderLayer(`${name}.encoder`, { width: channels, heads, feedForward }, seed);
  const shape = [to, channels];
  const queries = createParameter(`${name}.queries`, shape, normalValues(shape, 1, seed, `${name}.queries`));
  const attend = (windows: tf.Tensor, pass: Pass): tf.Tensor => {
    const tokens = encoder.forward(globalAveragePool(windows), pass).output;
    const flat = tf.reshape(tokens, [-1, channels]) as tf.Tensor2D;
    const scores = tf.matMul(flat, queries.variable as tf.Tensor2D, false, true);
    const byQuery = tf.transpose(tf.reshape(scores, [-1, from, to]), [0, 2, 1]);
    return tf.softmax(tf.mul(byQuery, 1 / Math.sqrt(channels)));
  };
  // Of a window: projection, output and feed-forward of every token, scores and values of every pair, and queries.
  const ofToken = 4 * channels ** 2 + 2 * channels * feedForward + 2 * from * channels + to * channels;
  return statelessLayer(
    name,
    [...encoder.parameters, queries],
    (sequence, pass) => perWindow(sequence, from, (windows) => mixFrames(attend(windows, pass), windows)),
    { ...mixingSynapses(from, () => tf.ones([from, to])), otherProducts: (steps) => steps * ofToken },
  );
}

/** Weights [windows, T2, T1] times maps [windows, T1, …]: [windows, T2, …]. */
function mixFrames(weights: tf.Tensor, windows: tf.Tensor): tf.Tensor {
  const [count, from, ...maps] = windows.shape as [number, number, ...number[]];
  const mixed = tf.matMul(weights as tf.Tensor3D, tf.reshape(windows, [count, from, -1]) as tf.Tensor3D);
  return tf.reshape(mixed, [count, weights.shape[1]!, ...maps]);
}

/** The first `to` frames of each window; cut as a matrix, since engines slice more axes slowly. */
function firstFrames(windows: tf.Tensor, to: number): tf.Tensor {
  const [count, from, ...maps] = windows.shape as [number, number, ...number[]];
  const size = windows.size / (count * from);
  const kept = tf.slice(tf.reshape(windows, [count, from * size]), [0, 0], [count, to * size]);
  return tf.reshape(kept, [count, to, ...maps]);
}

/** Applies `align` to [batch * windows, T1, …], windows being samples of their own. */
function perWindow(sequence: tf.Tensor, from: number, align: (windows: tf.Tensor) => tf.Tensor): tf.Tensor {
  const [batch, steps, ...maps] = sequence.shape as [number, number, ...number[]];
  const aligned = align(tf.reshape(sequence, [(batch * steps) / from, from, ...maps]));
  return tf.reshape(aligned, [batch, (steps / from) * aligned.shape[1]!, ...maps]);
}
