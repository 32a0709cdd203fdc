import * as tf from '@tensorflow/tfjs-core';
import { spikeProduct } from '../../engines/kernels/index.ts';
import { type Layer, type Parameter, statelessLayer } from './layer.ts';

/** A linear map of spikes: weight [inputs, outputs] and bias [outputs]; fast where few inputs are active. */
export function createSpikeLinear(name: string, weight: Parameter, bias: Parameter): Layer {
  return statelessLayer(name, [weight, bias], (input) => spikeLinear(input, weight.variable, bias.variable), {
    weight: () => weight.variable,
    apply: (input, map) => spikeLinear(input, map, tf.zeros([map.shape[1]!])),
  });
}

/** spikes [..., inputs] times weight [inputs, outputs], plus bias [outputs]. */
export function spikeLinear(input: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const [inputs, outputs] = weight.shape as [number, number];
  const product = spikeProduct(tf.reshape(input, [-1, inputs]), weight, bias);
  return tf.reshape(product, [...input.shape.slice(0, -1), outputs]);
}
