import * as tf from '@tensorflow/tfjs-core';
import { RxspikeError } from '../errors.ts';
import { type ForwardOptions, type Network, outputTensors } from './network.ts';

/** A loss or gradient that is not finite; names the first layer where a value is not. */
export class DivergenceError extends RxspikeError {
  readonly layer: string | undefined;

  constructor(loss: number, layer: string | undefined, where: string) {
    const found = layer === undefined ? 'every layer is finite' : `first value that is not finite: ${layer}`;
    super(`training diverged: expected a finite loss and gradients, found loss ${loss}; ${found}; ${where}`);
    this.layer = layer;
  }
}

/**
 * Runs a step's forward pass again, looking at every layer, and says where the first non-finite value stands: the
 * input, a layer's output, or else a parameter's gradient. A spike hides it: NaN fires nothing.
 */
export async function divergence(
  network: Network,
  sequence: tf.Tensor,
  options: ForwardOptions,
  { loss, where, gradients }: { loss: number; where: string; gradients?: ReadonlyMap<string, tf.Tensor> },
): Promise<DivergenceError> {
  const names: string[] = [];
  const marks: tf.Tensor[] = [];
  const look = (name: string, tensor: tf.Tensor): void => {
    names.push(name);
    // 0 where all is finite, else NaN: infinity times zero is NaN too.
    marks.push(tf.keep(tf.tidy(() => tf.sum(tf.mul(tensor, 0)))));
  };
  look('input', sequence);
  const result = network.forward(sequence, { ...options, probe: look });
  for (const [name, gradient] of gradients ?? []) look(`gradient of ${name}`, gradient);
  const joined = tf.stack(marks);
  const values = await joined.data();
  tf.dispose([joined, ...marks, ...outputTensors(result)]);
  return new DivergenceError(loss, names[values.findIndex(Number.isNaN)], where);
}
