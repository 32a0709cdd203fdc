import { type Observable, tap } from 'rxjs';
import type { EventChunk, SensorSize } from '../../src/events.ts';
import { type BinCounters, binCounters } from '../../src/operators/bin-frames.ts';
import { bin } from '../../src/operators/binning.ts';
import { FrameGrid } from '../../src/operators/frame-grid.ts';
import { type Prediction, predict } from '../../src/operators/predict.ts';
import { windows } from '../../src/operators/windows.ts';
import { Credits, pulledChunks } from '../../src/streams/event-chunks.ts';
import type { LoadedModel } from './load-model.ts';
import { pacedChunks } from './paced-chunks.ts';

/** Events that a network is fed with: a recording, or a live source. */
export interface EventSource {
  readonly id: string;
  readonly sensor: SensorSize;
  readonly simulated: boolean;
  chunks(): AsyncIterable<EventChunk>;
}

/** How fast, and until when. */
export interface StreamOptions {
  /** Multiple of real time, or `max`. */
  readonly speed: number | 'max';
  /** Ends the stream between two chunks; what was pulled is still predicted. */
  readonly signal?: AbortSignal;
}

/** Predictions of a stream, with what binning did to its events so far. */
export interface PredictionStream {
  readonly predictions: Observable<Prediction>;
  readonly counters: Readonly<BinCounters>;
}

/**
 * source ▸ bin ▸ windows ▸ predict, the state carried from window to window; the source is pulled, and the next chunk
 * is pulled only when every window of the last has been predicted.
 */
export function predictStream(
  source: EventSource,
  model: LoadedModel,
  options: StreamOptions,
): PredictionStream {
  const { feed, binning, binMicros = Number.POSITIVE_INFINITY, windowBins, predictor } = model;
  const { sensor } = source;
  const sameSensor = sensor.width === feed.sensor.width && sensor.height === feed.sensor.height;
  const grid = new FrameGrid({
    sensor,
    frame: feed.frame,
    ...(sameSensor && feed.crop !== undefined ? { crop: feed.crop } : {}),
  });
  const counters = binCounters();
  const credits = new Credits(1);
  const paced = {
    ...source,
    chunks: () => pacedChunks(source.chunks(), { spanMicros: binMicros, ...options }),
  };
  const predictions = pulledChunks(paced, credits).pipe(
    bin(binning, { grid, polarity: feed.frame.channels === 1 ? 'merged' : 'two', counters }),
    windows(windowBins),
    tap(() => credits.take()),
    predict(predictor.step, { dispose: predictor.disposeState }),
    tap(() => credits.give()),
  );
  return { predictions, counters };
}
