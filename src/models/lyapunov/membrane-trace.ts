import * as tf from '@tensorflow/tfjs-core';
import type { LifParameters } from '../../engines/kernels/index.ts';
import { OptionError } from '../../errors.ts';
import type { LayerSight } from '../layers/layer.ts';
import { type ForwardOptions, type Network, type NetworkOutput, outputTensors } from '../network.ts';

/** One layer of neurons in a run, and how it hangs on the layer of neurons before. */
export interface LayerTrace {
  readonly name: string;
  readonly neuron: LifParameters;
  /** [height, width, channels] or [units]: of a frame. */
  readonly features: readonly number[];
  /** Inputs of all steps, [batch, neurons] each, made anew for every call. */
  readonly inputs: () => readonly tf.Tensor[];
  /** Potential after every step, [batch, neurons]; step -1 is the one before the first. */
  readonly potential: (step: number) => tf.Tensor;
  /** Input of a step [batch, neurons] from what the layer of neurons before gives in it, [batch, its neurons]. */
  readonly inputFrom: (outputs: tf.Tensor, step: number) => tf.Tensor;
  /** Whether that map is affine. */
  readonly affine: boolean;
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
  const [, steps, ...features] = potentials!.shape as [number, number, ...number[]];
  // A frame that is shown for several steps stands in the input once.
  const shown = steps / input.shape[1]!;
  const after = stepsOf(firstSamples(potentials!, batch));
  const before = pass.state[layer.name];
  const first =
    before === undefined
      ? tf.fill(after[0]!.shape, neuron.rest)
      : tf.reshape(firstSamples(before, batch), after[0]!.shape);
  const maps = between.map((sight) => {
    const frame = { ...sight.pass, lengths: undefined, repeat: 1 };
    return (
      sight.layer.frozen?.(sight.input, sight.pass) ??
      ((frames: tf.Tensor) => sight.layer.forward(frames, frame).output)
    );
  });
  const from = between[0]?.input.shape.slice(2) ?? features;
  return {
    name: layer.name,
    neuron,
    features,
    inputs: () => {
      const frames = stepsOf(firstSamples(input, batch));
      return Array.from({ length: steps }, (_, step) => frames[Math.floor(step / shown)]!);
    },
    potential: (step) => (step < 0 ? first : after[step]!),
    inputFrom: (outputs, step) => {
      const frames = tf.reshape(outputs, [outputs.shape[0]!, 1, ...from]);
      const mapped = maps.reduce((value, map) => map(value, step), frames);
      return tf.reshape(mapped, [mapped.shape[0]!, -1]);
    },
    affine: between.every((sight) => sight.layer.affine === true),
  };
}

/** The first samples of a batch. */
function firstSamples(tensor: tf.Tensor, count: number): tf.Tensor {
  return count === tensor.shape[0] ? tensor : tf.slice(tensor, 0, count);
}

/** A sequence [batch, steps, …features] as [batch, features] by step. */
function stepsOf(sequence: tf.Tensor): tf.Tensor[] {
  const [batch, steps] = sequence.shape as [number, number];
  return tf.unstack(tf.reshape(sequence, [batch, steps, -1]), 1);
}
