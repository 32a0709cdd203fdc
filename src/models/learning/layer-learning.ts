/** What one layer learns from a batch, summed over blocks of time. */
import * as tf from '@tensorflow/tfjs-core';
import { spikeProductWeightGradient } from '../../engines/kernels/index.ts';
import { activityOf } from '../layers/activity.ts';
import type { LocalLayer } from '../layers/local-layer.ts';
import { type LocalDerivative, localDrive } from './local-derivative.ts';

/** What a layer saw and did in a block of time. */
export interface LayerBlock {
  /** [batch, steps, inputs]. */
  readonly input: tf.Tensor;
  /** [batch, steps, units]. */
  readonly drive: tf.Tensor;
  /** Before the block. */
  readonly state: tf.Tensor;
  readonly output: tf.Tensor;
}

/** Gradients and spike rate of a layer, block after block. */
export class LayerLearning {
  readonly layer: LocalLayer;
  readonly #derivative: LocalDerivative;
  #weight: tf.Tensor | undefined;
  #bias: tf.Tensor | undefined;
  /** Trace of the inputs before the present block, [batch, inputs], and of a constant input of 1. */
  #trace: tf.Tensor | undefined;
  #biasTrace = 0;
  #spikes: tf.Tensor | undefined;
  #elements = 0;

  constructor(layer: LocalLayer, derivative: LocalDerivative) {
    this.layer = layer;
    this.#derivative = derivative;
  }

  /** Adds the spikes of a block. @param lengths real steps of each sample in the block */
  count({ output }: LayerBlock, lengths: Int32Array): void {
    if (!this.layer.neurons.spiking) return;
    const { rate, elements } = tf.tidy(() => ({ ...activityOf(output, lengths) }));
    this.#spikes = added(this.#spikes, tf.mul(rate, elements));
    this.#elements += elements;
    rate.dispose();
  }

  /**
   * Adds the gradients of a block.
   * @param outputGradient [batch, steps, units]
   * @param last whether no block follows
   */
  add(block: LayerBlock, outputGradient: tf.Tensor, last: boolean): void {
    const { input } = block;
    const inputs = input.shape[2]!;
    const { weight, bias } = tf.tidy(() => {
      const { drive, potential } = this.#back(block, outputGradient);
      const rows = tf.reshape(drive, [-1, drive.shape[2]!]);
      const fresh: tf.Tensor = spikeProductWeightGradient(tf.reshape(input, [-1, inputs]), rows);
      const offset = tf.sum(rows, 0);
      if (potential === undefined || this.#trace === undefined) return { weight: fresh, bias: offset };
      return {
        weight: tf.add(fresh, spikeProductWeightGradient(this.#trace, potential)),
        bias: tf.add(offset, tf.mul(tf.sum(potential, 0), this.#biasTrace)),
      };
    });
    this.#weight = added(this.#weight, weight);
    this.#bias = added(this.#bias, bias);
    if (!last && this.#derivative.kind === 'trace') this.#follow(input);
  }

  /** Gradients by parameter, and the mean of the outputs where they are spikes; ends the sums. */
  result(): { gradients: [string, tf.Tensor][]; rate: tf.Scalar | undefined; elements: number } {
    const { weight, bias } = this.layer;
    const rate = this.#spikes && (tf.div(this.#spikes, Math.max(1, this.#elements)) as tf.Scalar);
    tf.dispose([this.#trace, this.#spikes].filter((tensor) => tensor !== undefined));
    return {
      gradients: [
        [weight.name, this.#weight!],
        [bias.name, this.#bias!],
      ],
      rate,
      elements: this.#elements,
    };
  }

  /** The gradient of the drive, and that of the potential before the block where traces meet it. */
  #back(
    { drive, state }: LayerBlock,
    outputGradient: tf.Tensor,
  ): { readonly drive: tf.Tensor; readonly potential?: tf.Tensor } {
    const { neurons } = this.layer;
    const derivative = this.#derivative;
    if (derivative.kind !== 'trace') {
      return { drive: localDrive(derivative, drive, neurons.threshold, outputGradient) };
    }
    const [batch, , units] = drive.shape as [number, number, number];
    return neurons.backward({ drive, state }, outputGradient, tf.zeros([batch, units]));
  }

  /** Takes the inputs of a block into the trace: trace <- decay^steps trace + gain sum of decay^(steps - 1 - step) s. */
  #follow(input: tf.Tensor): void {
    const { decay, gain } = this.layer.neurons;
    const steps = input.shape[1]!;
    const weights = Float32Array.from({ length: steps }, (_, step) => gain * decay ** (steps - 1 - step));
    const before = this.#trace;
    this.#trace = tf.tidy(() => {
      const fresh = tf.squeeze(tf.matMul(tf.tensor3d(weights, [1, 1, steps]), input as tf.Tensor3D), [1]);
      return before === undefined ? fresh : tf.add(tf.mul(before, decay ** steps), fresh);
    });
    before?.dispose();
    this.#biasTrace = this.#biasTrace * decay ** steps + weights.reduce((sum, weight) => sum + weight, 0);
  }
}

/** A sum in place of its parts. */
export function added(sum: tf.Tensor | undefined, part: tf.Tensor): tf.Tensor {
  if (sum === undefined) return part;
  const total = tf.add(sum, part);
  tf.dispose([sum, part]);
  return total;
}
