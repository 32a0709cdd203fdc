/** One update of one parameter by an optimiser, as PyTorch defines it. */
import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, type Kernel } from './kernel.ts';

/** Constants of a step of gradient descent with momentum. */
export interface SgdUpdate {
  readonly rate: number;
  readonly momentum: number;
  /** Times the value, joins the gradient. */
  readonly decay: number;
  /** Factor of the gradient. */
  readonly gradientScale: number;
}

/** Outputs: the new value and velocity. A first velocity of zero makes it the gradient, as PyTorch's first is. */
export const sgdKernel: Kernel<'value' | 'gradient' | 'velocity', SgdUpdate> = defineKernel<
  'value' | 'gradient' | 'velocity',
  SgdUpdate
>({
  name: 'SgdUpdate',
  reference: ({ value, gradient, velocity }, { rate, momentum, decay, gradientScale }) => {
    const direction = tf.add(tf.mul(gradient, gradientScale), tf.mul(value, decay));
    const speed = tf.add(tf.mul(velocity, momentum), direction);
    return [tf.sub(value, tf.mul(speed, rate)), speed];
  },
});

/** Constants of a step of Adam or AdamW. */
export interface AdamUpdate {
  /** Learning rate / (1 - beta1^step). */
  readonly rate: number;
  /** 1 / sqrt(1 - beta2^step). */
  readonly rootScale: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Adam's weight decay: times the value, joins the gradient. */
  readonly coupledDecay: number;
  /** AdamW's: what is left of the value before the step. */
  readonly keep: number;
  readonly gradientScale: number;
}

type AdamInput = 'value' | 'gradient' | 'mean' | 'square';

/** Outputs: the new value, mean and mean square. */
export const adamKernel: Kernel<AdamInput, AdamUpdate> = defineKernel<AdamInput, AdamUpdate>({
  name: 'AdamUpdate',
  reference: ({ value, gradient, mean, square }, constants) => {
    const { rate, rootScale, beta1, beta2, epsilon, coupledDecay, keep, gradientScale } = constants;
    const direction = tf.add(tf.mul(gradient, gradientScale), tf.mul(value, coupledDecay));
    const newMean = tf.add(tf.mul(mean, beta1), tf.mul(direction, 1 - beta1));
    const newSquare = tf.add(tf.mul(square, beta2), tf.mul(tf.square(direction), 1 - beta2));
    const denominator = tf.add(tf.mul(tf.sqrt(newSquare), rootScale), epsilon);
    return [tf.sub(tf.mul(value, keep), tf.mul(tf.div(newMean, denominator), rate)), newMean, newSquare];
  },
});
