/** The kernels that all engines share: one function each, the same on every engine. */
export {
  type AdaptiveLifConstants,
  type AdaptiveLifParameters,
  adaptiveLif,
  adaptiveLifNeuron,
} from './adaptive-lif.ts';
export { averagePool } from './average-pool.ts';
export { type BatchNormOptions, type BatchNormResult, batchNorm, batchNormInference } from './batch-norm.ts';
export { type BernoulliAttributes, bernoulli, bernoulliLimit } from './bernoulli.ts';
export { type ConvolutionOptions, convolution } from './convolution.ts';
export { convolvedLif, hasConvolvedLif } from './convolved-lif.ts';
export { softmaxCrossEntropy } from './cross-entropy.ts';
export {
  type CurrentLifConstants,
  type CurrentLifParameters,
  currentLif,
  currentLifNeuron,
} from './current-lif.ts';
export { layerNorm } from './layer-norm.ts';
export {
  type LeakyIntegratorParameters,
  leakyIntegrator,
  leakyIntegratorNeuron,
} from './leaky-integrator.ts';
export { type LifConstants, type LifParameters, lif, lifNeuron } from './lif.ts';
export { linearMap } from './linear.ts';
export { maxPool } from './max-pool.ts';
export type { Learned, NeuronFunction, NeuronParameters, NeuronResult } from './neuron-function.ts';
export type { ChargeConstants, ResetConstants, ThresholdConstants } from './neuron-parts.ts';
export {
  hasNormalisedLif,
  type Normalisation,
  type NormalisedLifOptions,
  type NormalisedLifResult,
  normalisedLif,
  type Pool,
} from './normalised-lif.ts';
export {
  type AdamStep,
  type AdamTensors,
  adamSteps,
  type MomentumStep,
  type MomentumTensors,
  momentumSteps,
  norm,
} from './optimiser-step.ts';
export {
  type RefractoryLifConstants,
  type RefractoryLifParameters,
  refractoryLif,
  refractoryLifNeuron,
} from './refractory-lif.ts';
export { repeatedVariance, repeatSteps } from './repeat-steps.ts';
export { type AverageStep, runningAverages } from './running-average.ts';
export { scaledSum } from './scaled-sum.ts';
export { selfAttention } from './self-attention.ts';
export { spikeProduct, spikeProductWeightGradient } from './spike-product.ts';
export { type Surrogate, type SurrogateKind, surrogateDerivative, surrogateKinds } from './surrogate.ts';
