import { OptionError } from '../errors.ts';
import { type EventChunk, type Frame, sliceChunk } from '../events.ts';
import { BinByEvents } from './bin-by-events.ts';
import { BinByTime } from './bin-by-time.ts';
import { type BinCounters, binCounters } from './bin-frames.ts';
import type { Binning } from './binning.ts';
import { firstEventFrom } from './first-event-from.ts';
import type { FrameGrid, Polarity } from './frame-grid.ts';
import { mergeWindows } from './merge-windows.ts';
import type { Representation } from './representations/representation.ts';
import { type Window, Windows } from './windows.ts';

/** A window of a live stream. */
export interface LiveWindow extends Window {
  /** True where the stream begins anew with it: a state from before is not carried on. */
  readonly reset: boolean;
  /** How many windows it was made of: 1, or more where bins were merged because the network was behind. */
  readonly merged: number;
  /** When its last event arrived, on the clock of the caller; of a window without events, the one that closed it. */
  readonly arrivedMillis: number;
}

/** What became of the events on their way into windows. */
export interface LiveWindowCounters extends BinCounters {
  /** Events whose window had been closed by the clock before they came. */
  lateEvents: number;
  /** Windows that were merged into the one before them. */
  mergedWindows: number;
}

export interface LiveWindowsOptions {
  /** Bins by time or by events: a stream has no end to divide by. */
  readonly binning: Binning;
  /** Bins of a window. */
  readonly bins: number;
  readonly grid: FrameGrid;
  /** Default `two`. */
  readonly polarity?: Polarity;
  /** What the events of a bin become; default their counts. */
  readonly representation?: Representation;
  /**
   * Windows that may become one where several wait; bins must not overlap, and count events. Default 1: none are merged.
   */
  readonly mergeMost?: number;
  /** Time without events after which the stream begins anew, in microseconds; default never. */
  readonly silenceMicros?: number;
  /**
   * Where a stream that has been watched before goes on: its next bin starts there, what comes before is late, and its
   * first window is no beginning. Default: the stream begins with its first event.
   */
  readonly resumeMicros?: number;
}

/** An event so much before the time to go on at is of another stream, which begins with it. */
const ANOTHER_STREAM_MICROS = 1_000_000;

/**
 * The windows of a stream that never ends. A window closes when an event behind it comes, or by `advance`, which the
 * caller calls when the stream has been silent; events that come for a closed window are late, and counted. Windows
 * wait here until they are taken: the caller pushes more only while few do.
 *
 * ```
 * push(events) ─▶ bins ─▶ windows ─▶ waiting ─▶ take()      merged, where `mergeMost` allows it and several wait
 *                  ▲
 *            advance(micros): the watermark
 * ```
 */
export class LiveWindows {
  readonly counters: LiveWindowCounters = { ...binCounters(), lateEvents: 0, mergedWindows: 0 };
  readonly #options: LiveWindowsOptions;
  #binning: BinByTime | BinByEvents;
  #windows: Windows;
  readonly #waiting: LiveWindow[] = [];
  /** Bins in the window that is being joined, the start of its first, and when their last event arrived. */
  #joined = 0;
  #joinedStart = 0;
  #joinedArrival = 0;
  /** Events before it are late. */
  #watermark = Number.NEGATIVE_INFINITY;
  #lastMicros: number | undefined;
  /** When the last event of the chunk at hand arrived, and that of the one before. */
  #arrival = 0;
  #lastArrival = 0;
  #begins = true;

  constructor(options: LiveWindowsOptions) {
    const { binning, mergeMost = 1, silenceMicros, resumeMicros, representation } = options;
    if (mergeMost > 1 && representation !== undefined && representation.kind !== 'counted') {
      throw new OptionError(`live windows: bins of ${representation.kind} cannot be merged, only counts`);
    }
    if (mergeMost > 1 && overlaps(binning)) {
      throw new OptionError('live windows: bins that overlap cannot be merged');
    }
    if (silenceMicros !== undefined && binning.kind === 'time' && silenceMicros < binning.windowMicros) {
      throw new OptionError(
        `silence: expected at least a bin's ${binning.windowMicros} us, got ${silenceMicros} us`,
      );
    }
    this.#options = options;
    this.#watermark = resumeMicros ?? this.#watermark;
    this.#begins = resumeMicros === undefined;
    this.#binning = this.#createBinning(resumeMicros);
    this.#windows = new Windows(options.bins);
  }

  /** Windows that wait to be taken. */
  get ready(): number {
    return this.#waiting.length;
  }

  /** Time of the last event, in microseconds; undefined before the first. */
  get lastMicros(): number | undefined {
    return this.#lastMicros;
  }

