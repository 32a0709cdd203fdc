import { OptionError } from '../../src/errors.ts';
import { type DirectFeedbackOptions, directFeedback } from '../../src/models/learning/direct-feedback.ts';
import type { LearningRule } from '../../src/models/learning/learning-rule.ts';
import type { LocalDerivative } from '../../src/models/learning/local-derivative.ts';
import {
  type DfaNetConfig,
  leakyDfaNetConfig,
  refractoryDfaNetConfig,
} from '../../src/models/networks/dfa-net.ts';
import { fastSigmoid } from '../../src/models/surrogates.ts';
import { binCounters } from '../../src/operators/bin-frames.ts';
import type { ImageToken } from '../../src/streams/datasets/dataset.ts';
import { openMnist } from '../../src/streams/datasets/mnist.ts';
import { stratifiedSplit } from '../../src/streams/datasets/split.ts';
import type { MnistDfaValues } from '../mnist-dfa.ts';
import { imageSample } from './image-sample.ts';
import { numbersOf } from './list-option.ts';
import { trainerOptions } from './optimiser-options.ts';
import { planOver, type TrainingPlan } from './training-plan.ts';
import { limited } from './training-sets.ts';

const SOURCE = 'https://yann.lecun.com/exdb/mnist';

/** MNIST ▸ split ▸ images ▸ batches ▸ random spikes, drawn as a batch is used ▸ the DFA network. */
export async function mnistDfaPlan(options: MnistDfaValues): Promise<TrainingPlan<ImageToken>> {
  const { data, limit, seed, timesteps, maxRate } = options;
  if (data === undefined) {
    throw new OptionError(`--data: expected the folder of MNIST's idx files (from ${SOURCE}), found none`);
  }
  return planOver(await openMnist(data), ({ size, parts, classNames }) => {
    const training = limited(parts.train ?? [], limit, seed);
    const { train, validation } = stratifiedSplit(training, { validation: options.validation }, seed);
    const encoding = { kind: 'poisson', steps: timesteps, gain: maxRate, offset: 0 } as const;
    const rule = ruleOf(options);
    if (rule !== undefined) checkLoss(options);
    return {
      data,
      sets: { train, validation, test: limited(parts.test ?? [], limit, seed) },
      testEachEpoch: true,
      bestBy: 'accuracy',
      read: async (token) => ({ sample: await imageSample(token), counters: binCounters() }),
      transform: {},
      networks: [
        {
          name: options.rule,
          network: networkOf(options),
          trainer: { ...trainerOptions(options), encoding, ...(rule && { rule }) },
          feed: {
            sensor: size!,
            frame: { ...size!, channels: 1 },
            encoding,
            classNames: [...classNames],
          },
        },
      ],
      ...(options.neuron === 'refractory' && { remarks: [REFRACTORY_REMARK] }),
    };
  });
}

/** What the result says of the reference notebook's network. */
const REFRACTORY_REMARK =
  'the refractory network hardly learns at first: its biases alone drive every neuron far over its threshold, so how ' +
  'often it fires is a matter of bias, threshold and refractory period, whatever the image; the shares of the output ' +
  'spikes are then nearly equal, and so is the softmax; and the surrogate at the drive is nearly zero. Slowly the ' +
  'biases fall; where outputs fire rarely enough for their shares to differ, on all of MNIST after some ten epochs of ' +
  'about 11 %, it learns. The leaky network learns from the first.';

function networkOf(options: MnistDfaValues): DfaNetConfig {
  const { slope, thresholds, biases, rule } = options;
  const common = {
    units: numbersOf(options.hidden),
    slope,
    feedback: rule === 'bptt' ? null : options.gamma,
    ...(thresholds !== undefined && { thresholds: numbersOf(thresholds) }),
    ...(biases !== undefined && { biases: numbersOf(biases) }),
  };
  const { decay, readoutDecay, tau, timestep, refractory, temperature } = options;
  return options.neuron === 'refractory'
    ? refractoryDfaNetConfig({ ...common, tau, timestep, refractory, temperature })
    : leakyDfaNetConfig({ ...common, gains: numbersOf(options.gains), decay, readoutDecay });
}

/** Direct feedback projects the error of the mean output: no other loss has a say. */
function checkLoss({ loss, labelSmoothing, sparsity, activity, rule }: MnistDfaValues): void {
  const given = { loss: loss !== 'mean', 'label-smoothing': labelSmoothing, sparsity, activity };
  const other = Object.entries(given).find(([, used]) => used);
  if (other !== undefined) {
    throw new OptionError(`--${other[0]}: expected with --rule bptt alone, found with ${rule}`);
  }
}

const signals = { dfa: 'error', 'sign-dfa': 'sign', drtp: 'target' } as const satisfies Record<
  string,
  DirectFeedbackOptions['signal']
>;

/** The learning rule; undefined for backpropagation. */
function ruleOf(options: MnistDfaValues): LearningRule | undefined {
  const { rule, error: errorOf, angleEvery } = options;
  if (rule === 'bptt') return undefined;
  return directFeedback({ signal: signals[rule], errorOf, derivative: derivativeOf(options), angleEvery });
}

function derivativeOf({ derivative, slope, tau, refractory }: MnistDfaValues): LocalDerivative {
  switch (derivative) {
    case 'trace':
      return { kind: 'trace' };
    case 'drive':
      return { kind: 'drive', surrogate: fastSigmoid(slope) };
    case 'rate':
      return { kind: 'rate', tau, refractory };
  }
}
