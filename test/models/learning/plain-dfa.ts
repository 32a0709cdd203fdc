/** Direct feedback written out in double precision and forward in time, as plainly as it can be. */
import type { DfaNet } from '../../../src/models/networks/dfa-net.ts';

export type Matrix = number[][];

/** A layer's weights as plain numbers. */
export interface PlainLayer {
  /** [inputs][units]. */
  readonly weight: Matrix;
  readonly bias: number[];
  /** [classes][units]. */
  readonly feedback: Matrix | undefined;
}

export async function plainLayers({ localLayers }: DfaNet): Promise<PlainLayer[]> {
  return Promise.all(
    localLayers.map(async ({ weight, bias, feedback }) => ({
      weight: (await weight.variable.array()) as Matrix,
      bias: (await bias.variable.array()) as number[],
      feedback: feedback && ((await feedback.variable.array()) as Matrix),
    })),
  );
}

export const zeros = (rows: number, columns: number): Matrix =>
  Array.from({ length: rows }, () => new Array<number>(columns).fill(0));

export const drive = ({ weight, bias }: PlainLayer, input: readonly number[]): number[] =>
  bias.map((offset, unit) => input.reduce((sum, x, i) => sum + x * weight[i]![unit]!, offset));

export function softmax(logits: readonly number[]): number[] {
  const powers = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** What reaches a unit of a hidden layer from the error of a sample. */
export const projected = (feedback: Matrix, error: readonly number[], unit: number): number =>
  error.reduce((sum, e, output) => sum + e * feedback[output]![unit]!, 0);

export const fastSigmoidAt = (distance: number, slope: number): number =>
  1 / (1 + slope * Math.abs(distance)) ** 2;

/** Neurons of the leaky network. */
export interface LeakyNumbers {
  readonly decay: number;
  readonly readoutDecay: number;
  readonly slope: number;
}

/** The gradients of one sample's weights by traces: sum over steps of trace x surrogate x error / steps. */
export function sampleGradients(
  layers: readonly PlainLayer[],
  /** [steps][inputs]. */
  sample: Matrix,
  label: number,
  { decay, readoutDecay, slope }: LeakyNumbers,
): { weights: Matrix[]; biases: number[][]; logits: number[] } {
  const steps = sample.length;
  const runs = layers.map((layer) => ({
    layer,
    potential: layer.bias.map(() => 0),
    spikes: layer.bias.map(() => 0),
    trace: layer.weight.map(() => 0),
    biasTrace: 0,
    /** Sum over steps of trace x surrogate, which the error then multiplies. */
    eligibility: zeros(layer.weight.length, layer.bias.length),
    biasEligibility: layer.bias.map(() => 0),
  }));
  const outputs = layers.at(-1)!.bias.map(() => 0);
  for (const frame of sample) {
    let input: readonly number[] = frame;
    runs.forEach((run, index) => {
      const hidden = index < runs.length - 1;
      const own = hidden ? decay : readoutDecay;
      const x = drive(run.layer, input);
      run.potential = run.potential.map((v, unit) => own * v + x[unit]! - run.spikes[unit]!);
      run.spikes = run.potential.map((v) => (hidden && v > 1 ? 1 : 0));
      run.trace = run.trace.map((trace, i) => own * trace + input[i]!);
      run.biasTrace = own * run.biasTrace + 1;
      run.potential.forEach((v, unit) => {
        const surrogate = hidden ? fastSigmoidAt(v - 1, slope) : 1;
        run.trace.forEach((trace, i) => {
          run.eligibility[i]![unit]! += trace * surrogate;
        });
        run.biasEligibility[unit]! += run.biasTrace * surrogate;
      });
      if (!hidden) {
        run.potential.forEach((v, output) => {
          outputs[output]! += v;
        });
      }
      input = run.spikes;
    });
  }
  const logits = outputs.map((sum) => sum / steps);
  const error = softmax(logits).map((p, output) => p - (output === label ? 1 : 0));
  const factors = runs.map(({ layer: { feedback, bias } }) =>
    bias.map((_, unit) => (feedback === undefined ? error[unit]! : projected(feedback, error, unit)) / steps),
  );
  return {
    weights: runs.map(({ eligibility }, index) =>
      eligibility.map((row) => row.map((value, unit) => value * factors[index]![unit]!)),
    ),
    biases: runs.map(({ biasEligibility }, index) =>
      biasEligibility.map((value, unit) => value * factors[index]![unit]!),
    ),
    logits,
  };
}
