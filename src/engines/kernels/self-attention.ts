/**
 * Scaled dot-product attention by heads (Vaswani et al., "Attention is all you need", 2017, section 3.2), forward and
 * backward in one kernel each.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../../errors.ts';
import { defineKernel, type Kernel } from './kernel.ts';

/** Constants of a call. */
export interface SelfAttentionAttributes {
  readonly heads: number;
}

/**
 * softmax(Q K^T / sqrt(depth)) V of every head of every sample. In a token's row [3 * width] lie its queries, keys and
 * values one after the other, each with its heads side by side, width = heads * depth.
 * @param projected [batch, tokens, 3 * width]
 * @returns [batch, tokens, width]
 */
export function selfAttention(projected: tf.Tensor, heads: number): tf.Tensor {
  if (projected.rank !== 3 || projected.shape[2]! % (3 * heads) !== 0) {
    throw new ShapeError(
      `selfAttention: expected [batch, tokens, 3 * width] whose width ${heads} heads divide, found [${projected.shape}]`,
    );
  }
  return selfAttentionKernel.run({ projected }, { heads })[0]!;
}

export const selfAttentionKernel: Kernel<'projected', SelfAttentionAttributes> = defineKernel<
  'projected',
  SelfAttentionAttributes
>({
  name: 'SelfAttention',
  reference: ({ projected }, { heads }) => {
    const { weights, values } = attentionOf(projected, heads);
    return [besideHeads(tf.matMul(weights, values), projected.shape[0]!)];
  },
  gradient: {
    saveInputs: ['projected'],
    backward: ([outputGradient], { projected }, _, attributes) => ({
      projected: () =>
        selfAttentionGradientKernel.run({ projected, outputGradient: outputGradient! }, attributes)[0]!,
    }),
  },
});

type GradientInput = 'projected' | 'outputGradient';

/** The gradient of the projected tokens. */
export const selfAttentionGradientKernel: Kernel<GradientInput, SelfAttentionAttributes> = defineKernel<
  GradientInput,
  SelfAttentionAttributes
>({
  name: 'SelfAttentionGradient',
  reference: ({ projected, outputGradient }, { heads }) => {
    const { queries, keys, values, weights, scale } = attentionOf(projected, heads);
    const [dOutput] = byHeads(outputGradient, 1, heads);
    const dWeights = tf.matMul(dOutput!, values, false, true);
    const along = tf.sum(tf.mul(dWeights, weights), -1, true);
    const dScores = tf.mul(tf.mul(weights, tf.sub(dWeights, along)), scale);
    const gradients = [
      tf.matMul(dScores, keys),
      tf.matMul(dScores, queries, true),
      tf.matMul(weights, dOutput!, true),
    ];
    return [
      tf.concat(
        gradients.map((each) => besideHeads(each, projected.shape[0]!)),
        2,
      ),
    ];
  },
});

interface Attention {
  /** [batch * heads, tokens, depth] each. */
  readonly queries: tf.Tensor3D;
  readonly keys: tf.Tensor3D;
  readonly values: tf.Tensor3D;
  /** [batch * heads, tokens, tokens], rows of sum 1. */
  readonly weights: tf.Tensor3D;
  readonly scale: number;
}

function attentionOf(projected: tf.Tensor, heads: number): Attention {
  const [queries, keys, values] = byHeads(projected, 3, heads) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
  const scale = 1 / Math.sqrt(queries.shape[2]);
  const scores = tf.mul(tf.matMul(queries, keys, false, true), scale);
  return { queries, keys, values, weights: tf.softmax(scores) as tf.Tensor3D, scale };
}

/** [batch, tokens, parts * width] as parts of [batch * heads, tokens, depth]. */
function byHeads(rows: tf.Tensor, parts: number, heads: number): tf.Tensor3D[] {
  const [batch, tokens, columns] = rows.shape as [number, number, number];
  const depth = columns / parts / heads;
  const split = tf.transpose(tf.reshape(rows, [batch, tokens, parts, heads, depth]), [2, 0, 3, 1, 4]);
  return tf.unstack(split).map((part) => tf.reshape(part, [batch * heads, tokens, depth]));
}

/** [batch * heads, tokens, depth] as [batch, tokens, width]. */
function besideHeads(values: tf.Tensor, batch: number): tf.Tensor {
  const [count, tokens, depth] = values.shape as [number, number, number];
  const heads = tf.reshape(values, [batch, count / batch, tokens, depth]);
  return tf.reshape(tf.transpose(heads, [0, 2, 1, 3]), [batch, tokens, (count / batch) * depth]);
}
