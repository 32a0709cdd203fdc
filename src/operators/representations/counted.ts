import type { EventChunk } from '../../events.ts';
import type { FrameGrid, Polarity } from '../frame-grid.ts';
import type { Allocate, OpenBin, Painter } from './painter.ts';

/** Counts of the events of each pixel, and polarity; or, `binary`, 1 where there was any. */
export class Counted implements Painter {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2;
  readonly #grid: FrameGrid;
  readonly #binary: boolean;

  constructor(grid: FrameGrid, polarity: Polarity, binary: boolean) {
    this.width = grid.width;
    this.height = grid.height;
    this.channels = polarity === 'two' ? 2 : 1;
    this.#grid = grid;
    this.#binary = binary;
  }

  paint(bin: OpenBin, chunk: EventChunk, start: number, end: number, allocate: Allocate): void {
    bin.data ??= allocate(bin.ordinal);
    bin.events += this.#grid.count(chunk, start, end, bin.data, this.channels);
  }

  finish({ data }: OpenBin): Float32Array | undefined {
    if (data !== undefined && this.#binary) {
      for (let i = 0; i < data.length; i++) if (data[i]! > 1) data[i] = 1;
    }
    return data;
  }
}
