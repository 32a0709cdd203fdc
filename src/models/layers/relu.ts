import * as tf from '@tensorflow/tfjs-core';
import { type Layer, statelessLayer } from './layer.ts';

/** Rectified linear units: max(0, x), in the place of neurons in an ANN. */
export function createRelu(name: string): Layer {
  return statelessLayer(name, [], (input) => tf.relu(input));
}
