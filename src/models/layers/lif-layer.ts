import * as v from 'valibot';
import { lif, type Surrogate, surrogateKinds } from '../../engines/kernels/index.ts';
import type { FixedLif } from '../neurons.ts';
import type { Layer } from './layer.ts';
import { createNeuronLayer } from './neuron-layer.ts';

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
  learn: v.exactOptional(v.array(v.picklist(['decay', 'threshold']))),
});

/** LIF neurons, one for every feature; their potentials are the layer's state, their spikes its activity. */
export function createLifLayer(name: string, { learn = [], ...neuron }: FixedLif): Layer {
  const layer = createNeuronLayer(name, lif, neuron, { learn });
  const { parameters, forward } = layer;
  return {
    name,
    parameters,
    forward,
    get neuron() {
      return layer.neuronParameters;
    },
  };
}
