import { lastValueFrom, tap } from 'rxjs';
import type { Prediction } from '../../src/operators/predict.ts';
import { predictionLine } from '../../src/reports/prediction-line.ts';
import type { PipelineContext } from '../definition.ts';
import type { LoadedModel } from './load-model.ts';
import type { EventSource, PredictionStream } from './predict-stream.ts';

/** What a report asks of the source. */
export interface SourceWatch {
  /** What became of the events before they were binned; told at the end. */
  counters?(): object;
  /** Called after every line. */
  afterEach?(): void;
}

/** Prints a line for every window, and at the end one for the whole stream with all that was not counted in. */
export async function reportPredictions(
  { predictions, counters }: PredictionStream,
  source: EventSource,
  model: LoadedModel,
  context: PipelineContext,
  { counters: sourceCounters = () => ({}), afterEach = () => {} }: SourceWatch = {},
): Promise<void> {
  const started = performance.now();
  const simulated = source.simulated || model.simulated;
  const total = new PredictionTotal(model.feed.classNames.length);
  const nameWidth = Math.max(...model.feed.classNames.map(({ length }) => length));
  let firstMicros: number | undefined;
  const print = (prediction: Prediction): void => {
    firstMicros ??= prediction.startMicros;
    context.emit({ type: 'prediction', window: total.windows, ...prediction });
    context.print(predictionLine(prediction, { firstMicros, nameWidth }));
    total.add(prediction);
    afterEach();
  };
  await lastValueFrom(predictions.pipe(tap(print)), { defaultValue: undefined });
  const { classIndex, probability } = total.best();
  const summary = {
    windows: total.windows,
    ...(total.windows > 0 && { classIndex, className: model.feed.classNames[classIndex]!, probability }),
    rates: total.rates(),
    ...counters,
    ...sourceCounters(),
    seconds: Number(((performance.now() - started) / 1000).toFixed(3)),
    model: model.name,
    engine: model.engine.name,
    simulated,
  };
  context.emit({ type: 'summary', ...summary });
  context.print(summaryText(summary));
}

/** Sums over the windows of a stream. */
class PredictionTotal {
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

interface Summary {
  readonly windows: number;
  readonly className?: string;
  readonly probability?: number;
  readonly events: number;
  readonly seconds: number;
  readonly model: string;
  readonly engine: string;
  readonly simulated: boolean;
}

/** Counts that people should see where they are not 0, in words. */
const losses: Readonly<Record<string, string>> = {
  outside: 'outside the frame',
  skippedBins: 'empty bins left out of long silences',
  dropped: 'dropped because the network was too slow',
  systemDrops: 'datagrams dropped by the system',
  malformed: 'malformed datagrams',
  outOfRange: 'outside the sensor',
  backward: 'with a time that went back',
  restarts: 'restarts of the sender',
};

function summaryText(summary: Summary): string {
  const { windows, className, probability, events, seconds, model, engine, simulated } = summary;
  const verdict = className === undefined ? 'no events' : `overall ${className} (${percent(probability!)})`;
  const lost = Object.entries(losses).flatMap(([name, words]) => {
    const count = (summary as unknown as Record<string, unknown>)[name];
    return typeof count === 'number' && count > 0 ? [`${count} ${words}`] : [];
  });
  return [
    `${windows} windows, ${events} events in ${seconds.toFixed(1)} s: ${verdict}`,
    ...(lost.length > 0 ? [`not as sent: ${lost.join(', ')}`] : []),
    `network ${model} on engine ${engine}${simulated ? ', simulated events' : ''}`,
  ].join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
