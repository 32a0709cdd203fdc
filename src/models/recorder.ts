import * as tf from '@tensorflow/tfjs-core';
import type { Pass } from './layers/layer.ts';

/** What one layer gave for the samples of one call. */
export interface LayerRecording {
  readonly layer: string;
  /** [samples, steps, …features]. */
  readonly shape: readonly number[];
  /** Spikes of neurons, 0 or 1; of other layers, whatever they give. */
  readonly outputs: Float32Array;
  /** Potential after every step, where it was asked for and the layer has one. */
  readonly potentials?: Float32Array;
  /** What the potential fires at, of a layer of LIF neurons. */
  readonly threshold?: number;
}

/** What is recorded. */
export interface RecorderOptions {
  /** Names of layers; default: every layer of neurons. */
  readonly layers?: readonly string[];
  /** Whether potentials are recorded too; of all neurons recorded, or of the layers named. Default false. */
  readonly potentials?: boolean | readonly string[];
  /** Samples from the first on; default all. */
  readonly samples?: number;
}

interface Pending {
  readonly layer: string;
  readonly outputs: tf.Tensor;
  readonly potentials: tf.Tensor | undefined;
  readonly threshold: number | undefined;
}

/**
 * Records outputs and potentials of a network's layers: `network.forward(sequence, { ...recorder.options })`, then
 * `await recorder.read()`. The numbers are those of a call without it.
 */
export class Recorder {
  readonly #pending: Pending[] = [];
  /** Goes into the options of `Network.forward`. */
  readonly options: Required<Pick<Pass, 'probe' | 'potentials'>>;

  constructor({ layers, potentials = false, samples }: RecorderOptions = {}) {
    const first = (tensor: tf.Tensor): tf.Tensor => tf.keep(firstSamples(tensor, samples));
    this.options = {
      probe: (name, output, { layer, active, potentials: seen }) => {
        if (layers === undefined ? !active : !layers.includes(name)) return;
        const threshold = layer.neuron?.threshold;
        this.#pending.push({
          layer: name,
          outputs: first(output),
          potentials: seen && first(seen),
          threshold: typeof threshold === 'number' ? threshold : undefined,
        });
      },
      potentials: (layer) =>
        (layers === undefined || layers.includes(layer)) &&
        (potentials === true || (potentials !== false && potentials.includes(layer))),
    };
  }

  /** What was recorded since the last reading, in the order of the layers; frees the engine's copies. */
  async read(): Promise<LayerRecording[]> {
    const recordings: LayerRecording[] = [];
    for (const { layer, outputs, potentials, threshold } of this.#pending.splice(0)) {
      const values = async (tensor: tf.Tensor): Promise<Float32Array> =>
        Float32Array.from(await tensor.data());
      recordings.push({
        layer,
        shape: outputs.shape,
        outputs: await values(outputs),
        ...(potentials && { potentials: await values(potentials) }),
        ...(threshold !== undefined && { threshold }),
      });
      outputs.dispose();
      potentials?.dispose();
    }
    return recordings;
  }
}

function firstSamples(tensor: tf.Tensor, samples: number | undefined): tf.Tensor {
  if (samples === undefined || samples >= tensor.shape[0]!) return tf.clone(tensor);
  // As a matrix: engines slice many axes slowly.
  return tf.tidy(() => {
    const rows = tf.slice(tf.reshape(tensor, [tensor.shape[0]!, -1]), [0, 0], [samples, -1]);
    return tf.reshape(rows, [samples, ...tensor.shape.slice(1)]);
  });
}
