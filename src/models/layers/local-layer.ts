import * as tf from '@tensorflow/tfjs-core';
import { activityOf } from './activity.ts';
import type { Layer, Parameter } from './layer.ts';
import type { LocalNeurons } from './local-neurons.ts';
import { createSpikeLinear, spikeLinear } from './spike-linear.ts';

/** A fully connected layer of neurons that can learn by itself. */
export interface LocalLayer {
  readonly name: string;
  /** [inputs, units]. */
  readonly weight: Parameter;
  /** [units]. */
  readonly bias: Parameter;
  /** Fixed random weights [classes, units] that bring the error of the output; absent at the output itself. */
  readonly feedback?: Parameter;
  readonly neurons: LocalNeurons;
}

/** The layer as two parts of a network: the weights, and the neurons, which bear its name. */
export function layersOf({ name, weight, bias, neurons }: LocalLayer): Layer[] {
  return [createSpikeLinear(`${name}.weights`, weight, bias), neuronLayer(name, neurons)];
}

function neuronLayer(name: string, neurons: LocalNeurons): Layer {
  return {
    name,
    parameters: [],
    forward: (input, pass) => {
      const [batch, , units] = input.shape as [number, number, number];
      const before = pass.state[name] ?? neurons.initialState(batch, units);
      const steps = neurons.forward(input, before, pass.potentials?.(name) === true);
      return neurons.spiking ? { ...steps, activity: activityOf(steps.output, pass.lengths) } : steps;
    },
  };
}

/** The drive of a layer's neurons, [batch, steps, units], from its input. */
export function driveOf({ weight, bias }: LocalLayer, input: tf.Tensor): tf.Tensor {
  return tf.tidy(() => spikeLinear(input, weight.variable, bias.variable));
}
