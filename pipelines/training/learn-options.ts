import type { FixedLif } from '../../src/models/neurons.ts';
import { choiceOption, type Option } from '../definition.ts';

/** Numbers of the neurons that a network learns. */
export type Learned = 'none' | 'decay' | 'threshold' | 'both';

/** The option that says what of its neurons a network learns. */
export type LearnOptions = { readonly learn: Option<Learned> };

const learned: Readonly<Record<Learned, NonNullable<FixedLif['learn']>>> = {
  none: [],
  decay: ['decay'],
  threshold: ['threshold'],
  both: ['decay', 'threshold'],
};

/** The option of networks of LIF neurons; nothing is learned by default. */
export function learnOptions(): LearnOptions {
  return {
    learn: choiceOption(['none', 'decay', 'threshold', 'both'], {
      help: 'numbers of the neurons that are trained with the weights, one for each layer',
      default: 'none',
    }),
  };
}

/** The neuron, some of whose numbers are trained. */
export function learning(neuron: FixedLif, learn: Learned): FixedLif {
  return learn === 'none' ? neuron : { ...neuron, learn: learned[learn] };
}
