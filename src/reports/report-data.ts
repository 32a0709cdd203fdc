/** What a report shows: plain values, whatever made them. */
export interface Report {
  readonly title: string;
  /** What was run, on what: a name and a value each. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** What a reader must know, such as that events were simulated. */
  readonly notes: readonly string[];
  readonly networks: readonly NetworkReport[];
  /** Shown as level lines. */
  readonly references?: readonly PublishedAccuracy[];
}

/** An accuracy that others published, from 0 to 1. */
export interface PublishedAccuracy {
  readonly label: string;
  readonly accuracy: number;
}

/** A network of a report. */
export interface NetworkReport {
  /** Names it among the networks of the report. */
  readonly label: string;
  readonly classNames: readonly string[];
  /** Epochs that were finished, in order. */
  readonly epochs: readonly EpochReport[];
  /** Absent before the first epoch is finished. */
  readonly measures?: MeasuresReport | undefined;
}

/** An epoch; shares are from 0 to 1. */
export interface EpochReport {
  readonly epoch: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly validationLoss?: number | undefined;
  readonly validationAccuracy?: number | undefined;
  readonly testLoss?: number | undefined;
  readonly testAccuracy?: number | undefined;
  readonly spikeRate: number;
  readonly layerRates: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** What else was measured, by name: in training, and on held-out samples. */
  readonly trainQuantities?: Readonly<Record<string, number>> | undefined;
  readonly quantities?: Readonly<Record<string, number>> | undefined;
}

/** What the best checkpoint of a network does. */
export interface MeasuresReport {
  readonly epoch: number;
  readonly part: 'validation' | 'test';
  readonly accuracy: number;
  readonly spikeRate: number;
  readonly parameters: number;
  /** Energy as a share of a non-spiking twin's by the notebook's rule of thumb. */
  readonly ruleOfThumbRatio?: number | undefined;
  /** What else was measured, by name. */
  readonly quantities?: Readonly<Record<string, number>> | undefined;
  /** Samples by class (row) and class found (column). */
  readonly confusion: readonly (readonly number[])[];
  readonly work: WorkReport;
  readonly raster: RasterReport;
}

/** Operations and energy of a sample. */
export interface WorkReport {
  readonly samples: number;
  readonly layers: readonly LayerWorkReport[];
  readonly effectiveAcs: number;
  readonly effectiveMacs: number;
  readonly dense: number;
  readonly footprintBytes: number;
  readonly connectionSparsity: number;
  readonly activationSparsity: number;
  readonly spiking: boolean;
  readonly energyPicojoules: number;
  readonly densePicojoules: number;
}

/** Operations of one layer for a sample. */
export interface LayerWorkReport {
  readonly layer: string;
  /** Whether they are accumulates. */
  readonly binary: boolean;
  readonly effective: number;
  readonly dense: number;
}

/** One sample's spikes and potentials. */
export interface RasterReport {
  readonly id: string;
  readonly label: number;
  readonly layers: readonly LayerRasterReport[];
}

/** Spikes and potentials of some neurons of one layer. */
export interface LayerRasterReport {
  readonly layer: string;
  readonly steps: number;
  readonly neurons: number;
  readonly active: number;
  /** Steps at which each neuron shown fired, counted from 0. */
  readonly spikes: readonly (readonly number[])[];
  /** Potential after every step, of a few of them. */
  readonly potentials: readonly (readonly number[])[];
  readonly threshold?: number | undefined;
}
