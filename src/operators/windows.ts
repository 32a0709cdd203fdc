import type { OperatorFunction } from 'rxjs';
import { ShapeError } from '../errors.ts';
import type { Frame, Stage } from '../events.ts';
import { stage } from './stage.ts';
import { wholeNumber } from './whole-number.ts';

/** The bins that one step of a model takes. */
export interface Window {
  /** [bins, height, width, channels]; nobody writes to it. */
  readonly frames: Float32Array;
  readonly shape: readonly [bins: number, height: number, width: number, channels: number];
  readonly startMicros: number;
  readonly endMicros: number;
  /** Events in all its bins. */
  readonly events: number;
  /** Bins that are real; a last window is padded with empty frames. */
  readonly bins: number;
}

export interface WindowsOptions {
  /** A last window of fewer bins: padded (`keep`, the default) or left out (`drop`). */
  readonly tail?: 'keep' | 'drop';
}

/** Joins each `bins` frames into a window. */
export class Windows implements Stage<Frame, Window> {
  readonly #bins: number;
  readonly #tail: 'keep' | 'drop';
  #frames: Frame[] = [];
  #empty: Float32Array | undefined;

  constructor(bins: number, { tail = 'keep' }: WindowsOptions = {}) {
    this.#bins = wholeNumber('window bins', bins, 1);
    this.#tail = tail;
  }

  push(frame: Frame, emit: (window: Window) => void): void {
    this.#frames.push(frame);
    if (this.#frames.length === this.#bins) emit(this.#join());
  }

  end(emit: (window: Window) => void): void {
    if (this.#frames.length > 0 && this.#tail === 'keep') emit(this.#join());
    this.#frames = [];
  }

  #join(): Window {
    const frames = this.#frames;
    this.#frames = [];
    const { width, height, channels, startMicros } = frames[0]!;
    const size = height * width * channels;
    let events = 0;
    // A single bin is the window: nobody writes to either.
    let joined: Float32Array | undefined = this.#bins === 1 ? frames[0]!.data : undefined;
    frames.forEach((frame, i) => {
      if (frame.width !== width || frame.height !== height || frame.channels !== channels) {
        throw new ShapeError(
          `window: expected frames [${height}, ${width}, ${channels}], found [${frame.height}, ${frame.width}, ${frame.channels}]`,
        );
      }
      events += frame.events;
      if (frame.events === 0 || frame.data === joined) return;
      joined ??= new Float32Array(this.#bins * size);
      joined.set(frame.data, i * size);
    });
    return {
      frames: joined ?? this.#emptyFrames(this.#bins * size),
      shape: [this.#bins, height, width, channels],
      startMicros,
      endMicros: frames.at(-1)!.endMicros,
      events,
      bins: frames.length,
    };
  }

  /** Windows without events share one array of zeros, so that silence costs no memory. */
  #emptyFrames(size: number): Float32Array {
    if (this.#empty?.length !== size) this.#empty = new Float32Array(size);
    return this.#empty;
  }
}

/** Joins each `bins` frames of one recording or stream into a window for one step of a model. */
export function windows(bins: number, options?: WindowsOptions): OperatorFunction<Frame, Window> {
  return stage(() => new Windows(bins, options));
}
