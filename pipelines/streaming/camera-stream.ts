import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventChunk } from '../../src/events.ts';
import { Decide, type DecisionOptions } from '../../src/operators/decide.ts';
import { type LiveWindow, LiveWindows } from '../../src/operators/live-windows.ts';
import type { Prediction } from '../../src/operators/predict.ts';
import type { LiveCounters } from '../../src/streams/live/live-source.ts';
import { type FeedFilters, feedFilters } from './feed-filters.ts';
import type { LoadedModel } from './load-model.ts';
import { slicesOf } from './paced-chunks.ts';
import { type EventSource, framesOf, gridOf } from './predict-stream.ts';
import type { CameraSnapshot } from './snapshot.ts';

/** A camera's events as they arrive. */
export interface CameraSource extends EventSource {
  /** What became of the events so far. */
  readonly counters?: Partial<LiveCounters>;
  /** When the events of a time arrived, in microseconds since 1970; undefined where that is not known. */
  arrivalOf?(micros: number): number | undefined;
}

/** How the stream of a camera becomes windows and decisions. */
export interface CameraOptions {
  readonly decision?: DecisionOptions;
  /** Time without events after which the state begins anew, in microseconds; default never. */
  readonly silenceMicros?: number;
  /** How long an open window waits for events behind its end before the clock closes it. Default 100. */
  readonly latenessMillis?: number;
  /** Windows that become one where so many wait, so that a slow network keeps up. Default 1. */
  readonly mergeMost?: number;
}

/** A time of events and when it arrived. */
interface Anchor {
  readonly micros: number;
  readonly millis: number;
}

const LATENESS_MILLIS = 100;
/** Windows that wait for the network at most; what comes meanwhile waits in the source. */
const WAITING_WINDOWS = 2;
/** So much later than an event that has been forgotten its source is asked at most. */
const FORGOTTEN_MICROS = 60e6;
/** How long a stream is anchored to the clock at one place, and how far ahead of it drift may have taken it then. */
const ANCHOR_MILLIS = 60_000;
const DRIFT_MILLIS = 1000;

/** Milliseconds since 1970, on a clock that never goes back. */
export function nowMillis(): number {
  return performance.timeOrigin + performance.now();
}

/** One camera: reads its source into windows while few wait, and closes the open one when the camera is silent. */
export class CameraStream {
  readonly source: CameraSource;
  readonly windows: LiveWindows;
  readonly decide: Decide<Prediction>;
  /** Number of the next window. */
  window: number;
  /** Start of the next window, in microseconds; undefined before the first. */
  nextMicros: number | undefined;
  ended = false;
  /** What the source failed with, if it did. */
  failure: { readonly error: unknown } | undefined;
  readonly #filters: FeedFilters;
  readonly #options: CameraOptions;
  readonly #spanMicros: number;
  readonly #strideMicros: number | undefined;
  readonly #onReady: () => void;
  #room: (() => void) | undefined;
  #stopped = false;
  #pushing = false;
  #timer: NodeJS.Timeout | undefined;
  #chunkMillis = 0;
  /** Whether the stream runs ahead of the clock is seen from here. */
  #anchor: Anchor | undefined;

