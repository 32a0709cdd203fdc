import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { lif, type Surrogate, surrogateKinds } from '../../engines/kernels/index.ts';
import type { FixedLif } from '../neurons.ts';
import type { Layer, LayerActivity } from './layer.ts';
import { sizeOf } from './parameter.ts';
import { realSteps, stepMask } from './step-mask.ts';

const finite = v.pipe(v.number(), v.finite());

/** The schema of a surrogate in a configuration. */
export const surrogateSchema: v.GenericSchema<unknown, Surrogate> = v.strictObject({
  kind: v.picklist(surrogateKinds),
  amplitude: finite,
  slope: finite,
  shape: v.exactOptional(finite),
});

/** The schema of a LIF neuron in a configuration. */
export const lifSchema: v.GenericSchema<unknown, FixedLif> = v.strictObject({
  decay: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  gain: v.exactOptional(finite),
  inputDecayed: v.boolean(),
  threshold: finite,
  inclusive: v.boolean(),
  reset: v.picklist(['subtract', 'zero', 'none']),
  resetPotential: finite,
  rest: finite,
  resetTiming: v.picklist(['before', 'after', 'both']),
  detachReset: v.boolean(),
  surrogate: surrogateSchema,
});

/** LIF neurons, one for every feature; their potentials are the layer's state, their spikes its activity. */
export function createLifLayer(name: string, neuron: FixedLif): Layer {
  return {
    name,
    parameters: [],
    neuron,
    forward: (input, pass) => {
      const before = pass.state[name];
      const { spikes, ...rest } =
        pass.potentials?.(name) === true
          ? lif(input, neuron, before, { potentials: true })
          : lif(input, neuron, before);
      return { output: spikes, ...rest, activity: activityOf(spikes, pass.lengths) };
    },
  };
}

/** Mean of a layer's outputs over real steps. */
export function activityOf(outputs: tf.Tensor, lengths: ArrayLike<number> | undefined): LayerActivity {
  const [batch, steps, ...features] = outputs.shape as [number, number, ...number[]];
  const size = sizeOf(features);
  // By step first: float32 counts spikes exactly up to 2^24, which a step of a sample stays below.
  const bySteps = tf.sum(tf.reshape(outputs, [batch, steps, size]), 2);
  return activityOfCounts(bySteps, size, lengths);
}

/** Mean over real steps from the sums [batch, steps] of `size` outputs each. */
export function activityOfCounts(
  bySteps: tf.Tensor,
  size: number,
  lengths: ArrayLike<number> | undefined,
): LayerActivity {
  const [batch, steps] = bySteps.shape as [number, number];
  const elements = realSteps(lengths, batch, steps) * size;
  const mask = stepMask(lengths, batch, steps);
  const total = tf.sum(mask === undefined ? bySteps : tf.mul(bySteps, mask));
  return { rate: tf.div(total, Math.max(elements, 1)), elements };
}
