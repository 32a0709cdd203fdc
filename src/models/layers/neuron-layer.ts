import type { Learned, NeuronFunction, NeuronParameters } from '../../engines/kernels/index.ts';
import { parametricDecay, parametricNumber } from '../neurons.ts';
import { activityOf } from './activity.ts';
import type { Layer, Parameter } from './layer.ts';
import { constantValues, createParameter } from './parameter.ts';

/** What of a layer of neurons is trained. */
export interface LearnOptions<P extends string> {
  /** Learned numbers that are trained; the others stay what they are. Default none. */
  readonly learn?: readonly P[];
  /** Channels of the layer, to train a number for each; absent: one number for all. */
  readonly channels?: number;
}

/**
 * A layer of neurons, one for every feature; their variables are its state, their spikes its activity. A decay that is
 * trained is kept as w with decay = 1 - sigmoid(w), so that it stays between 0 and 1 (Fang et al., "Incorporating
 * learnable membrane time constant", 2021).
 */
export function createNeuronLayer<C, P extends string>(
  name: string,
  run: NeuronFunction<C, P>,
  fixed: C & Readonly<Record<P, number>>,
  { learn = [], channels }: LearnOptions<P> = {},
): Layer & { readonly neuronParameters: NeuronParameters<C, P> } {
  const trained = learn.map((number) => ({
    number,
    parameter: trainedNumber(name, number, fixed[number], channels),
  }));
  const current = (): NeuronParameters<C, P> => {
    const values = trained.map(({ number, parameter }): [P, Learned] => [
      number,
      isDecay(number) ? parametricDecay(parameter.variable) : parameter.variable,
    ]);
    return { ...fixed, ...(Object.fromEntries(values) as Partial<Record<P, Learned>>) };
  };
  const { silent } = run.neuron;
  return {
    name,
    parameters: trained.map(({ parameter }) => parameter),
    get neuronParameters() {
      return current();
    },
    forward: (input, pass) => {
      const before = pass.state[name];
      const { spikes, ...rest } =
        pass.potentials?.(name) === true
          ? run(input, current(), before, { potentials: true })
          : run(input, current(), before);
      return { output: spikes, ...rest, ...(!silent && { activity: activityOf(spikes, pass.lengths) }) };
    },
  };
}

function isDecay(number: string): boolean {
  return number.toLowerCase().endsWith('decay');
}

/** Never decayed: 0 is no better than other values of a threshold or a time constant. */
function trainedNumber(name: string, number: string, value: number, channels: number | undefined): Parameter {
  const shape = channels === undefined ? [] : [channels];
  const first = isDecay(number) ? parametricNumber(value) : value;
  return { ...createParameter(`${name}.${number}`, shape, constantValues(shape, first)), decay: false };
}