  /** @param onReady called when a window is ready, and at the end */
  constructor(
    source: CameraSource,
    model: Pick<LoadedModel, 'feed' | 'binning' | 'binMicros' | 'windowBins'>,
    options: CameraOptions,
    restored: CameraSnapshot | undefined,
    onReady: () => void,
  ) {
    const { feed, binning, binMicros = Number.POSITIVE_INFINITY, windowBins } = model;
    const { decision = {}, mergeMost = 1, silenceMicros } = options;
    this.source = source;
    this.#filters = feedFilters(feed, source.sensor);
    this.#options = options;
    this.#spanMicros = binMicros;
    this.#strideMicros = binning.kind === 'time' ? (binning.strideMicros ?? binning.windowMicros) : undefined;
    this.#onReady = onReady;
    this.windows = new LiveWindows({
      binning,
      bins: windowBins,
      grid: gridOf({ id: source.id, sensor: this.#filters.sensor }, feed),
      ...framesOf(feed),
      mergeMost,
      ...(silenceMicros === undefined ? {} : { silenceMicros }),
      ...(restored?.nextMicros === undefined ? {} : { resumeMicros: restored.nextMicros }),
    });
    this.decide = new Decide(decision);
    this.decide.memory = restored?.decision;
    this.window = restored?.window ?? 0;
    this.nextMicros = restored?.nextMicros;
  }

  /** Reads until the source ends or fails; what is open then is the last window. */
  async read(): Promise<void> {
    try {
      for await (const chunk of this.#filters.apply(this.source.chunks())) {
        if (chunk.t.length === 0) continue;
        this.#chunkMillis = nowMillis();
        await this.#push(chunk);
        if (this.#stopped) break;
        this.#watchSilence();
      }
    } catch (error) {
      this.failure = { error };
    }
    this.stop();
    this.windows.end();
    this.ended = true;
    this.#onReady();
  }

  /** The next window, or as many as wait merged into one. */
  take(): LiveWindow | undefined {
    const window = this.windows.take();
    if (window !== undefined && this.windows.ready < this.#mostWaiting) this.#room?.();
    return window;
  }

  /** Notes that a window was predicted. */
  advance({ endMicros, merged }: LiveWindow): void {
    this.window += merged;
    const overlap = this.#strideMicros === undefined ? 0 : this.#spanMicros - this.#strideMicros;
    this.nextMicros = endMicros - overlap;
  }

  /** Ends waits and timers; the source is closed by whoever opened it. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#room?.();
  }

  get #mostWaiting(): number {
    return Math.max(WAITING_WINDOWS, this.#options.mergeMost ?? 1);
  }

  /**
   * When an event arrived, in milliseconds since 1970. Of one that has waited so long that its source has forgotten,
   * the next second's that is known: a latency is then too low, but not by the whole wait.
   */
  readonly #arrivalOf = (micros: number): number => {
    if (this.source.arrivalOf === undefined) return this.#chunkMillis;
    for (let later = 0; later <= FORGOTTEN_MICROS; later += 1e6) {
      const arrivedMicros = this.source.arrivalOf(micros + later);
      if (arrivedMicros !== undefined) return arrivedMicros / 1000;
    }
    return this.#chunkMillis;
  };

  async #push(chunk: EventChunk): Promise<void> {
    this.#pushing = true;
    this.#anchor ??= this.#anchorAt(chunk.origin + chunk.t[0]!);
    for (const slice of slicesOf(chunk, this.#spanMicros)) {
      while (this.windows.ready >= this.#mostWaiting && !this.#stopped) await this.#waitForRoom();
      this.windows.push(slice, this.#arrivalOf);
      if (this.windows.ready > 0) this.#onReady();
    }
    this.#pushing = false;
    this.#keepAnchor();
  }

  /** Anchors the stream to the clock anew, now and then: clocks of cameras drift. */
  #keepAnchor(): void {
    const { lastMicros } = this.windows;
    if (lastMicros === undefined || this.#anchor === undefined) return;
    const now = this.#anchorAt(lastMicros);
    const elapsedMillis = now.millis - this.#anchor.millis;
    const aheadMillis = (now.micros - this.#anchor.micros) / 1000 - elapsedMillis;
    if (elapsedMillis >= ANCHOR_MILLIS && aheadMillis <= DRIFT_MILLIS) this.#anchor = now;
  }

  #anchorAt(micros: number): Anchor {
    return { micros, millis: this.#arrivalOf(micros) };
  }

  #waitForRoom(): Promise<void> {
    return new Promise((resolve) => {
      this.#room = () => {
        this.#room = undefined;
        resolve();
      };
    });
  }

  /** Sees to it that the open window closes, by the clock where no event does. One timer runs, not one a chunk. */
  #watchSilence(): void {
    const due = this.#silenceMillis();
    if (due === undefined || this.#timer !== undefined || this.#pushing || this.#stopped) return;
    this.#timer = setTimeout(() => void this.#closeIfSilent(), Math.max(1, due - nowMillis()));
  }

  /**
   * When the open window is to close unless events come, in milliseconds since 1970: when its rest has passed since the
   * last event. A stream that is faster than the clock (a file through a pipe) may pause: its window is not over before
   * the clock has caught up with it.
   */
  #silenceMillis(): number | undefined {
    const { openEndMicros, lastMicros } = this.windows;
    if (openEndMicros === undefined || lastMicros === undefined) return undefined;
    const since = (micros: number, millis: number): number => millis + (openEndMicros - micros) / 1000;
    const { micros, millis } = this.#anchor!;
    const over = Math.max(since(lastMicros, this.#arrivalOf(lastMicros)), since(micros, millis));
    return over + (this.#options.latenessMillis ?? LATENESS_MILLIS);
  }

  async #closeIfSilent(): Promise<void> {
    const { lastMicros } = this.windows;
    const due = this.#silenceMillis();
    if (due !== undefined && nowMillis() >= due && !this.#pushing) {
      // A step may have kept this process from reading what has come: it is read first.
      await nextTurn();
      await nextTurn();
      const nothingCame = this.windows.lastMicros === lastMicros && !this.#pushing;
      if (nothingCame && (this.source.counters?.waiting ?? 0) === 0) this.windows.advance();
      if (this.windows.ready > 0) this.#onReady();
    }
    this.#timer = undefined;
    this.#watchSilence();
  }
}
