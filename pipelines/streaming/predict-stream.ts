import { type Observable, tap } from 'rxjs';
import { InputError } from '../../src/errors.ts';
import type { EventChunk, SensorSize } from '../../src/events.ts';
import type { Feed } from '../../src/models/feed.ts';
import { type BinCounters, binCounters } from '../../src/operators/bin-frames.ts';
import { bin } from '../../src/operators/binning.ts';
import { FrameGrid, type Polarity } from '../../src/operators/frame-grid.ts';
import { type Prediction, predict } from '../../src/operators/predict.ts';
import type { Representation } from '../../src/operators/representations/representation.ts';
import { windows } from '../../src/operators/windows.ts';
import { Credits, pulledChunks } from '../../src/streams/event-chunks.ts';
import { feedFilters } from './feed-filters.ts';
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
 * source ▸ filters ▸ bin ▸ windows ▸ predict, the state carried from window to window; the source is pulled, and the next chunk
 * is pulled only when every window of the last has been predicted.
 */
export function predictStream(
  source: EventSource,
  model: LoadedModel,
  options: StreamOptions,
): PredictionStream {
  const { feed, binning, binMicros = Number.POSITIVE_INFINITY, windowBins, predictor } = model;
  const filters = feedFilters(feed, source.sensor);
  const grid = gridOf({ id: source.id, sensor: filters.sensor }, feed);
  const counters = binCounters();
  const credits = new Credits(1);
  const paced = {
    ...source,
    chunks: () => pacedChunks(filters.apply(source.chunks()), { spanMicros: binMicros, ...options }),
  };
  const predictions = pulledChunks(paced, credits).pipe(
    bin(binning, { grid, ...framesOf(feed), counters }),
    windows(windowBins),
    tap(() => credits.take()),
    predict(predictor.step, { dispose: predictor.disposeState }),
    tap(() => credits.give()),
  );
  return { predictions, counters };
}

/** What the events of a bin become for a network. */
export function framesOf({ frame, representation = { kind: 'counted' } }: Feed): {
  polarity: Polarity;
  representation: Representation;
} {
  return { polarity: frame.channels === 1 ? 'merged' : 'two', representation };
}

/** Where the pixels of a source fall on a frame; a sensor of another size than the training's is scaled whole. */
export function gridOf(
  { id, sensor }: Pick<EventSource, 'id' | 'sensor'>,
  { sensor: trained, crop, frame }: Feed,
): FrameGrid {
  if (sensor.width < frame.width || sensor.height < frame.height) {
    const [found, expected] = [sensor, frame].map(({ width, height }) => `${width} x ${height}`);
    throw new InputError(`expected a sensor of at least ${expected} for this network, found ${found}`, id);
  }
  const same = sensor.width === trained.width && sensor.height === trained.height;
  return new FrameGrid({ sensor, frame, ...(same && crop !== undefined ? { crop } : {}) });
}
