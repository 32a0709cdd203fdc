import type { OperatorFunction } from 'rxjs';
import type { EventChunk } from '../../events.ts';
import { stage } from '../stage.ts';
import { ChunkMapping } from './chunk-mapping.ts';
import { Selection } from './selection.ts';

export interface SelectPolarityOptions {
  /** The polarity that stays. */
  readonly polarity: 'on' | 'off';
}

/** Keeps the events of one polarity. */
export class SelectPolarity extends Selection {
  /** 1 where off events stay. */
  readonly #flip: number;

  constructor({ polarity }: SelectPolarityOptions) {
    super();
    this.#flip = polarity === 'on' ? 0 : 1;
  }

  protected select({ on }: EventChunk, picks: Uint32Array): number {
    const flip = this.#flip;
    let kept = 0;
    for (let i = 0; i < on.length; i++) {
      picks[kept] = i;
      kept += on[i]! ^ flip;
    }
    return kept;
  }
}

/** Keeps the events of one polarity. */
export function selectPolarity(options: SelectPolarityOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new SelectPolarity(options));
}

export interface MergePolaritiesOptions {
  /** What all events become; default `on`. */
  readonly polarity?: 'on' | 'off';
}

/** Gives all events one polarity. */
export class MergePolarities extends ChunkMapping {
  readonly #on: number;
  /** Shared by the chunks that come out: nobody writes to it. */
  #column = new Uint8Array(0);

  constructor({ polarity = 'on' }: MergePolaritiesOptions = {}) {
    super();
    this.#on = polarity === 'on' ? 1 : 0;
  }

  protected map(chunk: EventChunk): EventChunk {
    const { length } = chunk.t;
    if (this.#column.length < length) this.#column = new Uint8Array(length).fill(this.#on);
    return { ...chunk, on: this.#column.subarray(0, length) };
  }
}

/** Gives all events one polarity. */
export function mergePolarities(options?: MergePolaritiesOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new MergePolarities(options));
}

/** Makes on off, and off on. */
export class FlipPolarity extends ChunkMapping {
  protected map(chunk: EventChunk): EventChunk {
    const on = new Uint8Array(chunk.on.length);
    for (let i = 0; i < on.length; i++) on[i] = chunk.on[i]! ^ 1;
    return { ...chunk, on };
  }
}

/** Makes on off, and off on. */
export function flipPolarity(): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new FlipPolarity());
}
