/**
 * Direct feedback alignment (Nokland 2016): each hidden layer gets the error of the output through fixed random weights
 * instead of the transposed weights above it, and learns by itself. For a layer with presynaptic spikes s, potential u
 * and surrogate h,
 *
 *   dW = sum over steps of trace(s)_t x h(u_t) (e_t B),    trace(s)_t = decay trace(s)_(t-1) + gain s_t
 *
 * (snn definitions 3.5). No graph is kept, and a sequence is read in blocks of time, so memory does not grow with its
 * length. Where the error is that of the whole sequence, a sequence of several blocks is read twice.
 */
import { OptionError } from '../../errors.ts';
import type { LocalLayer } from '../layers/local-layer.ts';
import type { Network } from '../network.ts';
import { gradientAngles } from './gradient-angles.ts';
import type { LearningRule } from './learning-rule.ts';
import type { LocalDerivative } from './local-derivative.ts';
import { LocalLearning } from './local-learning.ts';

/** What reaches the hidden layers: the error; its sign (sDFA); or the targets alone, without any error (DRTP). */
export type FeedbackSignal = 'error' | 'sign' | 'target';

/** A variant of direct feedback. */
export interface DirectFeedbackOptions {
  /** Default `error`. */
  readonly signal?: FeedbackSignal;
  /** Whether the error is that of the logits over the whole sample (default), or of each step's output. */
  readonly errorOf?: 'sample' | 'step';
  /** What stands for the derivative of a layer. Default `trace`. */
  readonly derivative?: LocalDerivative;
  /** Steps of a block. Default 32. */
  readonly blockSteps?: number;
  /** Measure the angles to the true gradient in every so many batches of an epoch. Default 0, never. */
  readonly angleEvery?: number;
}

/** A network whose layers learn by themselves. */
export interface LocalNetwork extends Network {
  readonly localLayers: readonly LocalLayer[];
}

/** The rule of a variant, for networks of local layers. */
export function directFeedback(options: DirectFeedbackOptions = {}): LearningRule {
  const { angleEvery = 0 } = options;
  return (call) => {
    const learned = new LocalLearning(localNetwork(call.network), call, options).run();
    if (angleEvery === 0 || call.batch % angleEvery !== 0) return learned;
    const angles = Object.entries(gradientAngles(call, learned.gradients));
    const quantities = Object.fromEntries(angles.map(([name, angle]) => [angleName(name), angle]));
    return { ...learned, quantities };
  };
}

/** What the angle between a parameter's gradient and the true one, in degrees, is called among the quantities. */
export function angleName(parameter: string): string {
  return `angle (${parameter})`;
}

function localNetwork(network: Network): LocalNetwork {
  if ('localLayers' in network) return network as LocalNetwork;
  throw new OptionError(`direct feedback: expected a network of local layers, found ${network.name}`);
}
