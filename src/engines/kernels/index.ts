/** The kernels that all engines share: one function each, the same on every engine. */
export { averagePool } from './average-pool.ts';
export { type BatchNormOptions, type BatchNormResult, batchNorm, batchNormInference } from './batch-norm.ts';
export { type BernoulliAttributes, bernoulli, bernoulliLimit } from './bernoulli.ts';
export { type ConvolutionOptions, convolution } from './convolution.ts';
export { type LifConstants, type LifParameters, type LifResult, lif } from './lif.ts';
export { maxPool } from './max-pool.ts';
export { hasNormalisedLif, type NormalisedLifResult, normalisedLif, type Pool } from './normalised-lif.ts';
export { type AdamStep, adamStep, type MomentumStep, momentumStep } from './optimiser-step.ts';
export {
  type RefractoryLifConstants,
  type RefractoryLifParameters,
  type RefractoryLifResult,
  refractoryLif,
} from './refractory-lif.ts';
export { repeatedVariance, repeatSteps } from './repeat-steps.ts';
export { spikeProduct, spikeProductWeightGradient } from './spike-product.ts';
export { type Surrogate, type SurrogateKind, surrogateDerivative, surrogateKinds } from './surrogate.ts';
