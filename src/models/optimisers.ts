/**
 * Optimisers as PyTorch defines them. An optimiser is its options and its slots (moments, momentum), one a
 * parameter, which are saved and restored bit for bit.
 */

import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { adamStep, momentumStep } from '../engines/kernels/index.ts';
import { ShapeError } from '../errors.ts';
import type { Parameter } from './layers/layer.ts';
import type { TensorData } from './safetensors.ts';

/** An optimiser and its constants; the learning rate is the initial one, before any schedule. */
export type OptimiserConfig =
  | { kind: 'sgd'; learningRate: number; momentum?: number; weightDecay?: number }
  /** Weight decay is added to the gradient. */
  | {
      kind: 'adam';
      learningRate: number;
      beta1?: number;
      beta2?: number;
      epsilon?: number;
      weightDecay?: number;
    }
  /** Weight decay shrinks the weights and does not touch the moments. */
  | {
      kind: 'adamw';
      learningRate: number;
      beta1?: number;
      beta2?: number;
      epsilon?: number;
      weightDecay?: number;
    };

const share = v.exactOptional(v.pipe(v.number(), v.minValue(0), v.ltValue(1)));
const amount = v.pipe(v.number(), v.finite(), v.minValue(0));
const adam = {
  learningRate: amount,
  beta1: share,
  beta2: share,
  epsilon: v.exactOptional(amount),
  weightDecay: v.exactOptional(amount),
};

/** The schema of an optimiser in a configuration. */
export const optimiserSchema: v.GenericSchema<unknown, OptimiserConfig> = v.variant('kind', [
  v.strictObject({
    kind: v.literal('sgd'),
    learningRate: amount,
    momentum: share,
    weightDecay: v.exactOptional(amount),
  }),
  v.strictObject({ kind: v.literal('adam'), ...adam }),
  v.strictObject({ kind: v.literal('adamw'), ...adam }),
]);

/** What an optimiser remembers, outside any engine. */
export interface OptimiserState {
  /** Updates made. */
  readonly step: number;
  /** By `slot/parameter name`. */
  readonly slots: ReadonlyMap<string, TensorData>;
}

/** Changes parameters along their gradients. */
export interface Optimiser {
  /**
   * One update of every parameter that has a gradient.
   * @param gradients by parameter name
   * @param scale factor for all gradients, 1 unless clipped
   */
  update(gradients: ReadonlyMap<string, tf.Tensor>, learningRate: number, scale?: number): void;
  save(): Promise<OptimiserState>;
  restore(state: OptimiserState): void;
  dispose(): void;
}

/** An optimiser of the trainable among `parameters`, its slots zero. */
export function createOptimiser(config: OptimiserConfig, parameters: readonly Parameter[]): Optimiser {
  const slotNames = config.kind === 'sgd' ? (config.momentum ? ['momentum'] : []) : ['mean', 'square'];
  const trainable = parameters.filter((parameter) => parameter.trainable);
  const slots = new Map<string, tf.Variable>();
  for (const slot of slotNames) {
    for (const { name, variable } of trainable) {
      slots.set(
        `${slot}/${name}`,
        tf.tidy(() => tf.variable(tf.zeros(variable.shape), false)),
      );
    }
  }
  let step = 0;

  return {
    update: (gradients, learningRate, scale = 1) => {
      step++;
      for (const parameter of trainable) {
        const gradient = gradients.get(parameter.name);
        if (gradient === undefined) continue;
        const own = slotNames.map((slot) => slots.get(`${slot}/${parameter.name}`)!);
        tf.tidy(() => {
          if (config.kind === 'sgd') updateSgd(config, parameter, gradient, scale, own, learningRate);
          else updateAdam(config, parameter, gradient, scale, own, learningRate, step);
        });
      }
    },
    save: async () => {
      const saved = new Map<string, TensorData>();
      for (const [name, variable] of slots) {
        saved.set(name, { shape: variable.shape, values: Float32Array.from(await variable.data()) });
      }
      return { step, slots: saved };
    },
    restore: (state) => {
      for (const [name, variable] of slots) {
        const saved = state.slots.get(name);
        if (saved?.shape.join() !== variable.shape.join()) {
          throw new ShapeError(
            `optimiser slot "${name}": expected shape [${variable.shape}], found ${saved ? `[${saved.shape}]` : 'none'}`,
          );
        }
        tf.tidy(() => variable.assign(tf.tensor(saved.values, variable.shape)));
      }
      step = state.step;
    },
    dispose: () => tf.dispose([...slots.values()]),
  };
}

type SgdConfig = Extract<OptimiserConfig, { kind: 'sgd' }>;
type AdamConfig = Exclude<OptimiserConfig, SgdConfig>;

function updateSgd(
  { weightDecay = 0, momentum = 0 }: SgdConfig,
  { variable, decay }: Parameter,
  gradient: tf.Tensor,
  scale: number,
  [velocity]: readonly tf.Variable[],
  learningRate: number,
): void {
  const numbers = { scale, learningRate, momentum, weightDecay: decay ? weightDecay : 0 };
  // PyTorch's first velocity is the gradient itself; ours starts at zero, which is the same. Without momentum there
  // is no slot: whatever stands for the velocity counts nothing.
  const updated = momentumStep({ parameter: variable, gradient, velocity: velocity ?? gradient }, numbers);
  variable.assign(updated.parameter);
  velocity?.assign(updated.velocity);
}

function updateAdam(
  { kind, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 }: AdamConfig,
  { variable, decay }: Parameter,
  gradient: tf.Tensor,
  scale: number,
  [mean, square]: readonly tf.Variable[],
  learningRate: number,
  step: number,
): void {
  const decayRate = decay ? weightDecay : 0;
  const updated = adamStep(
    { parameter: variable, gradient, mean: mean!, square: square! },
    {
      ...{ scale, learningRate, beta1, beta2, epsilon, step },
      coupledDecay: kind === 'adam' ? decayRate : 0,
      decoupledDecay: kind === 'adamw' ? decayRate : 0,
    },
  );
  variable.assign(updated.parameter);
  mean!.assign(updated.mean);
  square!.assign(updated.square);
}

/** Euclidean norm of all gradients together. */
export function globalNorm(gradients: Iterable<tf.Tensor>): tf.Scalar {
  return tf.tidy(() => tf.sqrt(tf.addN([...gradients].map((gradient) => tf.sum(tf.square(gradient))))));
}

/** Factor that brings gradients of this norm down to `limit`, as PyTorch's clip_grad_norm_; at most 1. */
export function clipScale(norm: number, limit: number): number {
  return Math.min(1, limit / (norm + 1e-6));
}
