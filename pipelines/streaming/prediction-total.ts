import type { Prediction } from '../../src/operators/predict.ts';

/** Sums over the windows of a stream. */
export class PredictionTotal {
  windows = 0;
  /** Logarithms of each class's probabilities. */
  readonly #logarithms: Float64Array;
  readonly #rates = new Map<string, number>();

  constructor(classes: number) {
    this.#logarithms = new Float64Array(classes);
  }

  add({ probabilities, rates }: Prediction): void {
    this.windows++;
    probabilities.forEach((probability, index) => {
      this.#logarithms[index]! += Math.log(Math.max(probability, Number.MIN_VALUE));
    });
    for (const [layer, rate] of Object.entries(rates)) {
      this.#rates.set(layer, (this.#rates.get(layer) ?? 0) + rate);
    }
  }

  /**
   * Class and probability by the mean logits of the windows, as training reads a whole recording: logarithms of
   * probabilities differ from logits by what all classes of a window share.
   */
  best(): { classIndex: number; probability: number } {
    const highest = Math.max(...this.#logarithms);
    const sum = this.#logarithms.reduce(
      (total, value) => total + Math.exp((value - highest) / this.windows),
      0,
    );
    return { classIndex: this.#logarithms.indexOf(highest), probability: 1 / sum };
  }

  /** Mean spike rate of each layer. */
  rates(): Record<string, number> {
    return Object.fromEntries([...this.#rates].map(([layer, sum]) => [layer, sum / this.windows]));
  }
}

/** Counts that people should see where they are not 0, in words. */
const losses: Readonly<Record<string, string>> = {
  outside: 'outside the frame',
  skippedBins: 'empty bins left out of long silences',
  lateEvents: 'too late for their window',
  mergedWindows: 'windows merged because the network was too slow',
  dropped: 'dropped because the network was too slow',
  thinned: 'left out because the network was too slow',
  systemDrops: 'datagrams dropped by the system',
  lost: 'datagrams lost on the way',
  late: 'datagrams late',
  duplicates: 'datagrams twice',
  malformed: 'malformed datagrams or packets',
  outOfRange: 'outside the sensor',
  backward: 'with a time that went back',
  restarts: 'restarts of the sender',
};

/** What did not come as it was sent, in a line; none where all did. */
export function lossesText(counters: object): string[] {
  const lost = Object.entries(losses).flatMap(([name, words]) => {
    const count = (counters as Readonly<Record<string, unknown>>)[name];
    return typeof count === 'number' && count > 0 ? [`${count} ${words}`] : [];
  });
  return lost.length > 0 ? [`not as sent: ${lost.join(', ')}`] : [];
}

/** A share in percent. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
