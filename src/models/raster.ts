import type { LayerRecording } from './recorder.ts';

/** Spikes and potentials of some neurons of a layer, for one sample. */
export interface LayerRaster {
  readonly layer: string;
  readonly steps: number;
  /** Neurons of the layer, and those of them that fired at least once. */
  readonly neurons: number;
  readonly active: number;
  /** Steps at which each of the neurons shown fired: neurons that did, spread evenly over the layer. */
  readonly spikes: readonly (readonly number[])[];
  /** Potential after every step of the first few of them. */
  readonly potentials: readonly (readonly number[])[];
  /** What a potential fires at, where it is known. */
  readonly threshold?: number;
}

/** How much of a layer is shown. */
export interface RasterOptions {
  /** Neurons at most. Default 48. */
  readonly neurons?: number;
  /** Neurons whose potentials are kept, at most. Default 3. */
  readonly potentials?: number;
}

/** Significant digits of a potential: more cannot be seen. */
const DIGITS = 5;

/** The raster of a recording's first sample. */
export function rasterOf(
  { layer, shape, outputs, potentials, threshold }: LayerRecording,
  { neurons: limit = 48, potentials: traces = 3 }: RasterOptions = {},
): LayerRaster {
  const steps = shape[1]!;
  const neurons = shape.slice(2).reduce((product, side) => product * side, 1);
  const fired: number[] = [];
  for (let neuron = 0; neuron < neurons; neuron++) {
    for (let step = 0; step < steps; step++) {
      if (outputs[step * neurons + neuron] === 0) continue;
      fired.push(neuron);
      break;
    }
  }
  const shown = spread(fired, limit);
  const spikeSteps = (neuron: number): number[] =>
    Array.from({ length: steps }, (_, step) => step).filter((step) => outputs[step * neurons + neuron] !== 0);
  const trace = (neuron: number): number[] =>
    Array.from({ length: steps }, (_, step) =>
      Number(potentials![step * neurons + neuron]!.toPrecision(DIGITS)),
    );
  return {
    layer,
    steps,
    neurons,
    active: fired.length,
    spikes: shown.map(spikeSteps),
    potentials: potentials === undefined ? [] : spread(shown, traces).map(trace),
    ...(threshold !== undefined && { threshold }),
  };
}

/** At most `limit` of the items, evenly spaced. */
function spread<T>(items: readonly T[], limit: number): T[] {
  const count = Math.min(items.length, limit);
  return Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)]!);
}
