import { type LossKind, type LossOptions, lossKinds } from '../../src/models/losses.ts';
import { choiceOption, numberOption, type Option, type OptionValues } from '../definition.ts';

/** The options that say what a backpropagation training makes small. */
export type LossOptionGroup = {
  readonly loss: Option<LossKind>;
  readonly labelSmoothing: Option<number>;
  readonly tetShare: Option<number>;
  readonly sparsity: Option<number>;
  readonly activity: Option<number>;
  readonly leastRate: Option<number>;
  readonly mostRate: Option<number>;
};

/** The loss: cross-entropy of the mean output alone by default, as in the reference notebooks, its target smoothed or not. */
export function lossOptions({
  labelSmoothing = 0,
}: {
  readonly labelSmoothing?: number;
} = {}): LossOptionGroup {
  return {
    loss: choiceOption(lossKinds, {
      help:
        'cross-entropy of the mean output, of its sum (count), of each step (rate; tet adds a mean square), or the ' +
        'mean square of counts',
      default: 'mean',
    }),
    labelSmoothing: numberOption({
      help: 'share of the target that is spread over all classes',
      placeholder: 'X',
      default: labelSmoothing,
      min: 0,
      max: 0.99,
    }),
    tetShare: numberOption({
      help: 'share of the mean square of outputs less 1, with --loss tet',
      placeholder: 'X',
      default: 0.05,
      min: 0,
      max: 1,
    }),
    sparsity: numberOption({
      help: 'weight of the mean spike rate in the loss, for fewer spikes',
      placeholder: 'X',
      default: 0,
      min: 0,
    }),
    activity: numberOption({
      help: "weight of the squares by which layers' spike rates leave --least-rate to --most-rate",
      placeholder: 'X',
      default: 0,
      min: 0,
    }),
    leastRate: numberOption({
      help: 'spikes a step below which --activity counts',
      placeholder: 'X',
      default: 0.01,
      min: 0,
      max: 1,
    }),
    mostRate: numberOption({
      help: 'spikes a step above which --activity counts',
      placeholder: 'X',
      default: 0.5,
      min: 0,
      max: 1,
    }),
  };
}

/** What the options say to a trainer. */
export function lossOf(options: OptionValues<LossOptionGroup>): LossOptions {
  const { loss: kind, labelSmoothing, tetShare, sparsity, activity, leastRate, mostRate } = options;
  return {
    ...(kind !== 'mean' && { kind }),
    ...(kind === 'tet' && { tetShare }),
    ...(labelSmoothing > 0 && { labelSmoothing }),
    ...(sparsity > 0 && { sparsityWeight: sparsity }),
    ...(activity > 0 && { activityWeight: activity, leastRate, mostRate }),
  };
}
