import * as tf from '@tensorflow/tfjs-core';
import { layerNorm, linearMap, selfAttention } from '../../engines/kernels/index.ts';
import { type Layer, type Parameter, statelessLayer } from './layer.ts';
import { createLinear } from './linear.ts';
import { constantValues, createParameter, uniformValues } from './parameter.ts';

/** Sizes of an encoder layer; `heads` divides `width`. */
export interface EncoderOptions {
  readonly width: number;
  readonly heads: number;
  readonly feedForward: number;
}

/**
 * A transformer encoder layer over [batch, tokens, width] (Vaswani et al., "Attention is all you need", 2017):
 * self-attention, then a ReLU network, each added to its input and then normalised. No dropout and no positions, as
 * tokens are few and queries learn which frames they want.
 */
export function createEncoderLayer(
  name: string,
  { width, heads, feedForward }: EncoderOptions,
  seed: number,
): Layer {
  // Xavier uniform for query, key and value together, with zero bias: PyTorch's initial values.
  const shape = [width, 3 * width];
  const bound = Math.sqrt(6 / (4 * width));
  const projection = `${name}.projection`;
  const weight = createParameter(
    `${projection}.weight`,
    shape,
    uniformValues(shape, bound, seed, `${projection}.weight`),
  );
  const bias = createParameter(`${projection}.bias`, [3 * width], constantValues([3 * width], 0));
  const output = createLinear(`${name}.output`, { inputs: width, outputs: width }, seed);
  const expand = createLinear(`${name}.expand`, { inputs: width, outputs: feedForward }, seed);
  const shrink = createLinear(`${name}.shrink`, { inputs: feedForward, outputs: width }, seed);
  const attended = createNormalisation(`${name}.norm1`, width);
  const fed = createNormalisation(`${name}.norm2`, width);
  const parameters = [weight, bias, output, expand, shrink, attended, fed].flatMap((part) =>
    'variable' in part ? [part] : part.parameters,
  );

  return statelessLayer(name, parameters, (tokens, pass) => {
    const apply = (layer: Layer, value: tf.Tensor): tf.Tensor => layer.forward(value, pass).output;
    const mixed = selfAttention(linearMap(tokens, weight.variable, bias.variable), heads);
    const normal = apply(attended, tf.add(tokens, apply(output, mixed)));
    const [expandWeight, expandBias] = expand.parameters as [Parameter, Parameter];
    const hidden = linearMap(normal, expandWeight.variable, expandBias.variable, { rectify: true });
    return apply(fed, tf.add(normal, apply(shrink, hidden)));
  });
}

/** Layer normalisation over the last axis. */
function createNormalisation(name: string, width: number): Layer {
  const scale: Parameter = createParameter(`${name}.scale`, [width], constantValues([width], 1));
  const shift: Parameter = createParameter(`${name}.shift`, [width], constantValues([width], 0));
  return statelessLayer(name, [scale, shift], (input) => layerNorm(input, scale.variable, shift.variable));
}
