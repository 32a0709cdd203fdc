import * as v from 'valibot';
import type { ConfusionMatrix } from '../../src/models/metrics.ts';
import type { LayerRaster } from '../../src/models/raster.ts';

/**
 * What the best checkpoint of a network does, beside its metrics: `measures/NAME.json` of a run. It is written before
 * the last checkpoint that knows of it, so a run that is killed and resumed ends with the same measures.
 */
export interface NetworkMeasures {
  readonly model: string;
  /** Epoch of the checkpoint, counted from 1. */
  readonly epoch: number;
  /** Which recordings accuracy, spike rate and confusion matrix are of. */
  readonly part: EvaluatedPart;
  readonly accuracy: number;
  readonly spikeRate: number;
  readonly parameters: number;
  /**
   * The notebook's rule of thumb, rate x 0.9 / (0.5 x 4.6): energy as a share of a non-spiking twin's. It forgets the
   * timesteps; absent where not all neurons spike.
   */
  readonly ruleOfThumbRatio?: number;
  /** What else was measured on them, by name. */
  readonly quantities?: Readonly<Record<string, number>>;
  /** Samples by class (row) and class found (column). */
  readonly confusion: ConfusionMatrix;
  readonly work: NetworkWork;
  readonly raster: SampleRaster;
}

/** The recordings that are held out, by what for. */
export type EvaluatedPart = 'validation' | 'test';

/** Operations and sparsity, by NeuroBench's definitions; operations and energy are means of a sample. */
export interface NetworkWork {
  /** Samples that were counted. */
  readonly samples: number;
  readonly layers: readonly {
    readonly layer: string;
    /** Whether it accumulates: all its inputs are 0, 1 or -1. */
    readonly binary: boolean;
    readonly effective: number;
    readonly dense: number;
  }[];
  readonly effectiveAcs: number;
  readonly effectiveMacs: number;
  readonly dense: number;
  readonly footprintBytes: number;
  readonly connectionSparsity: number;
  readonly activationSparsity: number;
  /** Picojoules of the effective operations, and of all if each were a product. */
  readonly energyPicojoules: number;
  readonly densePicojoules: number;
  /** Whether all neurons spike. */
  readonly spiking: boolean;
}

/** Spikes and potentials of one held-out sample. */
export interface SampleRaster {
  readonly id: string;
  readonly label: number;
  readonly layers: readonly LayerRaster[];
}

const amount = v.pipe(v.number(), v.finite(), v.minValue(0));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

/** The schema of a network's measures in a run directory. */
export const measuresSchema: v.GenericSchema<unknown, NetworkMeasures> = v.object({
  model: v.string(),
  epoch: count,
  part: v.picklist(['validation', 'test']),
  accuracy: share,
  spikeRate: amount,
  parameters: count,
  ruleOfThumbRatio: v.exactOptional(amount),
  quantities: v.exactOptional(v.record(v.string(), v.number())),
  confusion: v.array(v.array(count)),
  work: v.object({
    samples: count,
    layers: v.array(v.object({ layer: v.string(), binary: v.boolean(), effective: amount, dense: amount })),
    effectiveAcs: amount,
    effectiveMacs: amount,
    dense: amount,
    footprintBytes: amount,
    connectionSparsity: share,
    activationSparsity: share,
    energyPicojoules: amount,
    densePicojoules: amount,
    spiking: v.boolean(),
  }),
  raster: v.object({
    id: v.string(),
    label: v.number(),
    layers: v.array(
      v.object({
        layer: v.string(),
        steps: count,
        neurons: count,
        active: count,
        spikes: v.array(v.array(count)),
        potentials: v.array(v.array(v.number())),
        threshold: v.exactOptional(v.number()),
      }),
    ),
  }),
});