  /**
   * End of the window that is open and has events, in microseconds: `advance` to it closes the window. Undefined where
   * no event waits for its window's end, and where bins are counted in events.
   */
  get openEndMicros(): number | undefined {
    const binning = this.#binning;
    if (!(binning instanceof BinByTime) || this.#lastMicros === undefined) return undefined;
    const start = this.#joined > 0 ? this.#joinedStart : binning.nextStartMicros;
    if (start === undefined || this.#lastMicros < Math.max(start, this.#watermark)) return undefined;
    return binning.endMicrosOf(this.#options.bins - this.#joined - 1);
  }

  /** @param arrivalOf when the event of a time arrived, on any clock that never goes back */
  push(chunk: EventChunk, arrivalOf: (micros: number) => number): void {
    if (chunk.t.length === 0) return;
    const first = chunk.origin + chunk.t[0]!;
    if (this.#lastMicros === undefined && first < this.#watermark - ANOTHER_STREAM_MICROS) this.#restart();
    else if (first - this.#knownMicros(first) >= (this.#options.silenceMicros ?? Infinity))
      this.#fallSilent();
    const onTime = this.#onTime(chunk);
    if (onTime.t.length === 0) return;
    const { t, origin } = onTime;
    this.#lastMicros = origin + t.at(-1)!;
    this.#arrival = arrivalOf(this.#lastMicros);
    this.#binning.push(onTime, (frame) => {
      const inside = firstEventFrom(t, frame.endMicros - origin);
      this.#join(frame, inside === 0 ? this.#lastArrival : arrivalOf(origin + t[inside - 1]!));
    });
    this.#lastArrival = this.#arrival;
  }

  /** Closes the window that ends at `openEndMicros`: no event has come for so long that none is to come. */
  advance(): void {
    const micros = this.openEndMicros;
    if (micros === undefined || !(this.#binning instanceof BinByTime)) return;
    this.#watermark = micros;
    this.#binning.advance(micros, (frame) => this.#join(frame, this.#lastArrival));
  }

  /** The windows that wait, merged up to `mergeMost` of them, as one; undefined where none waits. */
  take(): LiveWindow | undefined {
    const { mergeMost = 1 } = this.#options;
    let count = Math.min(this.#waiting.length, mergeMost);
    const begins = this.#waiting.findIndex(({ reset }, index) => index > 0 && reset);
    if (begins > 0) count = Math.min(count, begins);
    if (count <= 1) return this.#waiting.shift();
    this.counters.mergedWindows += count - 1;
    return mergeWindows(this.#waiting.splice(0, count));
  }

  /** Makes the next window the first of a new stream, as far as its state goes. */
  reset(): void {
    const next = this.#waiting[0];
    if (next === undefined) this.#begins = true;
    else this.#waiting[0] = { ...next, reset: true };
  }

  /** Closes what is open, however little it holds. */
  end(): void {
    const emit = (frame: Frame): void => this.#join(frame, this.#lastArrival);
    this.#binning.end(emit);
    this.#windows.end((window) => this.#wait(window));
    this.#joined = 0;
  }

  /** Time of the last event, of a stream that goes on the time where it does. */
  #knownMicros(first: number): number {
    return this.#lastMicros ?? this.#options.resumeMicros ?? first;
  }

  /** Gives the open window, and begins anew with the next event. */
  #fallSilent(): void {
    this.advance();
    this.#restart();
  }

  #restart(): void {
    this.end();
    this.#watermark = Number.NEGATIVE_INFINITY;
    this.#lastMicros = undefined;
    this.#binning = this.#createBinning();
    this.#begins = true;
  }

  #createBinning(firstMicros?: number): BinByTime | BinByEvents {
    const { binning, grid, polarity = 'two', representation = { kind: 'counted' } } = this.#options;
    if (representation.kind === 'binary-representation') {
      throw new OptionError(
        'live windows: the binary representation is for recordings, whose bins end by themselves',
      );
    }
    const shared = { grid, polarity, counters: this.counters, representation };
    if (binning.kind === 'events') return new BinByEvents({ ...binning, ...shared });
    if (binning.kind !== 'time') {
      throw new OptionError(`live windows: expected bins by time or by events, got "${binning.kind}"`);
    }
    return new BinByTime({ ...binning, ...shared, ...(firstMicros === undefined ? {} : { firstMicros }) });
  }

  #onTime(chunk: EventChunk): EventChunk {
    if (chunk.origin + chunk.t[0]! >= this.#watermark) return chunk;
    const late = firstEventFrom(chunk.t, this.#watermark - chunk.origin);
    this.counters.lateEvents += late;
    this.counters.events += late;
    return sliceChunk(chunk, late, chunk.t.length);
  }

  #join(frame: Frame, arrivedMillis: number): void {
    if (this.#joined === 0) this.#joinedStart = frame.startMicros;
    if (this.#joined === 0 || frame.events > 0) this.#joinedArrival = arrivedMillis;
    this.#joined = (this.#joined + 1) % this.#options.bins;
    this.#windows.push(frame, (window) => this.#wait(window));
  }

  #wait(window: Window): void {
    const arrivedMillis = window.events > 0 ? this.#joinedArrival : this.#arrival;
    this.#waiting.push({ ...window, reset: this.#begins, merged: 1, arrivedMillis });
    this.#begins = false;
  }
}

function overlaps(binning: Binning): boolean {
  if (binning.kind === 'time') return (binning.strideMicros ?? binning.windowMicros) !== binning.windowMicros;
  return binning.kind === 'events' && (binning.stride ?? binning.count) !== binning.count;
}
