/** Updates of parameters by the optimisers of PyTorch, all of them in one kernel and one pass over memory. */
import { addN, type Scalar, sqrt, square, sum, type Tensor } from '@tensorflow/tfjs-core';
import { defineElementwise, type Elementwise } from './elementwise.ts';
import { defineKernel, type Kernel } from './kernel.ts';

/** Constants of an Adam update. */
export interface AdamStep {
  /** Factor of the gradient, as clipping sets it. */
  readonly scale: number;
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Added to the gradient, times the parameter (Adam). */
  readonly coupledDecay: number;
  /** Taken from the parameter, times it and the learning rate (AdamW). */
  readonly decoupledDecay: number;
  /** Number of this update, from 1. */
  readonly step: number;
}

/** A parameter, its gradient and its moments. */
export type AdamTensors = Readonly<Record<'parameter' | 'gradient' | 'mean' | 'square', Tensor>>;

/** Parameters and their moments after an update; Kingma and Ba 2015, Loshchilov and Hutter 2019. */
export function adamSteps(
  updates: readonly { readonly tensors: AdamTensors; readonly numbers: AdamStep }[],
): { parameter: Tensor; mean: Tensor; square: Tensor }[] {
  const uses = updates.map(({ tensors, numbers }) => ({ inputs: tensors, numbers: adamNumbers(numbers) }));
  return adam.runAll(uses).map(([parameter, mean, square]) => ({
    parameter: parameter!,
    mean: mean!,
    square: square!,
  }));
}

function adamNumbers({
  scale,
  learningRate,
  beta1,
  beta2,
  epsilon,
  coupledDecay,
  decoupledDecay,
  step,
}: AdamStep): Record<AdamNumber, number> {
  return {
    ...{ scale, beta1, beta2, epsilon, coupledDecay },
    fresh1: 1 - beta1,
    fresh2: 1 - beta2,
    rootCorrection: 1 / Math.sqrt(1 - beta2 ** step),
    rate: learningRate / (1 - beta1 ** step),
    kept: 1 - learningRate * decoupledDecay,
  };
}

/** Numbers of the Adam kernel; `fresh` are 1 - beta, in double precision, since 1 - 0.999f is 5e-5 off. */
export type AdamNumber =
  | 'scale'
  | 'beta1'
  | 'beta2'
  | 'epsilon'
  | 'coupledDecay'
  | 'fresh1'
  | 'fresh2'
  | 'rootCorrection'
  | 'rate'
  | 'kept';

const adam: Elementwise<'parameter' | 'gradient' | 'mean' | 'square', AdamNumber> = defineElementwise({
  name: 'AdamStep',
  inputs: ['parameter', 'gradient', 'mean', 'square'],
  outputs: 3,
  numbers: [
    ...(['scale', 'beta1', 'beta2', 'epsilon', 'coupledDecay'] as const),
    ...(['fresh1', 'fresh2', 'rootCorrection', 'rate', 'kept'] as const),
  ],
  formula: (m, { parameter, gradient, mean, square }, numbers) => {
    const { add, sub, mul } = m;
    const direction = add(mul(gradient, numbers.scale), mul(parameter, numbers.coupledDecay));
    const newMean = add(mul(mean, numbers.beta1), mul(direction, numbers.fresh1));
    const newSquare = add(mul(square, numbers.beta2), mul(mul(direction, direction), numbers.fresh2));
    const denominator = add(mul(m.sqrt(newSquare), numbers.rootCorrection), numbers.epsilon);
    const change = mul(m.div(newMean, denominator), numbers.rate);
    return [sub(mul(parameter, numbers.kept), change), newMean, newSquare];
  },
});

/** Constants of an update with momentum. */
export interface MomentumStep {
  /** Factor of the gradient, as clipping sets it. */
  readonly scale: number;
  readonly learningRate: number;
  readonly momentum: number;
  /** Added to the gradient, times the parameter. */
  readonly weightDecay: number;
}

/** A parameter, its gradient and its velocity. */
export type MomentumTensors = Readonly<Record<'parameter' | 'gradient' | 'velocity', Tensor>>;

/** Parameters and their velocities after an update of stochastic gradient descent with momentum. */
export function momentumSteps(
  updates: readonly { readonly tensors: MomentumTensors; readonly numbers: MomentumStep }[],
): { parameter: Tensor; velocity: Tensor }[] {
  const uses = updates.map(({ tensors, numbers }) => ({ inputs: tensors, numbers: { ...numbers } }));
  return momentum.runAll(uses).map(([parameter, velocity]) => ({
    parameter: parameter!,
    velocity: velocity!,
  }));
}

const momentum: Elementwise<'parameter' | 'gradient' | 'velocity', keyof MomentumStep> = defineElementwise({
  name: 'MomentumStep',
  inputs: ['parameter', 'gradient', 'velocity'],
  outputs: 2,
  numbers: ['scale', 'learningRate', 'momentum', 'weightDecay'],
  formula: ({ add, sub, mul }, { parameter, gradient, velocity }, numbers) => {
    const direction = add(mul(gradient, numbers.scale), mul(parameter, numbers.weightDecay));
    const newVelocity = add(mul(velocity, numbers.momentum), direction);
    return [sub(parameter, mul(newVelocity, numbers.learningRate)), newVelocity];
  },
});

/** Euclidean norm of all tensors together. */
export function norm(tensors: readonly Tensor[]): Scalar {
  const inputs = Object.fromEntries(tensors.map((tensor, index) => [index, tensor]));
  return normKernel.run(inputs, { count: tensors.length })[0] as Scalar;
}

export const normKernel: Kernel<string, { readonly count: number }> = defineKernel<string, { count: number }>(
  {
    name: 'Norm',
    reference: (inputs, { count }) => {
      const squares = Array.from({ length: count }, (_, index) => sum(square(inputs[index]!)));
      return [sqrt(addN(squares))];
    },
  },
);
