import { choiceOption, integerOption, numberOption, type Option } from '../definition.ts';
import { listOption } from './list-option.ts';

/** The options of a network that direct feedback trains, and of the rule. */
export type DfaOptions = {
  readonly rule: Option<'dfa' | 'sign-dfa' | 'drtp' | 'bptt'>;
  readonly error: Option<'sample' | 'step'>;
  readonly derivative: Option<'trace' | 'drive' | 'rate'>;
  readonly gamma: Option<number>;
  readonly angleEvery: Option<number>;
  readonly neuron: Option<'leaky' | 'refractory'>;
  readonly hidden: Option<string>;
  readonly thresholds: Option<string | undefined>;
  readonly biases: Option<string | undefined>;
  readonly gains: Option<string>;
  readonly decay: Option<number>;
  readonly readoutDecay: Option<number>;
  readonly tau: Option<number>;
  readonly timestep: Option<number>;
  readonly refractory: Option<number>;
  readonly temperature: Option<number>;
  readonly slope: Option<number>;
  readonly timesteps: Option<number>;
  readonly maxRate: Option<number>;
};

/** Options with the defaults of a network that learns. */
export function dfaOptions(): DfaOptions {
  return {
    rule: choiceOption(['dfa', 'sign-dfa', 'drtp', 'bptt'], {
      help:
        'what hidden layers learn from: the error through fixed random weights, its sign, the targets alone, or ' +
        'backpropagation through time',
      default: 'dfa',
    }),
    error: choiceOption(['sample', 'step'], {
      help: 'error of the logits over all steps, or of the output at each',
      default: 'sample',
    }),
    derivative: choiceOption(['trace', 'drive', 'rate'], {
      help:
        'what stands for the derivative of a spike: the surrogate at the potential with a presynaptic trace, the ' +
        "surrogate at the drive, or the exact derivative of the neuron's rate by the drive",
      default: 'trace',
    }),
    gamma: numberOption({
      help: 'deviation of the feedback weights',
      placeholder: 'X',
      default: 0.0338,
      above: 0,
    }),
    angleEvery: integerOption({
      help: 'measure the angle to the true gradient every so many batches; 0 never',
      default: 100,
      min: 0,
    }),
    neuron: choiceOption(['leaky', 'refractory'], {
      help:
        'leaky neurons with scaled initial weights and a readout that does not spike, or neurons with a refractory ' +
        'period, Xavier weights and an output that spikes',
      default: 'leaky',
    }),
    hidden: listOption({ help: 'neurons of the hidden layers', default: '1000,250,100', whole: true }),
    thresholds: listOption({ help: 'thresholds of the layers; 1, or 0.05,0.02,0.01,0.15 if refractory' }),
    biases: listOption({ help: 'initial biases of the layers; 0, or 0.5,0.5,0.5,1 if refractory' }),
    gains: listOption({
      help: 'initial deviation of the weights of leaky layers, in units of threshold / sqrt(inputs)',
      default: '1.3,1.75,1.75',
    }),
    decay: share('share of the potential that a step leaves, of leaky neurons', 0.9),
    readoutDecay: share('the same of the readout', 0.9),
    tau: time('membrane time constant of refractory neurons', 20),
    timestep: time('length of a timestep for refractory neurons', 0.25),
    refractory: time('refractory period', 1),
    temperature: numberOption({
      help: "divides each output's share of the spikes, of an output that spikes",
      placeholder: 'X',
      default: 0.5,
      above: 0,
    }),
    slope: numberOption({ help: 'slope of the surrogate', placeholder: 'X', default: 10, above: 0 }),
    timesteps: integerOption({ help: 'timesteps that an image is shown for', default: 25, min: 1 }),
    maxRate: numberOption({
      help: 'probability of a spike in a timestep where the image is white',
      placeholder: 'X',
      default: 0.8,
      above: 0,
      max: 1,
    }),
  };
}

function share(help: string, value: number): Option<number> {
  return numberOption({ help, placeholder: 'X', default: value, min: 0, max: 0.9999 });
}

function time(help: string, value: number): Option<number> {
  return numberOption({ help, placeholder: 'X', unit: 'ms', default: value, above: 0 });
}
