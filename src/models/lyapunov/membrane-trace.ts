import * as tf from '@tensorflow/tfjs-core';
import { type LifParameters, repeatSteps } from '../../engines/kernels/index.ts';
import { OptionError } from '../../errors.ts';
import type { LayerSight } from '../layers/layer.ts';
import { type ForwardOptions, type Network, type NetworkOutput, outputTensors } from '../network.ts';
import type { LifCourse } from './lif-tangent.ts';

/** One layer of neurons in a run, and how it hangs on the layer of neurons before. */
export interface LayerTrace extends LifCourse {
  readonly name: string;
  readonly neuron: LifParameters;
  /** [height, width, channels] or [units]: of a frame. */
  readonly features: readonly number[];
  /**
   * Makes the map from what the layer of neurons before gives in a step to this layer's input in it, [batch, 1,
   * …features] each.
   */
  readonly inputMap: () => (outputs: tf.Tensor, step: number) => tf.Tensor;
  /**
   * Makes the linear part of that map, for changes of the steps from `from` on, [batch, steps, …features]; undefined
   * where the map is not affine.
   */
  readonly changeMap: () => ((changes: tf.Tensor, from: number) => tf.Tensor) | undefined;
}

/** A run of a network whose membranes can be followed. */
export interface MembraneTrace {
  readonly result: NetworkOutput;
  /** Layers of neurons, first to last. */
  readonly layers: readonly LayerTrace[];
  /** Samples that are followed. */
  readonly batch: number;
  readonly steps: number;
  /** Real steps of each sample. */
  readonly lengths: ArrayLike<number> | undefined;
  /** What the trace holds beside the result; the caller's to dispose of. */
  readonly tensors: readonly tf.Tensor[];
}

type Seen = Omit<LayerSight, 'active'>;

/**
 * Runs a network and keeps what its membranes did, gradients included. Layers behind the last neurons do not matter to
 * them.
 * @param samples follows only so many of a batch, its first
 */
export function traceMembranes(
  network: Network,
  sequence: tf.Tensor,
  forward: ForwardOptions,
  samples: number = Number.POSITIVE_INFINITY,
): MembraneTrace {
  const seen: Seen[] = [];
  const kept: tf.Tensor[] = [];
  const keep = <T extends tf.Tensor | undefined>(tensor: T): T => {
    if (tensor === undefined) return tensor;
    const copy = tf.keep(tf.clone(tensor));
    kept.push(copy);
    return copy as T;
  };
  const result = network.forward(sequence, {
    ...forward,
    potentials: () => true,
    probe: (_name, _output, { layer, input, pass, potentials }) => {
      seen.push({ layer, pass, input: keep(input), potentials: keep(potentials) });
    },
  });
  try {
    const batch = Math.min(samples, sequence.shape[0]!);
    const layers = layerTraces(network.name, seen, batch);
    const { pass } = seen.find(({ layer }) => layer.name === layers[0]!.name)!;
    const [, steps] = seen.find(({ potentials }) => potentials !== undefined)!.potentials!.shape;
    const lengths = pass.lengths && Array.from(pass.lengths).slice(0, batch);
    return { result, layers, batch, steps: steps!, lengths, tensors: kept };
  } catch (error) {
    tf.dispose([...kept, ...outputTensors(result)]);
    throw error;
  }
}

function layerTraces(network: string, seen: readonly Seen[], batch: number): LayerTrace[] {
  const traces: LayerTrace[] = [];
  let between: Seen[] = [];
  let steps: number | undefined;
  for (const sight of seen) {
    const { layer, potentials } = sight;
    if (layer.neuron === undefined || potentials === undefined) {
      between.push(sight);
      continue;
    }
    steps ??= potentials.shape[1]!;
    if (potentials.shape[1] !== steps) {
      throw new OptionError(
        `lyapunov: expected layers of ${steps} steps in ${network}, found ${potentials.shape[1]} in ${layer.name}`,
      );
    }
    traces.push(layerTrace(sight, layer.neuron, between, batch));
    between = [];
  }
  if (traces.length === 0)
    throw new OptionError(`lyapunov: expected layers of LIF neurons in ${network}, found none`);
  return traces;
}

function layerTrace(
  { layer, input, potentials, pass }: Seen,
  neuron: LifParameters,
  between: readonly Seen[],
  batch: number,
): LayerTrace {
  const followed = firstSamples(potentials!, batch);
  const [, steps, ...features] = followed.shape as [number, number, ...number[]];
  const before = pass.state[layer.name];
  const from = between[0]?.input.shape.slice(2) ?? features;
  /** The layers between as maps of their own, one after the other. */
  const chained = (maps: readonly ((values: tf.Tensor, step: number) => tf.Tensor)[]) => {
    return (values: tf.Tensor, step: number): tf.Tensor => {
      const given = tf.reshape(values, [values.shape[0]!, values.shape[1]!, ...from]);
      return maps.reduce((value, map) => map(value, step), given);
    };
  };
  return {
    name: layer.name,
    neuron,
    features,
    // A frame that is shown for several steps stands in the input once.
    inputs: () => repeatSteps(firstSamples(input, batch), steps / input.shape[1]!),
    first: before === undefined ? tf.fill([batch, ...features], neuron.rest) : firstSamples(before, batch),
    potentials: followed,
    inputMap: () => chained(between.map(frozenMap)),
    changeMap: () => {
      const tangents = between.map((sight) => sight.layer.tangent?.(sight.input, sight.pass));
      return tangents.every((tangent) => tangent !== undefined) ? chained(tangents) : undefined;
    },
  };
}

/** A layer as a map of single frames. */
function frozenMap({ layer, input, pass }: Seen): (frames: tf.Tensor, step: number) => tf.Tensor {
  const frame = { ...pass, lengths: undefined, repeat: 1 };
  return layer.frozen?.(input, pass) ?? ((frames) => layer.forward(frames, frame).output);
}

/** The first samples of a batch. */
function firstSamples(tensor: tf.Tensor, count: number): tf.Tensor {
  return count === tensor.shape[0] ? tensor : tf.slice(tensor, 0, count);
}
