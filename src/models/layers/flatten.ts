import * as tf from '@tensorflow/tfjs-core';
import { type Layer, linearLayer, statelessLayer } from './layer.ts';

/** The features of each step as one axis: [batch, steps, …] to [batch, steps, features]. */
export function createFlatten(name: string): Layer {
  const layer = statelessLayer(name, [], (input) => {
    const [batch, steps] = input.shape as [number, number];
    return tf.reshape(input, [batch, steps, -1]);
  });
  return linearLayer(layer);
}
