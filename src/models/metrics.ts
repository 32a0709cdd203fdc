/** What one batch gave. */
export interface StepMetrics {
  readonly samples: number;
  /** Mean loss of the samples. */
  readonly loss: number;
  /** Samples whose class was found. */
  readonly correct: number;
  /** Mean of each layer's outputs over real steps, and how many outputs that mean is of. */
  readonly rates: Readonly<Record<string, LayerRate>>;
  /** Class of each sample, and the one that was found. */
  readonly labels: Int32Array;
  readonly predicted: Int32Array;
  /** What else a rule or an evaluation measured, by name: means over the samples. */
  readonly quantities?: Readonly<Record<string, number>>;
}

/** Spike rate of one layer. */
export interface LayerRate {
  readonly rate: number;
  readonly elements: number;
}

/** What an epoch, or the part of it that was seen, gave. */
export interface EpochMetrics {
  readonly samples: number;
  readonly loss: number;
  /** Share of the samples whose class was found. */
  readonly accuracy: number;
  /** Mean over all outputs of all spiking layers: every output counts once, not every layer. */
  readonly spikeRate: number;
  readonly layerRates: Readonly<Record<string, number>>;
  /** Means over the samples of what else was measured, by name; absent where nothing was. */
  readonly quantities?: Readonly<Record<string, number>>;
}

/** Sums of an epoch so far, as plain JSON. */
export interface MetricsState {
  samples: number;
  loss: number;
  correct: number;
  layers: Record<string, { spikes: number; elements: number }>;
  /** Sums over the samples of batches that measured them. */
  quantities?: Record<string, { sum: number; samples: number }>;
}

/** Samples by their class (row) and the class that was found (column). */
export type ConfusionMatrix = readonly (readonly number[])[];

/** Counts the samples of an evaluation by class and class found. */
export class ConfusionCounter {
  readonly #counts: number[][];

  /** @param classes how many there are */
  constructor(classes: number) {
    this.#counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  }

  add({ labels, predicted }: Pick<StepMetrics, 'labels' | 'predicted'>): void {
    for (let sample = 0; sample < labels.length; sample++) {
      this.#counts[labels[sample]!]![predicted[sample]!]!++;
    }
  }

  /** A copy of the counts so far. */
  matrix(): ConfusionMatrix {
    return structuredClone(this.#counts);
  }
}

/**
 * Weighted means over the batches of an epoch. Its state is plain JSON that keeps every bit, so that an epoch that
 * is stopped and continued ends with the same numbers.
 */
export class MetricsAccumulator {
  readonly #state: MetricsState;

  constructor(state: MetricsState = { samples: 0, loss: 0, correct: 0, layers: {} }) {
    this.#state = structuredClone(state);
  }

  add({ samples, loss, correct, rates, quantities = {} }: StepMetrics): void {
    const state = this.#state;
    for (const [name, value] of Object.entries(quantities)) {
      state.quantities ??= {};
      state.quantities[name] ??= { sum: 0, samples: 0 };
      const quantity = state.quantities[name];
      quantity.sum += samples * value;
      quantity.samples += samples;
    }
    state.samples += samples;
    state.loss += samples * loss;
    state.correct += correct;
    for (const [name, { rate, elements }] of Object.entries(rates)) {
      state.layers[name] ??= { spikes: 0, elements: 0 };
      const layer = state.layers[name];
      layer.spikes += rate * elements;
      layer.elements += elements;
    }
  }

  /** The means so far; of nothing, zeros. */
  result(): EpochMetrics {
    const { samples, loss, correct, layers, quantities } = this.#state;
    const layerRates: Record<string, number> = {};
    let spikes = 0;
    let elements = 0;
    for (const [name, layer] of Object.entries(layers)) {
      layerRates[name] = layer.spikes / Math.max(layer.elements, 1);
      spikes += layer.spikes;
      elements += layer.elements;
    }
    return {
      samples,
      loss: loss / Math.max(samples, 1),
      accuracy: correct / Math.max(samples, 1),
      spikeRate: spikes / Math.max(elements, 1),
      layerRates,
      ...(quantities && {
        quantities: Object.fromEntries(
          Object.entries(quantities).map(([name, { sum, samples }]) => [name, sum / Math.max(samples, 1)]),
        ),
      }),
    };
  }

  /** A copy of the sums, from which another accumulator goes on. */
  state(): MetricsState {
    return structuredClone(this.#state);
  }
}
