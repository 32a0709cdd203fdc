import * as tf from '@tensorflow/tfjs-core';
import { averagePool, maxPool } from '../../engines/kernels/index.ts';
import { foldTime, unfoldTime } from './fold-time.ts';
import { type Layer, linearLayer, statelessLayer } from './layer.ts';

/** Mean or maximum over squares of `size` pixels of every frame; what does not fill a square is left out. */
export function createPool(name: string, kind: 'average' | 'max', size: number): Layer {
  const pool = kind === 'average' ? averagePool : maxPool;
  const layer = statelessLayer(name, [], (input) => unfoldTime(pool(foldTime(input), size), input.shape[0]!));
  return { ...(kind === 'average' ? linearLayer(layer) : layer), pool: { kind, size } };
}

/** Mean over rows and columns: [batch, steps, height, width, channels] to [batch, steps, channels]. */
export function globalAveragePool(maps: tf.Tensor): tf.Tensor {
  return tf.mean(maps, [2, 3]);
}
