import { lastValueFrom, tap } from 'rxjs';
import type { Prediction } from '../../src/operators/predict.ts';
import { predictionLine } from '../../src/reports/prediction-line.ts';
import type { PipelineContext } from '../definition.ts';
import type { LoadedModel } from './load-model.ts';
import type { EventSource, PredictionStream } from './predict-stream.ts';
import { lossesText, PredictionTotal, percent } from './prediction-total.ts';

/** What a report asks of the source. */
export interface SourceWatch {
  /** What became of the events before they were binned; told at the end. */
  counters?(): object;
}

/** Prints a line for every window, and at the end one for the whole stream with all that was not counted in. */
export async function reportPredictions(
  { predictions, counters }: PredictionStream,
  source: EventSource,
  model: LoadedModel,
  context: PipelineContext,
  { counters: sourceCounters = () => ({}) }: SourceWatch = {},
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

function summaryText(summary: Summary): string {
  const { windows, className, probability, events, seconds, model, engine, simulated } = summary;
  const verdict = className === undefined ? 'no events' : `overall ${className} (${percent(probability!)})`;
  return [
    `${windows} windows, ${events} events in ${seconds.toFixed(1)} s: ${verdict}`,
    ...lossesText(summary),
    `network ${model} on engine ${engine}${simulated ? ', simulated events' : ''}`,
  ].join('\n');
}
