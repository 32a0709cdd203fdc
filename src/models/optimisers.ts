/**
 * Optimisers as PyTorch defines them. An optimiser is its options and its slots (moments, momentum), one a
 * parameter, which are saved and restored bit for bit.
 */

import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { adamSteps, momentumSteps, norm } from '../engines/kernels/index.ts';
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
      const moving = trainable.flatMap((parameter): Moving[] => {
        const gradient = gradients.get(parameter.name);
        if (gradient === undefined) return [];
        const own = slotNames.map((slot) => slots.get(`${slot}/${parameter.name}`)!);
        return [{ parameter, gradient, slots: own }];
      });
      const shared = { scale, learningRate, step };
      tf.tidy(() =>
        config.kind === 'sgd' ? updateSgd(config, moving, shared) : updateAdam(config, moving, shared),
      );
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

/** A parameter that has a gradient. */
interface Moving {
  readonly parameter: Parameter;
  readonly gradient: tf.Tensor;
  readonly slots: readonly tf.Variable[];
}

/** What an update's parameters have in common. */
interface Shared {
  readonly scale: number;
  readonly learningRate: number;
  readonly step: number;
}

function updateSgd(
  { weightDecay = 0, momentum = 0 }: SgdConfig,
  moving: readonly Moving[],
  { scale, learningRate }: Shared,
): void {
  const updates = moving.map(({ parameter: { variable, decay }, gradient, slots: [velocity] }) => ({
    // PyTorch's first velocity is the gradient itself; ours starts at zero, which is the same. Without momentum there
    // is no slot: whatever stands for the velocity counts nothing.
    tensors: { parameter: variable, gradient, velocity: velocity ?? gradient },
    numbers: { scale, learningRate, momentum, weightDecay: decay ? weightDecay : 0 },
  }));
  for (const [index, updated] of momentumSteps(updates).entries()) {
    const { parameter, slots } = moving[index]!;
    parameter.variable.assign(updated.parameter);
    slots[0]?.assign(updated.velocity);
  }
}

function updateAdam(
  { kind, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 }: AdamConfig,
  moving: readonly Moving[],
  shared: Shared,
): void {
  const updates = moving.map(({ parameter: { variable, decay }, gradient, slots: [mean, square] }) => {
    const decayRate = decay ? weightDecay : 0;
    return {
      tensors: { parameter: variable, gradient, mean: mean!, square: square! },
      numbers: {
        ...shared,
        ...{ beta1, beta2, epsilon },
        coupledDecay: kind === 'adam' ? decayRate : 0,
        decoupledDecay: kind === 'adamw' ? decayRate : 0,
      },
    };
  });
  for (const [index, updated] of adamSteps(updates).entries()) {
    const { parameter, slots } = moving[index]!;
    parameter.variable.assign(updated.parameter);
    slots[0]!.assign(updated.mean);
    slots[1]!.assign(updated.square);
  }
}

/** Euclidean norm of all gradients together. */
export function globalNorm(gradients: Iterable<tf.Tensor>): tf.Scalar {
  return norm([...gradients]);
}

/** Factor that brings gradients of this norm down to `limit`, as PyTorch's clip_grad_norm_; at most 1. */
export function clipScale(norm: number, limit: number): number {
  return Math.min(1, limit / (norm + 1e-6));
}
