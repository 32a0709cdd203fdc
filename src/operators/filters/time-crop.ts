import type { OperatorFunction } from 'rxjs';
import { OptionError } from '../../errors.ts';
import { type EventChunk, sliceChunk } from '../../events.ts';
import { firstEventFrom } from '../first-event-from.ts';
import { stage } from '../stage.ts';
import { ChunkMapping } from './chunk-mapping.ts';

export interface TimeCropOptions {
  /** First microsecond that stays; default 0. */
  readonly fromMicros?: number;
  /** First microsecond that goes; default none. */
  readonly toMicros?: number;
  /** What these times count from: the first event (`first`, the default), or the recording's own clock (`clock`). */
  readonly since?: 'first' | 'clock';
}

/** Keeps the events from one time to before another, as views. */
export class TimeCrop extends ChunkMapping {
  readonly #from: number;
  readonly #to: number;
  #start: number | undefined;

  constructor({ fromMicros = 0, toMicros = Infinity, since = 'first' }: TimeCropOptions) {
    super();
    if (!(fromMicros >= 0 && fromMicros < toMicros)) {
      throw new OptionError(
        `time crop: expected fromMicros of at least 0 and before toMicros, got ${fromMicros} to ${toMicros}`,
      );
    }
    this.#from = fromMicros;
    this.#to = toMicros;
    this.#start = since === 'clock' ? 0 : undefined;
  }

  protected map(chunk: EventChunk): EventChunk {
    const { t, origin } = chunk;
    if (t.length === 0) return chunk;
    this.#start ??= origin + t[0]!;
    const first = firstEventFrom(t, this.#start + this.#from - origin);
    const end = firstEventFrom(t, this.#start + this.#to - origin, first);
    return first === 0 && end === t.length ? chunk : sliceChunk(chunk, first, end);
  }
}

/** Keeps the events from one time to before another. */
export function timeCrop(options: TimeCropOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new TimeCrop(options));
}
