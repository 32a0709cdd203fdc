import { lastValueFrom, tap } from 'rxjs';
import type { Dashboard } from '../../src/dashboard/dashboard.ts';
import { livePredictionLine } from '../../src/reports/prediction-line.ts';
import type { PipelineContext } from '../definition.ts';
import type { CameraSource } from './camera-stream.ts';
import { LatencyHistogram } from './latency.ts';
import type { LiveInference, LivePrediction } from './live-inference.ts';
import type { LoadedModel } from './load-model.ts';
import { jsonOf, type PredictionOutput } from './outputs/output.ts';
import { lossesText, PredictionTotal, percent } from './prediction-total.ts';

const STATUS_MILLIS = 1000;

/** Where a live run is reported to. */
export interface LiveReport {
  readonly context: PipelineContext;
  readonly outputs: readonly PredictionOutput[];
  readonly dashboard: Dashboard | undefined;
}

/** What is counted of one camera since the start, or since the last status. */
class CameraTally {
  readonly source: CameraSource;
  readonly total: PredictionTotal;
  readonly latency = new LatencyHistogram();
  readonly recent = new LatencyHistogram();
  firstMicros: number | undefined;
  operations = 0;
  recentOperations = 0;
  lastEvents = 0;
  lastMillis = performance.now();

  constructor(source: CameraSource, classes: number) {
    this.source = source;
    this.total = new PredictionTotal(classes);
  }

  add(prediction: LivePrediction): void {
    const { events, latencyMillis, operations, startMicros } = prediction;
    this.firstMicros ??= startMicros;
    this.total.add(prediction);
    if (events > 0) {
      this.latency.add(latencyMillis);
      this.recent.add(latencyMillis);
    }
    const count = operations === undefined ? 0 : operations.accumulates + operations.multiplies;
    this.operations += count;
    this.recentOperations += count;
  }
}

/**
 * Subscribes to live predictions and tells all who want to know: a line a window and a status a second, and at the end
 * for each camera a summary of what was predicted, of what was lost and of the latency.
 */
export async function reportLive(
  { predictions, counters }: LiveInference,
  sources: readonly CameraSource[],
  model: LoadedModel,
  { context, outputs, dashboard }: LiveReport,
): Promise<void> {
  const { classNames } = model.feed;
  const nameWidth = Math.max(...classNames.map(({ length }) => length));
  const cameraWidth = sources.length > 1 ? Math.max(...sources.map(({ id }) => id.length)) : 0;
  const tallies = new Map(sources.map((source) => [source.id, new CameraTally(source, classNames.length)]));
  const started = performance.now();
  const tell = (prediction: LivePrediction): void => {
    const tally = tallies.get(prediction.camera)!;
    tally.add(prediction);
    context.emit(jsonOf(prediction));
    const { firstMicros = 0 } = tally;
    context.print(livePredictionLine(prediction, { firstMicros, nameWidth, cameraWidth }));
    for (const output of outputs) output.write(prediction);
    publish(dashboard, prediction);
  };
  const status = setInterval(() => {
    for (const tally of tallies.values()) {
      const line = statusOf(tally);
      context.emit(line);
      dashboard?.publish(line);
    }
  }, STATUS_MILLIS);
  try {
    await lastValueFrom(predictions.pipe(tap(tell)), { defaultValue: undefined });
  } finally {
    // Of a run that fails too: what came of it so far.
    clearInterval(status);
    const seconds = Number(((performance.now() - started) / 1000).toFixed(3));
    for (const [index, tally] of [...tallies.values()].entries()) {
      const summary = {
        camera: tally.source.id,
        ...totalOf(tally, classNames),
        ...counters[index]!,
        ...tally.source.counters,
        seconds,
        model: model.name,
        engine: model.engine.name,
        simulated: tally.source.simulated || model.simulated,
      };
      context.emit({ type: 'summary', ...summary });
      context.print(summaryText(summary, cameraWidth > 0));
    }
  }
}

function publish(dashboard: Dashboard | undefined, prediction: LivePrediction): void {
  if (dashboard === undefined) return;
  const { camera, startMicros, endMicros, events, classIndex, probabilities, rates, decision, raster } =
    prediction;
  const times = { camera, startMicros, endMicros };
  dashboard.publish({ type: 'prediction', ...times, events, classIndex, probabilities, rates, decision });
  if (raster !== undefined) dashboard.publish({ type: 'raster', ...times, layers: raster });
}

/** How a camera fared since the last status. */
function statusOf(tally: CameraTally) {
  const now = performance.now();
  const seconds = (now - tally.lastMillis) / 1000;
  const { received = 0, dropped = 0, thinned = 0, systemDrops } = tally.source.counters ?? {};
  const latency = tally.recent.summary();
  const line = {
    type: 'status',
    camera: tally.source.id,
    atMillis: Date.now(),
    eventsPerSecond: Math.round((received - tally.lastEvents) / seconds),
    events: received,
    dropped: dropped + thinned,
    ...(systemDrops !== undefined && { systemDrops }),
    ...(latency !== undefined && { latencyMillis: { p50: latency.p50, p99: latency.p99 } }),
    ...(tally.operations > 0 && { operationsPerSecond: Math.round(tally.recentOperations / seconds) }),
  } as const;
  tally.lastEvents = received;
  tally.lastMillis = now;
  tally.recentOperations = 0;
  tally.recent.clear();
  return line;
}

function totalOf({ total, latency, operations }: CameraTally, classNames: readonly string[]) {
  const { windows } = total;
  const { classIndex, probability } = total.best();
  const latencyMillis = latency.summary();
  return {
    windows,
    ...(windows > 0 && { classIndex, className: classNames[classIndex]!, probability }),
    rates: total.rates(),
    ...(latencyMillis !== undefined && { latencyMillis }),
    ...(operations > 0 && { operations }),
  };
}

interface Summary extends ReturnType<typeof totalOf> {
  readonly camera: string;
  readonly events: number;
  readonly seconds: number;
  readonly model: string;
  readonly engine: string;
  readonly simulated: boolean;
}

function summaryText(summary: Summary, named: boolean): string {
  const { camera, windows, className, probability, events, seconds, latencyMillis: latency } = summary;
  const verdict = className === undefined ? 'no events' : `overall ${className} (${percent(probability!)})`;
  const head = `${windows} windows, ${events} events in ${seconds.toFixed(1)} s: ${verdict}`;
  const { model, engine, simulated } = summary;
  return [
    named ? `${camera}: ${head}` : head,
    ...(latency === undefined
      ? []
      : [
          `latency from the last event of a window: median ${latency.p50} ms, 99th percentile ${latency.p99} ms, most ${latency.max} ms`,
        ]),
    ...lossesText(summary),
    `network ${model} on engine ${engine}${simulated ? ', simulated events' : ''}`,
  ].join('\n');
}
