/**
 * What a step of a network does, sample by sample: spike rates, synaptic operations, and which neurons fired. The
 * operations are those that `synaptic-operations.ts` counts, by another way round: how many weights that are not zero an
 * input of a layer meets does not depend on the input, so that map is made once (the gradient of the sum of all outputs
 * with binarised weights), and a step costs one look at each input.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Layer, Pass, Synapses } from './layers/layer.ts';
import type { LayerOperations } from './synaptic-operations.ts';

/** Synaptic operations of one sample in one step. */
export interface StepOperations {
  /** Pairs of an input and a weight that are both not zero, in layers whose inputs were all 0, 1 or -1 (ACs). */
  readonly accumulates: number;
  /** Those in the other layers (MACs). */
  readonly multiplies: number;
  /** All pairs of an input and a weight, but for those with padding. */
  readonly dense: number;
  readonly layers: readonly LayerOperations[];
}

/** Some neurons of a layer in one step, always the same ones. */
export interface StepRaster {
  readonly layer: string;
  /** Neurons that are shown. */
  readonly shown: number;
  /** For each timestep those that fired, from 0. */
  readonly fired: readonly (readonly number[])[];
}

/** What is measured beside the rates. */
export interface MeterOptions {
  /** Default false. */
  readonly operations?: boolean;
  /** Default false. */
  readonly raster?: boolean;
}

/** What one sample did in a step. */
export interface StepMeasures {
  /** Mean output of each spiking layer over real steps. */
  readonly rates: Readonly<Record<string, number>>;
  /** Where they were asked for. */
  readonly operations?: StepOperations;
  readonly raster?: readonly StepRaster[];
}

/** Neurons of a layer that a raster shows at most. */
const RASTER_NEURONS = 48;

/** How many weights the inputs of a layer meet: what its operations are counted by. */
interface FanOut {
  /** Weights that are not zero, of each input [steps, …features]. */
  readonly met: Float64Array;
  /** All weights, of all inputs of one step. */
  readonly denseByStep: Float64Array;
}

interface Seen {
  readonly layer: Layer;
  readonly tensor: tf.Tensor;
  readonly pass: Pass;
}

/** Measures the steps of one network, as its probe; `read` after every step, with the same options. */
export class StepMeter {
  readonly #inputs: (Seen & { readonly synapses: Synapses })[] = [];
  readonly #outputs: Seen[] = [];
  readonly #fanOuts = new Map<string, FanOut>();

  /** Goes into the options of `Network.forward`. */
  probe({ operations = false }: MeterOptions): NonNullable<Pass['probe']> {
    return (_, output, { layer, input, pass, active }) => {
      const { synapses } = layer;
      const kept = (tensor: tf.Tensor): Seen => ({ layer, pass, tensor: tf.keep(tf.clone(tensor)) });
      if (operations && synapses !== undefined) this.#inputs.push({ ...kept(input), synapses });
      if (active) this.#outputs.push(kept(output));
    };
  }

