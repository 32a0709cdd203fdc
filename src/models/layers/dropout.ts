import * as tf from '@tensorflow/tfjs-core';
import { RandomStream } from '../../random.ts';
import { type Layer, linearLayer, statelessLayer } from './layer.ts';
import { sizeOf } from './parameter.ts';

/**
 * Dropout that drops a feature of a sample for all its steps, as spiking networks need it (a unit that comes and
 * goes from step to step averages out over time), and scales the rest by 1 / (1 - rate). Which ones is a function of
 * (seed, training step, layer, sample and feature), so padding, threads and engines do not change it.
 * @param rate share that is dropped, from 0 to below 1
 */
export function createDropout(name: string, rate: number): Layer {
  const layer = statelessLayer(name, [], (input, { training, seed, step }) => {
    if (!training || rate === 0) return input;
    const [batch, , ...features] = input.shape as [number, number, ...number[]];
    const random = new RandomStream(seed, `dropout/${name}/${step}`);
    const kept = 1 / (1 - rate);
    const mask = Float32Array.from({ length: batch * sizeOf(features) }, (_, i) =>
      random.uniform(i) < rate ? 0 : kept,
    );
    return tf.mul(input, tf.tensor(mask, [batch, 1, ...features]));
  });
  return linearLayer(layer);
}