  /** What the samples of the step that the probe saw did. */
  async read(samples: number, { operations = false, raster = false }: MeterOptions): Promise<StepMeasures[]> {
    const [inputs, outputs] = [this.#inputs.splice(0), this.#outputs.splice(0)];
    const values = await Promise.all([...inputs, ...outputs].map(({ tensor }) => tensor.data()));
    const fanOuts = await Promise.all(inputs.map((seen) => this.#fanOut(seen)));
    const measures = Array.from({ length: samples }, (_, sample): StepMeasures => {
      const layers = inputs.map((seen, i) => operationsOf(seen, values[i]!, fanOuts[i]!, sample));
      const activity = outputs.map((seen, i) => [seen, values[inputs.length + i]!] as const);
      return {
        rates: Object.fromEntries(
          activity.map(([seen, output]) => [seen.layer.name, meanOutput(seen, output, sample)]),
        ),
        ...(operations && { operations: totalOf(layers) }),
        ...(raster && { raster: activity.map(([seen, output]) => rasterOf(seen, output, sample)) }),
      };
    });
    tf.dispose([...inputs, ...outputs].map(({ tensor }) => tensor));
    return measures;
  }

  async #fanOut({ layer, tensor, synapses }: Seen & { readonly synapses: Synapses }): Promise<FanOut> {
    const shape = [1, ...tensor.shape.slice(1)];
    const key = `${layer.name} ${shape}`;
    const known = this.#fanOuts.get(key);
    if (known !== undefined) return known;
    const [met, all] = tf.tidy(() => {
      const weights = synapses.weight();
      const reached = (present: tf.Tensor): tf.Tensor => {
        const outputs = tf.sum(present, -1, true);
        return tf.grad((input) => tf.sum(synapses.apply(input, outputs)))(tf.zeros(shape));
      };
      const connected = tf.cast(tf.notEqual(weights, 0), 'float32');
      return [reached(connected), reached(tf.onesLike(weights))] as const;
    });
    const denseByStep = new Float64Array(shape[1]!);
    const size = met.size / denseByStep.length;
    // Rounded: engines whose convolutions transform may be a little off.
    (await all.data()).forEach((count, i) => {
      denseByStep[Math.floor(i / size)]! += Math.round(count);
    });
    const fanOut = { met: Float64Array.from(await met.data(), Math.round), denseByStep };
    tf.dispose([met, all]);
    this.#fanOuts.set(key, fanOut);
    return fanOut;
  }
}

/** Steps of a sequence, the values of one, and how many of a sample's are real. */
function extent({ tensor, pass }: Seen, sample: number): { steps: number; size: number; real: number } {
  const [batch, steps] = tensor.shape as [number, number];
  const real = Math.min(pass.lengths?.[sample] ?? steps, steps);
  return { steps, size: tensor.size / (batch * steps), real };
}

function operationsOf(
  seen: Seen & { readonly synapses: Synapses },
  values: ArrayLike<number>,
  { met, denseByStep }: FanOut,
  sample: number,
): LayerOperations {
  const { steps, size, real } = extent(seen, sample);
  const start = sample * steps * size;
  let effective = 0;
  let dense = 0;
  let binary = true;
  for (let step = 0; step < real; step++) dense += denseByStep[step]!;
  for (let i = 0; i < real * size; i++) {
    const value = values[start + i]!;
    if (value === 0) continue;
    effective += met[i]!;
    if (value !== 1 && value !== -1) binary = false;
  }
  const other = seen.synapses.otherProducts?.(real) ?? 0;
  return {
    layer: seen.layer.name,
    binary: binary && other === 0,
    effective: effective + other,
    dense: dense + other,
  };
}

function totalOf(layers: readonly LayerOperations[]): StepOperations {
  let [accumulates, multiplies, dense] = [0, 0, 0];
  for (const layer of layers) {
    if (layer.binary) accumulates += layer.effective;
    else multiplies += layer.effective;
    dense += layer.dense;
  }
  return { accumulates, multiplies, dense, layers };
}

function meanOutput(seen: Seen, values: ArrayLike<number>, sample: number): number {
  const { steps, size, real } = extent(seen, sample);
  const start = sample * steps * size;
  let sum = 0;
  for (let i = 0; i < real * size; i++) sum += values[start + i]!;
  return sum / Math.max(real * size, 1);
}

function rasterOf(seen: Seen, values: ArrayLike<number>, sample: number): StepRaster {
  const { steps, size, real } = extent(seen, sample);
  const shown = Math.min(size, RASTER_NEURONS);
  const fired = Array.from({ length: real }, (_, step) => {
    const start = (sample * steps + step) * size;
    const rows: number[] = [];
    for (let row = 0; row < shown; row++) {
      if (values[start + Math.floor((row * size) / shown)] !== 0) rows.push(row);
    }
    return rows;
  });
  return { layer: seen.layer.name, shown, fired };
}
